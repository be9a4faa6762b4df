"""The local stack: Prefect's server on PostgreSQL, an S3 server and workers, all in `.stack/` and removed with it."""
