"""`python -m bench llm`: compares simulated language models with measured ones, and simulates more of them."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from bench.llm import page
from bench.llm.simulating import simulate
from qhas.llm.measured import known, simulated
from qhas.network.recipe import Attention, Recipe
from qhas.site import load_site

_TABLE = page.ROOT / "qhas" / "llm" / "simulated.tsv"
_SOCS = ("qcs9100", "sm8750", "sm8850", "sc8380xp")


def main(argv: Sequence[str]) -> int:
    """Return exit code 0."""
    parser = argparse.ArgumentParser(prog="python -m bench llm", description=__doc__)
    parser.add_argument(
        "--run", nargs="*", choices=[*known()], metavar="ARCHITECTURE",
        help="simulate all or some architectures and add rows missing from qhas/llm/simulated.tsv; estimates are kept in the default store",
    )  # fmt: skip
    parser.add_argument("--soc", action="append", help=f"with --run; repeatable; default {', '.join(_SOCS)}")
    parser.add_argument("--attention", choices=[*Attention], default=Attention.GROUPED, help="with --run")
    parser.add_argument(
        "--write", action="store_true", help=f"write the tables of {page.PAGE} from the shipped figures"
    )
    given = parser.parse_args(argv)
    if given.write:
        page.write()
    elif given.run is not None:
        _run(given.run or [*known()], given.soc or _SOCS, Attention(given.attention))
    else:
        print(page.tables())
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
