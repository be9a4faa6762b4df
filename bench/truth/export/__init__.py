"""Structures of published networks, made of torchvision, timm, transformers and a few of our own writing.

What is kept of a network is its graph: the large weights are taken out, and each says what they were like, so that
`bench.truth.structure` makes some that behave the same. The optional extra `structures` brings the libraries.
"""

from bench.truth.export import operators as operators
