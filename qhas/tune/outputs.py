"""Whether a network computes the same with different options.

Both are compiled, and run on the emulator with the same inputs.
"""

from __future__ import annotations

import asyncio
import re
from array import array
from collections.abc import Iterator
from contextlib import suppress
from math import isfinite
from pathlib import Path

from pydantic import ConfigDict, ValidationError

from qhas.cell.artifacts import PREPARED_DLC
from qhas.cell.inputs import INPUT_LIST, StagedInputs, gather_inputs
from qhas.devices.host import SOC_VARIABLE
from qhas.documents import Stored
from qhas.estimate.trial import Subject, Trial
from qhas.failures import StepFailed
from qhas.machine.digest import data_digest
from qhas.machine.process import ToolNotExecutable, run_tool
from qhas.machine.tool_output import last_words
from qhas.network.dlc import read_network
from qhas.network.network import Graph
from qhas.outside_text import shown
from qhas.runs import keys
from qhas.site.sdk import OUTPUT, ProfilingLevel, Sdk, Tool
from qhas.store import Store
from qhas.sweep.spec import ModelRef, PrepareOptions, RunOptions

MOST_STEPS = 2.0
"""Outputs this far apart still count as the same: the compiler is free to round where it likes."""
_TIMEOUT_SECONDS = 600
_HALF = 2.0**-10
"""A float network has half precision on the HTP: its outputs are resolved to this share of their largest value."""
_SCALE = re.compile(r"scale ([^,\s]+)")


class OutputCheck(Stored):
    """How far the outputs of two compilations are apart, in quantisation steps of the output.

    `steps` is None if that could not be determined.
    """

    model_config = ConfigDict(frozen=True)

    steps: float | None
    why: str = ""
    """Why it could not be determined, without a full stop."""

    @property
    def same(self) -> bool:
        """Whether the outputs are the same within `MOST_STEPS`."""
        return self.steps is not None and self.steps <= MOST_STEPS

    @property
    def sentence(self) -> str:
        """Such as `outputs are within 0 quantisation steps of the default's on the emulator`, without a full stop."""
        if self.steps is None:
            return f"outputs were not checked: {self.why}"
        return f"outputs are within {self.steps:.2g} quantisation steps of the default's on the emulator"


def check_outputs(
    subject: Subject, options: PrepareOptions, sdk: Sdk, store: Store, folder: Path, at_once: int = 1
) -> OutputCheck:
    """Compare the outputs of a compilation with the default's, once per distinct content.

    Up to `at_once` tools run in parallel. Raises StoreError.
    """
    pair = [Trial(subject, each).key(sdk) for each in (PrepareOptions(), options)]
    key = keys.trial(data_digest(["outputs, all numbers", *pair]))
    with suppress(ValidationError):
        return OutputCheck.model_validate_json(store.read(key) or b"")
    try:
        check = asyncio.run(_checked(subject, options, sdk, folder, at_once))
    except (StepFailed, ToolNotExecutable, ValueError, OSError) as error:
        return OutputCheck(steps=None, why=shown(str(error)).rstrip("."))
    store.write(key, check.model_dump_json().encode())
    return check


async def _checked(
    subject: Subject, options: PrepareOptions, sdk: Sdk, folder: Path, at_once: int
) -> OutputCheck:
    turns, sides = asyncio.Semaphore(at_once), {"default": PrepareOptions(), "options": options}
    places = [
        folder / f"outputs-{data_digest(chosen.model_dump())[:8]}-{name}" for name, chosen in sides.items()
    ]
    for place in places:
        place.mkdir()

    async def prepare(place: Path, chosen: PrepareOptions) -> None:
        argv = sdk.prepare_argv(dlc=subject.dlc, output=place / PREPARED_DLC, soc=subject.soc, options=chosen)
        async with turns:
            await _run(argv, sdk, place, subject.soc)

    async def run(place: Path, inputs: StagedInputs) -> dict[str, array[float]]:
        async with turns:
            return await _outputs(inputs, sdk, place, subject.soc)

    await asyncio.gather(*map(prepare, places, sides.values()))
    model = ModelRef(name="net", dlc=str(subject.dlc))
    inputs = await asyncio.to_thread(gather_inputs, model, places[0] / PREPARED_DLC, places[0])
    before, after = await asyncio.gather(*(run(place, inputs) for place in places))
    return OutputCheck(steps=max(apart(before, after, _steps(subject.dlc))))


async def _outputs(inputs: StagedInputs, sdk: Sdk, place: Path, soc: str) -> dict[str, array[float]]:
    for name, file in inputs.files.items():
        target = place / name
        target.parent.mkdir(exist_ok=True)
        if not target.exists():
            target.hardlink_to(file)
    lists = [place / (f"{number}-{INPUT_LIST}") for number in range(len(inputs.lists))]
    for target, source in zip(lists, inputs.lists, strict=True):
        target.write_bytes(source.read_bytes())
    argv = sdk.net_run_argv(
        container=PREPARED_DLC,
        input_list=",".join(path.name for path in lists),
        options=RunOptions(),
        level=ProfilingLevel.BASIC,
        native_inputs=inputs.native,
    )
    await _run([str(sdk.tool(Tool(argv[0]))), *argv[1:]], sdk, place, soc)
    files = sorted((place / OUTPUT).rglob("Result_0/**/*.raw"))
    return {str(path.relative_to(place / OUTPUT)): _floats(path) for path in files}


def _floats(path: Path) -> array[float]:
    values = array("f")
    values.frombytes(path.read_bytes())
    return values


async def _run(argv: list[str], sdk: Sdk, place: Path, soc: str) -> None:
    output = place / f"{Path(argv[0]).name}.txt"
    run = await run_tool(
        argv,
        cwd=place,
        env=sdk.environment({SOC_VARIABLE: soc}),
        output=output,
        timeout_seconds=_TIMEOUT_SECONDS,
    )
    if run.timed_out:
        raise ValueError(f"{Path(argv[0]).name} was stopped after {_TIMEOUT_SECONDS // 60} minutes")
    if run.exit_code:
        raise ValueError(f"{Path(argv[0]).name} ended with exit code {run.exit_code}: {last_words(output)}")


def apart(
    before: dict[str, array[float]], after: dict[str, array[float]], steps: dict[str, float]
) -> Iterator[float]:
    """Yield how far each output is apart, in its steps.

    Raises ValueError if the outputs do not correspond, or hold values that are not finite.
    """
    if before.keys() != after.keys() or not before:
        raise ValueError("the two compilations produced different outputs")
    for name, values in before.items():
        others = after[name]
        if len(values) != len(others):
            raise ValueError(
                f"output {name} has {len(values)} values in one compilation and {len(others)} in the other"
            )
        if not all(map(isfinite, values)) or not all(map(isfinite, others)):
            raise ValueError(f"output {name} has values that are infinite or NaN")
        largest = max(map(abs, values), default=0.0)
        step = steps.get(Path(name).stem) or _HALF * largest
        difference = max(
            (abs(value - other) for value, other in zip(values, others, strict=True)), default=0.0
        )
        yield difference / step if step else float(difference > 0)


def _steps(dlc: Path) -> dict[str, float]:
    """Return the quantisation step of each quantised output, by its name, which is that of its file."""
    with suppress(ValueError):
        return {name: step for graph in read_network(dlc).graphs for name, step in _steps_of(graph)}
    return {}


def _steps_of(graph: Graph) -> Iterator[tuple[str, float]]:
    makers = {name: op for op in graph.ops for name in op.outputs}
    for tensor in graph.tensors:
        if tensor.role != "output":
            continue
        maker, encoding = makers.get(tensor.name), tensor.encoding
        if (
            encoding is None
            and maker
            and maker.type in ("Dequantize", "Transpose", "Reshape")
            and maker.inputs
        ):
            source = graph.by_name.get(maker.inputs[0])
            encoding = source.encoding if source else None
        if encoding and (match := _SCALE.search(encoding)):
            yield tensor.name, float(match[1])
