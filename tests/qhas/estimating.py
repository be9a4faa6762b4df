"""A host SDK whose `hostsdk-estimate` is a few lines of Python: it exercises the worker, not Qualcomm's code."""

from __future__ import annotations

import sys
from pathlib import Path

from qhas.site.sdk import HOST_TARGET, Sdk, SdkKind, Tool

_PROGRAM = """#!{python}
import json, os, sys
for line in sys.stdin:
    asked = json.loads(line)
    with open({asked!r}, "a") as journal:
        journal.write(line)
    cycles = 1000
    {behaviour}
    graph = dict(graph="net", cycles=cycles, core_mhz=1000.0, lower_cycles=cycles - 100, upper_cycles=cycles + 100,
        dram_read=10, dram_write=5, peak_vtcm=7, context_bytes=9, htp_ops={{"q::Conv": 2}}, in_force={{"hvx_threads": 4, "vtcm_size_in_bytes": 8 << 20}})
    print(json.dumps({{"graphs": [graph]}}), flush=True)
"""


class HostSdk:
    """The SDK, and how often its program was queried."""

    def __init__(self, folder: Path, behaviour: str) -> None:
        """Create the SDK; the behaviour is Python that sees `asked` and may set `cycles`."""
        self.journal = folder / "asked.jsonl"
        self.sdk = Sdk(folder / "sdk", "2.51", SdkKind.HOST)
        write_program(self.sdk.root, self.journal, behaviour)

    @property
    def asked(self) -> int:
        """The number of questions that reached the program."""
        return len(self.journal.read_text().splitlines()) if self.journal.exists() else 0


def write_program(root: Path, journal: Path, behaviour: str) -> None:
    """Write the program into an SDK."""
    program = root / "bin" / HOST_TARGET / Tool.ESTIMATE
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(_PROGRAM.format(python=sys.executable, asked=str(journal), behaviour=behaviour))
    program.chmod(0o755)
