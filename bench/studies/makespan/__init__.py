"""How long a rack takes for a sweep, against the shortest time that it could take."""
