"""The kept answers as tables for docs/; questions that failed are listed with their reasons."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from bench.faster.agreement import Case, layouts, precisions
from bench.faster.kept import Kept, Question
from qhas.advise.model import Advice, Verdict
from qhas.explain.model import Explanation
from qhas.tune.model import Tuning
from qhas.units import microseconds, signed_percent

_TITLES = {
    Question.TUNE: "| network | SoC | default | best | change | options | outputs apart, steps | trials | seconds | compiled again |\n|---|---|---:|---:|---:|---|---:|---:|---:|---:|",
    Question.EXPLAIN: "| network | SoC | bound by | with a bound | unit and experiment agree | largest share of a ceiling | too fast |\n|---|---|---|---:|---:|---:|---:|",
    Question.ADVISE: "| network | SoC | as it is | rewritten | change | by | tried, no help | largest error |\n|---|---|---:|---:|---:|---|---|---:|",
}


def table(kept: Kept, question: Question, networks: Iterable[str], socs: Iterable[str]) -> str:
    """Return the table of the answers to a question that are kept for these networks and SoCs."""
    made = [_TITLES[question]]
    for network in networks:
        for soc in socs:
            answer = kept.get(question, network, soc)
            if answer is None:
                continue
            if why := answer.get("left_out"):
                made.append(f"| {network} | {soc} | left out: {why} |")
            else:
                made.append(f"| {' | '.join((network, soc, *_ROW[question](answer)))} |")
    return "\n".join(made)


def _tuned(answer: dict[str, Any]) -> Iterator[str]:
    tuning = Tuning.model_validate({name: answer[name] for name in Tuning.model_fields if name in answer})
    yield microseconds(tuning.default.time_us)
    yield microseconds(tuning.best.time_us)
    yield signed_percent(tuning.gain_percent) if tuning.gained else "none"
    yield tuning.best.options_text
    checked = tuning.outputs.steps if tuning.outputs else None
    yield "" if checked is None else f"{checked:.2g}"
    yield str(len(tuning.tried))
    yield f"{answer['seconds']:.0f}"
    yield str(answer["again"])


def _explained(answer: dict[str, Any]) -> Iterator[str]:
    told = Explanation.model_validate({name: answer[name] for name in Explanation.model_fields})
    yield told.sentences[0].split(" is bound by ")[1].split(":")[0]
    yield f"{told.bounded_percent:.1f} %"
    yield "{} of {}".format(*told.agreement)
    yield f"{max((op.ceiling_percent or 0 for op in told.ops), default=0):.1f} %"
    yield f"{told.too_fast_percent:.1f} %"


def _advised(answer: dict[str, Any]) -> Iterator[str]:
    advice = Advice.model_validate({name: answer[name] for name in Advice.model_fields})
    yield microseconds(advice.before_us)
    yield microseconds(advice.after_us) if advice.together else ""
    yield signed_percent(advice.gain_percent) if advice.together else "none"
    yield ", ".join(
        f"{each.name} ({signed_percent(each.gain_percent)} alone)"
        for each in advice.of(Verdict.HELPED) if each.name in advice.together
    )  # fmt: skip
    rest = [
        each
        for each in advice.attempts
        if each.verdict is not Verdict.NOT_APPLICABLE and each.name not in advice.together
    ]
    yield ", ".join(
        f"{each.name} {signed_percent(each.gain_percent) if each.gain_percent is not None else each.verdict}"
        for each in rest
    )
    yield "" if advice.error is None else f"{advice.error:.1g}"


_ROW = {Question.TUNE: _tuned, Question.EXPLAIN: _explained, Question.ADVISE: _advised}


def agreement() -> Iterator[str]:
    """Yield how often simulator and devices agree on the faster of two forms, and each case where they disagree."""
    for what, cases in (("float to 8 bits", precisions()), ("channel-first to channel-last", layouts())):
        told: list[Case] = list(cases)
        yield f"{what}: {sum(case.agrees for case in told)} of {len(told)} agree"
        for case in told:
            if not case.agrees:
                yield (
                    f"  {case.network} on {case.device}: simulated {signed_percent(100 * case.simulated)}, "
                    f"measured {signed_percent(100 * case.measured)}"
                )
