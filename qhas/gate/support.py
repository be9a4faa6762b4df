"""Which operations of an ONNX the HTP supports, on which SoCs, and what would work instead of the others.

Found out before anything is prepared.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pydantic import ValidationError

from qhas.documents import Stored
from qhas.failures import InvalidInput
from qhas.machine.host_sdk import host_sdk_variables
from qhas.machine.process import ToolRun, run_tool, tool_environment
from qhas.machine.tool_output import last_words
from qhas.network.onnx_file import open_input, read_onnx
from qhas.outside_bytes import read_file
from qhas.outside_text import ShownText, reason_of
from qhas.site import SdkRef
from qhas.site.fit import require_socs
from qhas.site.sdk import HOST_TARGET, Sdk, find_sdk, host_sdk_root
from qhas.sweep.other_models import require_format
from qhas.sweep.spec import ModelRef

CHECKER = "onnx-check"
_TIMEOUT_SECONDS = 900
_LARGEST_ANSWER = 64 << 20


class LeftOp(Stored):
    """An operation that a SoC does not support."""

    type: ShownText
    name: ShownText
    macs: int = 0
    remedy: ShownText = ""
    """What would work instead."""


class Support(Stored):
    """A network's number of operations and of multiply-accumulates, and by SoC the operations not supported."""

    nodes: int
    macs: int
    socs: dict[str, list[LeftOp]]

    def covered(self, soc: str) -> float:
        """Return the share of multiply-accumulates that the SoC supports, 0 to 1; without any, that of operations."""
        left = self.socs[soc]
        if self.macs:
            return 1 - sum(op.macs for op in left) / self.macs
        return 1 - len(left) / self.nodes if self.nodes else 1.0

    @property
    def whole(self) -> bool:
        """Whether every SoC supports the whole network."""
        return not any(self.socs.values())

    def not_taken(self) -> Iterator[NotTaken]:
        """Yield each operation that at least one SoC does not support, with those SoCs."""
        by_op: dict[tuple[str, str], list[str]] = {}
        ops = {(op.type, op.name): op for left in self.socs.values() for op in left}
        for soc, left in self.socs.items():
            for op in left:
                by_op.setdefault((op.type, op.name), []).append(soc)
        for key, socs in by_op.items():
            yield NotTaken(ops[key], tuple(socs))


@dataclass(frozen=True)
class NotTaken:
    """An operation, and the SoCs that do not support it."""

    op: LeftOp
    socs: tuple[str, ...]


async def check_support(network: Path, socs: Sequence[str], shapes: Mapping[str, Sequence[int]]) -> Support:
    """Run the host SDK's checker on a network, given by an absolute path, for all SoCs at once. Raises InvalidInput."""
    await asyncio.to_thread(_require_settled, network, shapes)
    sdk = await asyncio.to_thread(_host_sdk, socs)
    tool = sdk.root / "bin" / HOST_TARGET / CHECKER
    with tempfile.TemporaryDirectory(prefix="qhas-check-") as folder:
        output, answer = Path(folder, "output.txt"), Path(folder, "answer.json")
        argv = [str(tool), f"--input_network={network}", f"--output_path={answer}"]
        argv.append(f"--htp_socs={','.join(socs)}")
        for name, shape in shapes.items():
            argv += ["--input_dim", name, ",".join(map(str, shape))]
        run = await run_tool(
            argv,
            cwd=Path(folder),
            env=tool_environment(host_sdk_variables()),
            output=output,
            timeout_seconds=_TIMEOUT_SECONDS,
        )
        return await asyncio.to_thread(_answered, network, run, answer, output)


def _host_sdk(socs: Sequence[str]) -> Sdk:
    sdk = find_sdk(SdkRef(root=host_sdk_root()))
    require_socs(sdk, socs)
    return sdk


def _require_settled(network: Path, shapes: Mapping[str, Sequence[int]]) -> None:
    if network.is_dir():
        raise InvalidInput(f"{network} is a folder; name an ONNX file.")
    if not network.exists():
        raise InvalidInput(f"There is no file {network}; correct its path.")
    try:
        require_format(ModelRef(name="network", onnx=str(network)), partial(network.open, "rb"))
        fault = open_input(read_onnx(network), shapes)
    except (OSError, ValueError) as error:
        raise InvalidInput(f"{network} cannot be checked: {reason_of(error)}.") from error
    if fault:
        raise InvalidInput(f"{network} cannot be checked: {fault}.")


def _answered(network: Path, run: ToolRun, answer: Path, output: Path) -> Support:
    if run.exit_code != 0 or not answer.is_file():
        raise InvalidInput(f"{network} cannot be checked: {last_words(output)}.")
    try:
        return Support.model_validate_json(read_file(answer, _LARGEST_ANSWER))
    except ValidationError as error:
        raise InvalidInput(f"{network} cannot be checked: {CHECKER} wrote no answer.") from error
