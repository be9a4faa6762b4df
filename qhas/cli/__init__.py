"""The `qhas` command, with a module for each word that the user can type."""
