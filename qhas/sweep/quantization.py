"""The bits in which an ONNX is to compute, and the data that its ranges come from."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from qhas.documents import Written, perhaps
from qhas.machine.secrets import Address

RANDOM_CALIBRATION = "random"
FLOAT = "float"
"""The name for no quantisation."""
MIXED = "mixed"
"""Bits of activations: 8, and 16 where 8 costs the outputs most."""
_NAME = re.compile(rf"w(\d+)(?:a(\d+)|{MIXED})")


class Quantization(Written):
    """Bits of weights and activations. The ranges of activations are those observed on calibration data."""

    weights: Literal[4, 8] = Field(
        default=8, title="Weights", description="Bits: 8, or 4 if the tools support it."
    )
    activations: Literal[8, 16, "mixed"] = Field(
        default=8,
        title="Activations",
        description="Bits: 8, 16, or mixed: 8, but 16 where 8 harms the outputs most (host SDK).",
    )
    calibration: Address = Field(
        default=RANDOM_CALIBRATION,
        title="Calibration",
        min_length=1,
        description="random, path or URL of an input list, or a folder of .npy or .raw files, one per inference.",
    )

    @property
    def mixed(self) -> bool:
        """Whether activations have different numbers of bits."""
        return self.activations == MIXED

    @property
    def name(self) -> str:
        """The short name: w8a16, w8mixed."""
        return f"w{self.weights}{MIXED if self.mixed else f'a{self.activations}'}"


def bits(name: str) -> dict[str, int | str] | None:
    """Return the fields that a name like `w8a16` stands for; None for `float`. Raises ValueError for anything else."""
    if name == FLOAT:
        return None
    if not (match := _NAME.fullmatch(name)):
        raise _no_such(name)
    return {"weights": int(match[1]), "activations": int(match[2]) if match[2] else MIXED}


def _named(written: Any) -> Any:
    return bits(written) if isinstance(written, str) else written


NAMES = (FLOAT, "w8a8", "w8a16", "w8mixed", "w4a8", "w4a16", "w4mixed")


def _known(name: Any) -> Any:
    if name is None or name == "none":
        return FLOAT
    if name not in NAMES:
        raise _no_such(name)
    return name


def _no_such(name: Any) -> ValueError:
    return ValueError(f"{name!r} is not a quantisation; choose from {', '.join(NAMES)}{perhaps(name, NAMES)}")


Quantize = Annotated[Quantization | None, BeforeValidator(_named)]
"""As written in a sweep: the fields, or only the name."""
QuantizeName = Annotated[str, BeforeValidator(_known)]
"""A value of a grid: a name, `float` for none."""
