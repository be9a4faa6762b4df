"""What Prefect costs a cell: client, server and database, by cells in a sweep."""
