"""The layers of a stored cell: its network is converted and compiled again with every inner tensor as an output."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from qhas.accuracy.names import matched
from qhas.cell.accuracy import hindrance, network_of, reference_of
from qhas.cell.conversion import MadeNetwork, order_of, quantize
from qhas.cell.net_run import collect_logs, net_run
from qhas.cell.prepare import prepare_graph
from qhas.cell.prepared import MADE_DLC
from qhas.cell.reference import written
from qhas.cell.work import CellWork, open_work
from qhas.failures import InvalidInput, Step, StepFailed
from qhas.lab.lab import open_lab
from qhas.layers.model import Layers
from qhas.machine.digest import data_digest
from qhas.runs.record import CellRecord
from qhas.site import DeviceRef, Site, Transport
from qhas.site.sdk import SdkKind

_INNER = "inner.json"
_RUN = "layers"


async def measure_layers(record: CellRecord, site: Site) -> Layers:
    """Compare each layer of the cell's network on the emulator with ONNX Runtime.

    Raises InvalidInput if that is impossible, and StepFailed.
    """
    cell = record.cell.model_copy(update={"budget": type(record.cell.budget)()})
    if not cell.model.onnx:
        raise InvalidInput(
            f"{cell.model.name} is a DLC, whose layers cannot be examined: give the ONNX it was made from as "
            f"`onnx`, and the float ONNX as `reference`."
        )
    emulated = site.model_copy(
        update={"devices": [DeviceRef(name="layers", soc=cell.soc, transport=Transport.HOST)]}
    )
    async with open_lab(emulated, named=[cell.sdk]) as lab, open_work(cell, lab, _RUN) as work:
        if work.sdk.kind is not SdkKind.HOST:
            raise InvalidInput(
                "Layers can only be examined with the host SDK, whose converter can expose them as outputs."
            )
        if why := hindrance(work):
            raise InvalidInput(f"The layers of {cell.label} cannot be examined: {why}.")
        source, _ = await lab.model(cell.model)
        if record.model and source.sha256 != record.model.sha256:
            raise InvalidInput(
                f"{record.model.onnx} is not the ONNX that the cell ran; it has changed since."
            )
        return await _measured(work)


async def _measured(work: CellWork) -> Layers:
    if Step.QUANTIZE in order_of(work.cell, work.sdk):
        await quantize(work)
    inner = await _convert(work)
    prepared = await prepare_graph(work)
    async with work.lease() as device:
        await collect_logs(work, await net_run(work, prepared, device), device)
    onnx = await reference_of(work)
    async with work.attempt(Step.ACCURACY) as attempt:
        network = await network_of(work, onnx, prepared)
        folder = work.folders[Step.LOGS] / "Result_0"
        files = {
            str(path.relative_to(folder).with_suffix("")): path for path in sorted(folder.rglob("*.raw"))
        }
        seen = {
            tensor: {
                "file": str(file),
                "shape": (matched([name], network.on_htp.output_shapes) or {}).get(name),
            }
            for name, tensor in inner.items()
            if (file := (matched([name], files) or {}).get(name))
        }
        request, target = attempt.folder / "layers.json", attempt.folder / "answer.json"
        job = {"onnx": str(onnx.path), "feeds": written(network.feed(0), attempt.folder), "seen": seen}
        request.write_text(json.dumps(job | {"target": str(target)}), encoding="utf-8")
        await attempt.run_host_tool([sys.executable, "-P", "-m", "qhas.layers.cut_graph", str(request)])
        return await asyncio.to_thread(_read, target)


async def _convert(work: CellWork) -> dict[str, str]:
    """Convert the network, for the next steps, to a DLC with every inner tensor as an output.

    Returns, by output, the tensor that it shows.
    """
    async with work.attempt(Step.CONVERT) as attempt:
        source, work.model = await work.lab.model(work.cell.model)
        before = work.network or MadeNetwork(source.path, source.sha256)
        dlc, inner = attempt.folder / MADE_DLC, attempt.folder / _INNER
        argv = work.sdk.convert_argv(
            network=before.path,
            output=dlc,
            op_trace=attempt.folder / "op_trace.json",
            shapes=work.cell.model.shapes,
        )
        await attempt.run_host_tool([*argv, "--inner_outputs", str(inner)])
        work.network = MadeNetwork(dlc, data_digest({"inner": before.key, "shapes": work.cell.model.shapes}))
        answer: dict[str, str] = json.loads(await asyncio.to_thread(inner.read_text, encoding="utf-8"))
        return answer


def _read(answer: Path) -> Layers:
    return Layers.model_validate_json(answer.read_bytes())


def failed(error: StepFailed) -> InvalidInput:
    """Return the failure of a step as the one sentence that a command ends with."""
    return InvalidInput(f"The layers cannot be examined: {error.failure.message} {error.failure.hint}")
