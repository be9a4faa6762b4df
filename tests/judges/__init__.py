"""Independent judges of our files: programs by other people that read them, from PyPI and without a network."""
