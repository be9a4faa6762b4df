"""The steps of a cell. Each does one thing once; how often, how long and beside what is decided by tasks and flows."""
