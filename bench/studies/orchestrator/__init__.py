"""The cost of Prefect per cell: client, server and database, by number of cells in a sweep."""
