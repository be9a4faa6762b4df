"""Everything needed to run it for real: a local stack, and the files for a lab host, a cluster and a bucket."""
