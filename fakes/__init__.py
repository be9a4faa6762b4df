"""A fake SDK, fake phones and boards and an S3 server with faults on demand, for tests and benches."""
