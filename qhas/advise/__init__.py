"""Rewrites of an ONNX network that make it faster on the HTP: tried, and only those told that helped."""
