"""The zip that is sent: the part's DLC, both conditions as sweeps, a script that runs them, and the figures seen."""

from __future__ import annotations

import json
import shlex
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from qhas.machine.packing import arriving
from qhas.markdown import as_text
from qhas.outside_text import one_line
from qhas.profile.figures import SHOW
from qhas.reproducer.model import Reproducer
from qhas.reproducer.trials import Conditions
from qhas.runs.record import CellRecord
from qhas.site.sdk import SdkKind
from qhas.sweep.plan import plan_sweep
from qhas.sweep.spec import RANDOM_INPUTS, ModelRef, SweepSpec

DLC = "network.dlc"
_SITE = "site.yaml"
_NETWORK = "part"
_FIXED_TIME = (1980, 1, 1, 0, 0, 0)
_OPTIONS = {
    "optimization_level": "--optimization_level={}",
    "vtcm_mb": "--vtcm_override={}",
    "hvx_threads": "--num_hvx_threads={}",
    "dlbc": "--htp_dlbc={}",
}
"""Options of graph-prepare, keyed by their names in a sweep."""
Sides = tuple[tuple[Conditions, CellRecord], tuple[Conditions, CellRecord]]
_WORDS = ("before", "after")


def pack(answer: Reproducer, part: Path, sides: Sides, target: Path, inputs: str = RANDOM_INPUTS) -> None:
    """Write the zip atomically; the same answer gives the same bytes. `inputs` are those of the trials."""
    model = ModelRef(name=_NETWORK, dlc=DLC, inputs=inputs)
    sweeps = {word: _as_sent(*side).sweep([model]) for word, side in zip(_WORDS, sides, strict=True)}
    files = {
        "README.md": "\n".join(_readme(answer, sides)) + "\n",
        "rerun.sh": _rerun(sweeps, sides),
        **{
            f"{word}.yaml": _json(spec.model_dump(mode="json", exclude_defaults=True))
            for word, spec in sweeps.items()
        },
    }
    if _all_host(sides):
        files[_SITE] = _json({"store": "qhas-store"})
    with arriving(target) as partial, zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr(_entry(DLC), part.read_bytes(), zipfile.ZIP_DEFLATED)
        for name, text in files.items():
            out.writestr(_entry(name), text, zipfile.ZIP_DEFLATED)


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _FIXED_TIME)
    entry.external_attr = (0o755 if name.endswith(".sh") else 0o644) << 16
    return entry


def _as_sent(side: Conditions, record: CellRecord) -> Conditions:
    """Name the host SDK by its generation: a site's name for it, or being the site's own, means nothing elsewhere."""
    return replace(side, sdk=_generation(record)) if _is_host(record) else side


def _generation(record: CellRecord) -> str:
    return ".".join(record.sdk.version.split(".")[:2])


def _json(document: object) -> str:
    """Return the document as JSON, which is also YAML."""
    return json.dumps(document, indent=2) + "\n"


def _rerun(sweeps: Mapping[str, SweepSpec], sides: Sides) -> str:
    """Return the script. With the host SDK alone it uses nothing of the receiver's configuration; a vendor's SDK has to
    be in the receiver's site.yaml.
    """
    cells = [f"{word}/{plan_sweep(spec, look_up=False).cells[0].key}" for word, spec in sweeps.items()]
    site = f" --site {_SITE}" if _all_host(sides) else ""
    versions = dict.fromkeys(_generation(record) for _, record in sides if _is_host(record))
    named = {side.sdk: record.sdk.version for side, record in sides if side.sdk and not _is_host(record)}
    lines = [
        "#!/bin/sh",
        "# Needs qhas-flows on the PATH; compiles the network under both conditions, and exits with 1 if the second is slower.",
        *(
            f"# SDK {one_line(version)}: name it {one_line(name)} in sdks of your site.yaml."
            for name, version in named.items()
        ),
        "set -e",
        'cd "$(dirname "$0")"',
        *([f"python -m hostsdk install {shlex.join(versions)}"] if versions else []),
        *(f"qhas sweep {word}.yaml{site} --run-id {word}" for word in sweeps),
        f"qhas compare {shlex.join(cells)}{site}",
    ]
    return "\n".join(lines) + "\n"


def _readme(answer: Reproducer, sides: Sides) -> Iterator[str]:
    yield f"# {as_text(answer.sentence)}\n"
    yield "    sh rerun.sh\n"
    yield "Weights are random; op types, attributes, shapes, data types and scales are the network's.\n"
    yield "| | SDK | SoC | network | this part |\n|---|---|---|---:|---:|"
    for number, (word, (side, record)) in enumerate(zip(_WORDS, sides, strict=True)):
        whole, part = (
            SHOW[figure.unit]((figure.before, figure.after)[number] or 0)
            for figure in (answer.whole, answer.part)
        )
        yield f"| {word} | {as_text(record.sdk.version)} | {side.soc} | {whole} | {part} |"
    yield f"\nTimes are from a {sides[0][1].origin}. The ops:\n"
    yield from (f"- {as_text(op.type)} → {as_text(', '.join(op.results))}" for op in answer.ops)
    yield "\nWith the vendor's own tools, with the SDK of each row above:\n"
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


def _all_host(sides: Sides) -> bool:
    return all(_is_host(record) for _, record in sides)


def _is_host(record: CellRecord) -> bool:
    return record.sdk.kind is SdkKind.HOST
