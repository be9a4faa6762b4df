"""The zip that is sent: the part's DLC, both conditions as sweeps, one line that runs them, and what was seen."""

from __future__ import annotations

import json
import shlex
import zipfile
from collections.abc import Iterator
from pathlib import Path

from qhas.machine.packing import arriving
from qhas.markdown import as_text
from qhas.profile.figures import SHOW
from qhas.reproducer.model import Reproducer
from qhas.reproducer.trials import Conditions
from qhas.runs.record import CellRecord
from qhas.site.sdk import SdkKind
from qhas.sweep.plan import plan_sweep
from qhas.sweep.spec import ModelRef

DLC = "network.dlc"
_NETWORK = "part"
_FIXED_TIME = (1980, 1, 1, 0, 0, 0)
_OPTIONS = {
    "optimization_level": "--optimization_level={}",
    "vtcm_mb": "--vtcm_override={}",
    "hvx_threads": "--num_hvx_threads={}",
    "dlbc": "--htp_dlbc={}",
}
"""Of graph-prepare, by their names in a sweep."""
Sides = tuple[tuple[Conditions, CellRecord], tuple[Conditions, CellRecord]]
_WORDS = ("before", "after")


def pack(answer: Reproducer, part: Path, sides: Sides, target: Path) -> None:
    """Write the zip, whole or not at all; the same answer gives the same bytes."""
    files = {
        "README.md": "\n".join(_readme(answer, sides)) + "\n",
        "rerun.sh": _rerun(sides),
        **{f"{word}.yaml": _sweep(side[0]) for word, side in zip(_WORDS, sides, strict=True)},
    }
    with arriving(target) as partial, zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr(_entry(DLC), part.read_bytes(), zipfile.ZIP_DEFLATED)
        for name, text in files.items():
            out.writestr(_entry(name), text, zipfile.ZIP_DEFLATED)


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _FIXED_TIME)
    entry.external_attr = (0o755 if name.endswith(".sh") else 0o644) << 16
    return entry


def _sweep(side: Conditions) -> str:
    """The conditions as a sweep: JSON is YAML."""
    spec = side.sweep([ModelRef(name=_NETWORK, dlc=DLC)])
    return json.dumps(spec.model_dump(mode="json", exclude_defaults=True), indent=2) + "\n"


def _rerun(sides: Sides) -> str:
    cells = []
    for word, (side, _) in zip(_WORDS, sides, strict=True):
        (cell,) = plan_sweep(side.sweep([ModelRef(name=_NETWORK, dlc=DLC)]), look_up=False).cells
        cells.append(f"{word}/{cell.key}")
    versions = shlex.join(name for side, record in sides if (name := side.sdk) and _is_host(record))
    fetch = [f"python -m hostsdk install {versions}"] if versions else []
    runs = [f"qhas sweep {word}.yaml --run-id {word}" for word in _WORDS]
    lines = [
        "#!/bin/sh",
        "# Needs qhas-flows on the PATH; compiles the network under both conditions.",
        "set -e",
    ]
    return (
        "\n".join([*lines, 'cd "$(dirname "$0")"', *fetch, *runs, f"qhas compare {shlex.join(cells)}"]) + "\n"
    )


def _readme(answer: Reproducer, sides: Sides) -> Iterator[str]:
    yield f"# {as_text(answer.sentence)}\n"
    yield "    sh rerun.sh\n"
    yield "Weights are drawn; types of ops, attributes, shapes, data types and scales are those of the network.\n"
    yield "| | SDK | SoC | network | this part |\n|---|---|---|---:|---:|"
    for number, (word, (side, record)) in enumerate(zip(_WORDS, sides, strict=True)):
        whole, part = (
            SHOW[figure.unit]((figure.before, figure.after)[number] or 0)
            for figure in (answer.whole, answer.part)
        )
        yield f"| {word} | {as_text(record.sdk.version)} | {side.soc} | {whole} | {part} |"
    yield f"\nTimes are those of a {sides[0][1].origin}. The ops:\n"
    yield from (f"- {as_text(op.type)} → {as_text(', '.join(op.results))}" for op in answer.ops)
    yield "\nWith the vendor's own tools, under the SDK of each line:\n"
    for word, (side, _) in zip(_WORDS, sides, strict=True):
        yield f"    # {word}\n    {_prepare(side)}"


def _prepare(side: Conditions) -> str:
    options = [
        _OPTIONS[name].format(str(value).lower())
        for name, value in side.prepare.model_dump().items()
        if value is not None
    ]
    return shlex.join(
        [
            "snpe-dlc-graph-prepare",
            f"--input_dlc={DLC}",
            f"--htp_socs={side.soc}",
            "--profiling_level=qhas",
            *options,
        ]
    )


def _is_host(record: CellRecord) -> bool:
    return record.sdk.kind is SdkKind.HOST
