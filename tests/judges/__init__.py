"""Independent judges of our files: other people's programs that read them, installed from PyPI and used offline."""
