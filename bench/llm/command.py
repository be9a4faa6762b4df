"""`python -m bench llm`: simulated language models against measured ones, and more of them simulated."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from bench.llm.pairs import by_runtime, every_pair, near, pairs
from bench.llm.simulating import simulate
from qhas.llm.measured import known, simulated
from qhas.network.recipe import Attention, Recipe
from qhas.site import load_site

_TABLE = Path(__file__).parents[2] / "qhas" / "llm" / "simulated.tsv"
_SOCS = ("qcs9100", "sm8750", "sm8850", "sc8380xp")


def main(argv: Sequence[str]) -> int:
    """Exit code 0."""
    parser = argparse.ArgumentParser(prog="python -m bench llm", description=__doc__)
    parser.add_argument(
        "--run", nargs="*", choices=[*known()], metavar="ARCHITECTURE",
        help="simulate all architectures or some, and add what qhas/llm/simulated.tsv lacks; estimates are kept in the default store",
    )  # fmt: skip
    parser.add_argument("--soc", action="append", help=f"with --run; repeatable; default {', '.join(_SOCS)}")
    parser.add_argument("--attention", choices=[*Attention], default=Attention.GROUPED, help="with --run")
    given = parser.parse_args(argv)
    if given.run is not None:
        _run(given.run or [*known()], given.soc or _SOCS, Attention(given.attention))
    else:
        _show()
    return 0


def _run(names: Sequence[str], socs: Sequence[str], attention: Attention) -> None:
    wanted = [each for name, each in known().items() if name in names]
    there = {each[:5] for each in simulated()}
    for made in simulate(wanted, socs, Recipe(attention=attention), load_site(None)):
        if isinstance(made, str):
            print(made, flush=True)
            continue
        row = [made.architecture, made.soc, _wheel(), made.attention, str(made.tokens), str(made.context)]
        line = "\t".join([*row, f"{made.time_us:.1f}"])
        print(line, flush=True)
        if made[:5] not in there:
            with _TABLE.open("a", encoding="utf-8") as table:
                table.write(line + "\n")


def _wheel() -> str:
    from importlib.metadata import version

    return version("onnxruntime-qnn")


def _show() -> None:
    for title, prefill in (("Decode, tokens a second", False), ("Time to first token, ms", True)):
        found = pairs(simulated(), prefill=prefill)
        if not found:
            continue
        print(f"## {title}\n\n{every_pair(found).markdown()}\n")
        if (ratios := by_runtime(found)).rows:
            print(f"{ratios.markdown()}\n")
        counts = (
            (attention, *near([pair for pair in found if pair.made.attention == attention]))
            for attention in Attention
        )
        told = ", ".join(f"{held} of {of} {attention}" for attention, held, of in counts if of)
        print(f"Within 25 % of the nearer runtime: {told}.\n")
