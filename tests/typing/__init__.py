"""What type checkers must accept of the public face. Nothing here is run."""
