"""Where net-run puts an output tensor: Result_<inference>/<tensor>.raw."""

from __future__ import annotations

from pathlib import PurePosixPath

_UP = ("", ".", "..")


def result_file(inference: int, tensor: str) -> PurePosixPath:
    """The path below the output directory. A `/` in the name makes folders; no name leads out of the result's own."""
    parts = ["_" if part in _UP else part for part in tensor.replace("\0", "_").strip("/").split("/")]
    return PurePosixPath(f"Result_{inference}", *parts[:-1], f"{parts[-1]}.raw")
