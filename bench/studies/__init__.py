"""Questions that docs/benchmarks.md answers: asked again by name, not part of `make bench`."""
