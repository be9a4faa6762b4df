"""The smallest part of a network that shows a change, without the original's names or weights, to send to a vendor."""
