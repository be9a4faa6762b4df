"""Checks of a network's data before it runs.

In a sweep, only the cells of the network in question fail; a run of a single network is refused.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from qhas.cell.calibration import require_calibration, require_listable
from qhas.cell.inputs import require_listed
from qhas.failures import InvalidInput, StepFailed
from qhas.sweep.spec import ModelRef


def require_data(model: ModelRef) -> None:
    """Raise InvalidInput if the network is an empty file, or input or calibration data on this host are missing."""
    if "://" not in model.source and Path(model.source).stat().st_size == 0:
        raise InvalidInput(f"{model.source} is empty; correct its path, or make it again.")
    try:
        for address in model.input_lists:
            require_listed(address)
        if model.quantize:
            require_listable(Path(tempfile.gettempdir()))
        if model.calibration:
            require_calibration(model.calibration)
    except StepFailed as refused:
        raise InvalidInput(refused.failure.message) from None
