"""Families of op types, so that a colour means the same on every page."""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple


class Family(NamedTuple):
    """Op types that do the same kind of work. `name` is the colour's name in the style sheet."""

    name: str
    title: str


OTHER = Family("other", "other ops")
WAITING = Family("waiting", "waiting, bookkeeping")
_IO = Family("io", "inputs, outputs")
_WORDS_OF = (
    (Family("depthwise", "depthwise convolution"), "depth wise, depthwise"),
    (Family("conv", "convolution"), "conv, convolution, deconvolution"),
    (Family("matmul", "matrix product"), "mat mul, matmul, fully connected, gemm, attention, lstm, gru, rnn"),
    (
        Family("norm", "softmax, normalisation"),
        "softmax, norm, batchnorm, layernorm, rmsnorm, normalization, lrn",
    ),
    (
        Family("pool", "pooling, reduction"),
        "pool, pooling, reduce, argmax, argmin, top k, cumulative, moments",
    ),
    (Family("convert", "quantisation, conversion"), "quantize, dequantize, convert, cast"),
    (Family("resize", "resampling"), "resize, upsample, grid sample, crop, roi"),
    (
        Family("move", "data movement"),
        "concat, split, reshape, transpose, slice, gather, scatter, pad, tile, pack, unpack, space, expand, shuffle, "
        "permute, permutation, squeeze, unsqueeze",
    ),
    (
        Family("elementwise", "elementwise, activation"),
        "element wise, elementwise, eltwise, relu, prelu, sigmoid, tanh, swish, gelu, elu, neuron, add, mul, sub, div, clip",
    ),
)
"""Words in an op's name; the first family with a match counts: `TransposeConv2d` is not data movement."""
_PHRASES = [(family, [f" {phrase} " for phrase in words.split(", ")]) for family, words in _WORDS_OF]
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+[a-z]*")
ALL = (*(family for family, _ in _WORDS_OF), _IO, OTHER, WAITING)


@cache
def family_of(op_type: str) -> Family:
    """Return the family of a QNN op type; `other ops` for a type added by an op package or a later SDK.

    The package in a type's name, as in `MyPackage::MyOp`, says nothing about what the op does.
    """
    words = f" {' '.join(_WORD.findall(op_type.rpartition('::')[2])).lower()} "
    if words in (" input ", " output "):
        return _IO
    return next((family for family, phrases in _PHRASES if any(phrase in words for phrase in phrases)), OTHER)
