"""The smallest part of a network that shows a change, without names or weights of the original: what one may send to a vendor."""
