"""A scatter plot as SVG: simulated against measured, both axes logarithmic."""

from __future__ import annotations

import math
from collections.abc import Sequence
from xml.sax.saxutils import escape

from qhas.truth.tables import NetworkClass, Pair

_SIDE, _LEFT, _BOTTOM, _TOP = 320, 48, 40, 26
_LOW, _HIGH = 0.1, 300.0
_TICKS = (0.1, 0.3, 1, 3, 10, 30, 100, 300)
_COLOURS = {NetworkClass.CONVOLUTIONAL: "#2563eb", NetworkClass.ATTENTION: "#d97706"}
_NAMED = 1.5
"""Networks that are off by more than this factor are labelled with their name."""


def scatter(title: str, pairs: Sequence[Pair]) -> str:
    """Return the picture; on the diagonal, both times are equal."""
    width, height = _LEFT + _SIDE + 16, _TOP + _SIDE + _BOTTOM
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'font-family="sans-serif" font-size="10">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        f'<text x="{_LEFT}" y="16" font-size="12">{escape(title)}</text>',
        f'<rect x="{_LEFT}" y="{_TOP}" width="{_SIDE}" height="{_SIDE}" fill="none" stroke="#999"/>',
        *(_tick(value) for value in _TICKS),
        f'<line x1="{_x(_LOW)}" y1="{_y(_LOW)}" x2="{_x(_HIGH)}" y2="{_y(_HIGH)}" stroke="#999"/>',
        *(_point(pair) for pair in pairs),
        *(_legend(at, kind) for at, kind in enumerate(NetworkClass)),
        f'<text x="{_LEFT + _SIDE / 2}" y="{height - 8}" text-anchor="middle">simulated, ms</text>',
        f'<text x="12" y="{_TOP + _SIDE / 2}" text-anchor="middle" '
        f'transform="rotate(-90 12 {_TOP + _SIDE / 2})">measured, ms</text>',
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _share(value: float) -> float:
    return math.log(value / _LOW) / math.log(_HIGH / _LOW)


def _x(value: float) -> float:
    return round(_LEFT + _SIDE * _share(value), 1)


def _y(value: float) -> float:
    return round(_TOP + _SIDE * (1 - _share(value)), 1)


def _tick(value: float) -> str:
    x, y = _x(value), _y(value)
    return (
        f'<path d="M{x} {_TOP}V{_TOP + _SIDE}M{_LEFT} {y}H{_LEFT + _SIDE}" stroke="#eee"/>'
        f'<text x="{x}" y="{_TOP + _SIDE + 13}" text-anchor="middle">{value:g}</text>'
        f'<text x="{_LEFT - 4}" y="{y + 3}" text-anchor="end">{value:g}</text>'
    )


def _point(pair: Pair) -> str:
    x, y, name = _x(pair.simulated_ms), _y(pair.measured_ms), escape(pair.network.name)
    dot = (
        f'<circle cx="{x}" cy="{y}" r="3" fill="{_COLOURS[pair.network.kind]}" fill-opacity="0.7">'
        f"<title>{name}: {pair.simulated_ms:.3g} simulated, {pair.measured_ms:.3g} measured</title></circle>"
    )
    far = not 1 / _NAMED <= pair.ratio <= _NAMED
    return f'{dot}<text x="{x + 5}" y="{y + 3}" font-size="8">{name}</text>' if far else dot


def _legend(at: int, kind: NetworkClass) -> str:
    y = _TOP + 14 + 14 * at
    return (
        f'<circle cx="{_LEFT + 10}" cy="{y - 3}" r="3" fill="{_COLOURS[kind]}"/>'
        f'<text x="{_LEFT + 17}" y="{y}">{kind}</text>'
    )
