"""How long a rack takes for a sweep, compared with the shortest time that it could take."""
