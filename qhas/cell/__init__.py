"""One cell: its work, its artifacts, its inputs, and the steps it takes."""
