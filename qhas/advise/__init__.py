"""Rewrites of an ONNX network that make it faster on the HTP: all are tried, only those that helped are advised."""
