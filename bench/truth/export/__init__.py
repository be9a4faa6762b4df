"""Structures of published networks, built from torchvision, timm, transformers and a few networks of our own.

Only a network's graph is kept: the large weights are removed, each leaving a description of its values, from which
`bench.truth.structure` makes weights that behave the same. The optional extra `structures` installs the libraries.
"""

from bench.truth.export import operators as operators
