"""`qhas truth`: how far the simulator is from a lab's own devices."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from qhas.cli.frame import Exit, command, print_json
from qhas.cli.options import JsonOption, SiteOption, store_of
from qhas.cli.screen import console
from qhas.units import microseconds

if TYPE_CHECKING:
    from qhas.history.own_pairs import OwnPair

_NONE = (
    "No network of this store was both simulated and measured: give site.yaml `estimate: true`, or run a DLC on a device and on a "
    "site without devices, with one store. docs/truth.md shows what was measured elsewhere."
)


@command
def truth(site: SiteOption = None, as_json: JsonOption = False) -> Exit:
    """Compare simulated times with latencies of the lab's own devices, each from the DLC's latest night."""
    from qhas.history.own_pairs import own_pairs  # importing Arrow takes as long as everything else

    pairs = own_pairs(store_of(site))
    if as_json:
        print_json({"pairs": [_document(pair) for pair in pairs]})
        return Exit.GOOD
    if not pairs:
        console.print(_NONE, soft_wrap=True)
        return Exit.GOOD
    table = Table(box=SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    for at, title in enumerate(
        ("network", "SoC", "variant", "device", "simulated", "measured, warm", "measured / simulated")
    ):
        table.add_column(title, justify="left" if at < 4 else "right")
    for pair in pairs:
        figures = (microseconds(pair.simulated_us), microseconds(pair.measured_us), f"{pair.ratio:.2f}")
        table.add_row(*map(Text, (*pair[:4], *figures)))
    console.print(table)
    middle = median(pair.ratio for pair in pairs)
    noun = "pair" if len(pairs) == 1 else "pairs"
    console.print(f"{len(pairs)} {noun}; the median of measured / simulated is {middle:.2f}.", soft_wrap=True)
    return Exit.GOOD


def _document(pair: OwnPair) -> dict[str, Any]:
    nights = {"simulated_on": pair.simulated_on.isoformat(), "measured_on": pair.measured_on.isoformat()}
    return pair._asdict() | nights | {"ratio": round(pair.ratio, 4)}
