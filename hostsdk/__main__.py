"""The host SDK and the versions of Qualcomm's libraries it runs on."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from hostsdk import generations, layout, socs, wheel
from hostsdk.errors import ToolError


def main(argv: Sequence[str]) -> int:
    """Return 0 when the request was fulfilled, 1 with one sentence on stderr when not."""
    arguments = _parser().parse_args(argv)
    try:
        for line in _answer(arguments):
            print(line, flush=True)
    except ToolError as error:
        print(error.message, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m hostsdk", description=__doc__)
    actions = parser.add_subparsers(dest="action", required=True)
    for name, does in (
        ("root", "create the SDK's directory and print its path"),
        ("check", "check whether it can run on this machine"),
    ):
        action = actions.add_parser(name, help=does)
        action.add_argument(
            "version", nargs="?", help="as in 2.4.0 or 2.48; default: the interpreter's own wheel"
        )
    listed = actions.add_parser(
        "socs", help="list the SoCs, tab-separated: name, Hexagon version, VTCM in MB, estimate"
    )
    listed.add_argument("names", nargs="*", metavar="SOC", help="list only these; an unknown one is an error")
    actions.add_parser(
        "list", help="list the versions, tab-separated: wheel, SDK, whether it is installed, what it lacks"
    )
    joined = actions.add_parser("join", help="join several networks into one DLC, with a graph for each")
    joined.add_argument("target", type=Path, metavar="OUT", help="the DLC to write")
    joined.add_argument("first", type=Path, metavar="DLC")
    joined.add_argument("others", type=Path, nargs="+", metavar="DLC")
    fetched = actions.add_parser("install", help="fetch versions with uv or pip into the user's cache")
    fetched.add_argument("versions", nargs="+", metavar="VERSION", help="as in 2.4.0 or 2.48")
    return parser


def _answer(arguments: argparse.Namespace) -> Iterable[str]:
    match arguments.action:
        case "socs":
            return _soc_lines(arguments.names)
        case "list":
            return _version_lines()
        case "join":
            return _joined(arguments.target, arguments.first, arguments.others)
        case "install":
            return _installed(arguments.versions)
        case _:
            return [_root(arguments.version, ready=arguments.action == "check")]


def _root(version: str | None, *, ready: bool) -> str:
    if version:
        wheel.called(version, version)
        os.environ[wheel.VARIABLE] = version
    sdk = layout.sdk()
    return f"The host SDK {layout.version(sdk.build_id)} is ready at {sdk.root}." if ready else str(sdk.root)


def _joined(target: Path, first: Path, others: Sequence[Path]) -> list[str]:
    import shutil

    from hostsdk.dlc.dlc import Dlc
    from hostsdk.publish import publish, scratch_in

    for path in (first, *others):
        Dlc(path).check()
    with scratch_in(target.parent) as scratch:
        joined = scratch / target.name
        shutil.copyfile(first, joined)
        Dlc(joined).join(others)
        publish(joined, target)
    return [f"{target} holds {1 + len(others)} networks."]


def _installed(versions: Sequence[str]) -> Iterator[str]:
    from hostsdk.install import install

    for version in versions:
        installation = install(version)
        yield f"{wheel.DISTRIBUTION} {installation.version} is at {installation.directory}."


def _version_lines() -> Iterator[str]:
    here = wheel.on_this_machine()
    known = {generation.wheel: generation for generation in generations.GENERATIONS}
    for version in [*known, *sorted(here.keys() - known.keys())]:
        generation, installation = known.get(version), here.get(version)
        place = str(installation.directory) if installation else "not installed"
        yield "\t".join(
            (
                version,
                generation.sdk if generation else "unknown",
                place,
                (generation.lacks if generation else "tried when it is first used") or "-",
            )
        )


def _soc_lines(names: Sequence[str]) -> Iterator[str]:
    """Yield a line per SoC: name, Hexagon version, VTCM and whether times can be estimated, separated by tabs."""
    for soc in [socs.find(name, "The host SDK") for name in names] or socs.table().values():
        if soc.arch >= socs.OLDEST_ARCH:
            yield f"{soc.name}\tv{soc.arch}\t{soc.vtcm_mb or '-'}\t{_estimate(soc)}"


def _estimate(soc: socs.Soc) -> str:
    if soc.estimate_supported:
        return "supported"
    if soc.checked:
        return "checked"
    return "unsupported" if soc.has_cost_model else "none"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
