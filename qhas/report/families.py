"""Op types of networks in families, so that a colour means the same on every page."""

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
_FAMILIES = (
    (Family("depthwise", "depthwise convolution"), "depthwise"),
    (Family("conv", "convolution"), "conv"),
    (Family("matmul", "matrix product"), "matmul|fullyconnected|gemm|attention|lstm|gru"),
    (Family("norm", "softmax, normalisation"), "softmax|norm|lrn"),
    (Family("pool", "pooling, reduction"), "pool|reduce|argm|topk|cumul"),
    (Family("convert", "quantisation, conversion"), "quantize|convert|cast"),
    (Family("resize", "resampling"), "resize|upsampl|gridsample|crop|roi"),
    (
        Family("move", "data movement"),
        "concat|split|reshape|transpose|slice|gather|scatter|pad|tile|pack|space|depth|expand|shuffle|permute|squeeze",
    ),
    (
        Family("elementwise", "elementwise, activation"),
        "elementwise|eltwise|relu|sigmoid|tanh|swish|gelu|elu|neuron|add|mul|sub|div|clip",
    ),
    (Family("io", "inputs, outputs"), "^input|^output"),
)
"""The first that matches counts, whatever its case: `Softmax` is no `max`, `DepthToSpace` is movement."""
_PATTERNS = [(family, re.compile(pattern, re.IGNORECASE)) for family, pattern in _FAMILIES]
ALL = (*(family for family, _ in _FAMILIES), OTHER, WAITING)


@cache
def family_of(op_type: str) -> Family:
    """The family of a QNN op type; `other ops` for what an op package or a later SDK adds."""
    return next((family for family, pattern in _PATTERNS if pattern.search(op_type)), OTHER)
