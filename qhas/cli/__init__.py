"""The `qhas` command: a file a word the user types."""
