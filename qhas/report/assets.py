"""The assets that all reports of a store share: plotly's script, and our own script and style sheet.

Our own are named by their content, so a report keeps the look it was made with: a later version stores its assets
beside the old ones.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from typing import NamedTuple

import plotly

from qhas.runs import keys
from qhas.store import Store

_SOURCES = files("qhas.report") / "assets"


class Assets(NamedTuple):
    """The names of the files below `reports/assets`."""

    plotly: str
    script: str
    style: str


def publish_assets(store: Store) -> None:
    """Write the assets that the store does not have yet. Raises StoreError."""
    from plotly.offline import get_plotlyjs

    contents = {
        assets().plotly: lambda: get_plotlyjs().encode(),
        assets().script: _script,
        assets().style: _style,
    }
    for name, content in contents.items():
        if not store.exists(keys.report_asset(name)):
            store.write(keys.report_asset(name), content())


@cache
def assets() -> Assets:
    """Return the names of the assets that pages of this version refer to."""
    return Assets(
        plotly=f"plotly-{plotly.__version__}.min.js",
        script=f"report-{_digest(_script())}.js",
        style=f"report-{_digest(_style())}.css",
    )


def _script() -> bytes:
    return b"\n".join(
        (_SOURCES / name).read_bytes() for name in ("page.js", "plots.js", "timeline.js", "network.js")
    )


def _style() -> bytes:
    return (_SOURCES / "report.css").read_bytes()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:10]
