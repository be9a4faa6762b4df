"""Find out what is wrong with a network's file before running a tool on it."""

from __future__ import annotations

from pathlib import Path

from qhas.failures import InvalidInput
from qhas.gate.sides import Side, is_config, is_onnx
from qhas.network.architecture import read_architecture
from qhas.network.dlc import MODEL
from qhas.network.onnx_file import read_onnx
from qhas.network.records import UNREADABLE, read_record, why_unreadable
from qhas.outside_bytes import opened_zip

_LARGEST_MODEL = 256 << 20


def fault_of(path: Path) -> str:
    """Return why a network's file is unusable, as a clause; empty if no fault is found."""
    if not path.stat().st_size:
        return f"{path.name} is empty"
    try:
        if is_onnx(path):
            read_onnx(path)
        elif is_config(path):
            read_architecture(path)
        else:
            _read_dlc(path)
    except (InvalidInput, OSError, ValueError) as error:
        return str(error).removesuffix(".")
    return ""


def require_a_network(base: Side, head: Side) -> None:
    """Raise InvalidInput for two files neither of which is a network: a gate would pass what was already broken."""
    if not (base.is_file and head.is_file):
        return
    faults = [fault_of(path) for side in (base, head) for path in side.networks.values()]
    if all(faults):
        reasons = "; ".join(dict.fromkeys(faults))
        raise InvalidInput(
            f"There is nothing to compare: {reasons}. Correct the paths, or make the files again."
        )


def _read_dlc(path: Path) -> None:
    """Raise ValueError if the file is not a DLC or its list of ops is damaged; weights are not checked."""
    try:
        with opened_zip(path) as archive:
            if MODEL in archive.namelist():
                read_record(archive, MODEL, _LARGEST_MODEL)
    except UNREADABLE as error:
        raise ValueError(f"{path.name} cannot be read as a DLC: {why_unreadable(error)}") from error
