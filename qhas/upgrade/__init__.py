"""What another SDK does to networks: which cells change, with which version, why, and what brings the old figure back."""
