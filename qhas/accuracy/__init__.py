"""Comparison of a network's outputs with those of ONNX Runtime: their arrangement, and how far apart they are."""
