"""What another SDK does to networks: which cells change, in which version and why, and what restores the old figure."""
