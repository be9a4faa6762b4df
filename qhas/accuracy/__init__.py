"""Outputs of a network held against those of ONNX Runtime: how they lie, how far they are apart."""
