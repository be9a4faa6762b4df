"""Studies behind the answers in docs/benchmarks.md: run only by name, not part of `make bench`."""
