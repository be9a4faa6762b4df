"""This host: its processes, directories, files and cores."""
