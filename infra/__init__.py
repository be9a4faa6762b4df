"""Everything to run it for real: a local stack, and the files of a lab host, a cluster and a bucket."""
