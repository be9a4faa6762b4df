"""Uses of the public face that type checkers must accept. Nothing here is run."""
