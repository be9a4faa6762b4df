"""`python -m bench faster`: tune, explain and advise on known networks, and make tables from the kept answers."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from bench.faster.asking import ask
from bench.faster.kept import Kept, Question
from bench.faster.networks import DEMO, TOPOLOGIES
from bench.faster.tables import agreement, table

_SOCS = ("sa8255", "sm8750")


def main(argv: Sequence[str]) -> int:
    """Return exit code 0, even if networks are left out: the table says why."""
    wanted = _parse(argv)
    kept, console = Kept(wanted.results), Console(highlight=False, width=200)
    deadline = time.monotonic() + 60 * wanted.minutes
    for soc in wanted.soc:
        for network in wanted.network:
            for question in wanted.questions:
                if time.monotonic() > deadline:
                    break
                if kept.get(question, network, soc) is None:
                    answer = ask(question, network, soc, wanted.results, wanted.most_seconds)
                    kept.put(question, network, soc, answer)
                    said = answer.get("left_out") or f"{answer['seconds']:.0f} s"
                    console.print(f"{question} {network} {soc}: {said}", markup=False)
    for question in wanted.questions:
        console.print(table(kept, question, wanted.network, wanted.soc), markup=False, soft_wrap=True)
    if Question.ADVISE in wanted.questions:
        for line in agreement():
            console.print(line, markup=False)
    return 0


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench faster", description=__doc__)
    parser.add_argument(
        "questions",
        nargs="+",
        type=Question,
        choices=list(Question),
        metavar="QUESTION",
        help=", ".join(Question),
    )
    parser.add_argument(
        "--network", nargs="+", default=[*DEMO, *TOPOLOGIES], choices=[*DEMO, *TOPOLOGIES], metavar="NETWORK"
    )
    parser.add_argument("--soc", nargs="+", default=_SOCS, metavar="SOC")
    parser.add_argument(
        "--most-seconds",
        type=float,
        default=3,
        help="seconds of CPU; networks that take longer to compile are left out",
    )
    parser.add_argument("--minutes", type=float, default=600, help="start nothing after this many")
    parser.add_argument(
        "--results",
        type=Path,
        default=Path("bench-faster"),
        metavar="DIR",
        help="where answers are kept; an interrupted run resumes from there",
    )
    return parser.parse_args(argv)
