"""Conversion of ONNX networks by the SDK's own tool, once per distinct content."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from qhas.machine.digest import data_digest, file_digest
from qhas.machine.process import ToolNotExecutable, run_tool
from qhas.machine.tool_output import last_words
from qhas.naming import below
from qhas.network.external_data import data_files
from qhas.site.sdk import HOST_TARGET, Sdk

CONVERTER = "snpe-onnx-to-dlc"
_TIMEOUT_SECONDS = 900


@dataclass(frozen=True)
class Converted:
    """The DLC of a network, or the converter's own words on why there is none."""

    dlc: Path | None
    refusal: str = ""


async def to_dlcs(networks: Mapping[str, Path], sdk: Sdk, folder: Path) -> dict[str, Converted]:
    """Return a DLC for each network: the network itself, or its conversion by the SDK's converter.

    Conversions are kept in `folder` by content.
    """
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    gate = asyncio.Semaphore(os.cpu_count() or 1)

    async def convert(path: Path) -> Converted:
        if path.suffix.lower() != ".onnx":
            return Converted(path)
        async with gate:
            return await _converted(path, sdk, folder)

    results = await asyncio.gather(*map(convert, networks.values()))
    return dict(zip(networks, results, strict=True))


async def _converted(path: Path, sdk: Sdk, folder: Path) -> Converted:
    digest = await asyncio.to_thread(_key, path, sdk)
    target = folder / f"{digest[:32]}.dlc"
    if target.is_file():
        return Converted(target)
    partial = folder / f"{digest[:32]}.{secrets.token_hex(4)}.partial.dlc"
    output = partial.with_suffix(".txt")
    argv = [
        str(sdk.root / "bin" / HOST_TARGET / CONVERTER),
        "--input_network",
        str(path),
        "--output_path",
        str(partial),
    ]
    try:
        run = await run_tool(
            argv, cwd=folder, env=sdk.environment(), output=output, timeout_seconds=_TIMEOUT_SECONDS
        )
        if run.exit_code == 0 and partial.is_file():
            partial.rename(target)
            return Converted(target)
        if run.timed_out:
            return Converted(None, f"{CONVERTER} was stopped after {_TIMEOUT_SECONDS // 60} minutes")
        return Converted(None, last_words(output).replace(str(path), path.name))
    except ToolNotExecutable:
        return Converted(None, f"the SDK at {sdk.root} has no {CONVERTER}; give DLCs")
    finally:
        output.unlink(missing_ok=True)
        partial.unlink(missing_ok=True)


def _key(path: Path, sdk: Sdk) -> str:
    """Return a key of the network, the files that belong to it, and the converter.

    The files are those beside it whose names begin with its stem, and those that it names as holding its weights.
    """
    parts = {file for file in path.parent.iterdir() if file.name.startswith(path.stem)}
    parts |= {below(path.parent, name) for name in data_files(path)}
    files = sorted(file for file in parts if file.is_file())
    return data_digest([*([file.name, file_digest(file)] for file in files), str(sdk.root), sdk.makes])
