"""A gate's result in the formats in which it is read: Markdown for a pull request, JUnit for a CI system."""

from __future__ import annotations

from xml.etree import ElementTree

from qhas.gate.model import STOPS, GateLine, GateResult, GateState
from qhas.markdown import as_code, as_text
from qhas.outside_text import shown
from qhas.profile.figures import DRAM, PEAK_VTCM, SQNR, TIME, Figure
from qhas.profile.language_figures import DECODE, PREFILL, TOKEN_DRAM
from qhas.units import signed_percent, words

_SENTENCES = 20
"""Maximum number of lines that get a sentence in Markdown."""
_SQNR = (
    "SQNR: outputs for random inputs against ONNX Runtime's in floats, of the base's ONNX where it has one."
)
_MARKS = {
    GateState.WORSE: "🔴",
    GateState.FAILED: "🔴",
    GateState.OVER_BUDGET: "🔴",
    GateState.BETTER: "🟢",
    GateState.LESS_ACCURATE: "🟡",
    GateState.ENVIRONMENT: "⚪",
}


def markdown(result: GateResult) -> str:
    """Render the result as Markdown for a comment or a step summary, stating whether its times are simulated."""
    word = "passed" if result.passed else "failed"
    lines = [
        f"### HTP gate {word}: {result.counts}.",
        "",
        f"{as_code(result.base)} → {as_code(result.head)}, times: {result.times}, compiler {as_text(result.compiler)}, "
        f"threshold {result.threshold_percent:g} %.",
        "",
        "| | network | SoC | time | change | DRAM | VTCM | SQNR | |",
        "|---|---|---|---:|---:|---:|---:|---:|---|",
        *map(_row, result.lines),
    ]
    notable = [line for line in result.lines if line.state not in (GateState.SAME, GateState.UNCHANGED)]
    lines += [
        "",
        *(f"- **{as_text(line.label)}**: {as_text(line.sentence)}" for line in notable[:_SENTENCES]),
    ]
    if len(notable) > _SENTENCES:
        lines.append(f"- and {len(notable) - _SENTENCES} more.")
    if any(line.sqnr_after_db is not None for line in result.lines):
        lines += ["", _SQNR]
    return "\n".join(lines).rstrip() + "\n"


def junit(result: GateResult) -> str:
    """Render the result as JUnit XML, with a test case for each network on each SoC.

    What stops the change is a failure; a network is skipped if it is unchanged, removed, still failing, or slower in
    another environment.
    """
    failures = sum(line.state in STOPS for line in result.lines)
    skipped = sum(_skipped(line) for line in result.lines)
    counts = {"tests": str(len(result.lines)), "failures": str(failures), "skipped": str(skipped)}
    suites = ElementTree.Element("testsuites", {"name": "qhas gate", **counts})
    name = _xml(f"{result.base} -> {result.head}")
    suite = ElementTree.SubElement(suites, "testsuite", {"name": name, **counts})
    for line in result.lines:
        case = ElementTree.SubElement(suite, "testcase", classname=_xml(line.soc), name=_xml(line.network))
        if line.state in STOPS:
            ElementTree.SubElement(case, "failure", type=line.state, message=_xml(line.sentence))
        elif _skipped(line):
            ElementTree.SubElement(case, "skipped", message=_xml(line.sentence))
    ElementTree.indent(suites)
    return ElementTree.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def _row(line: GateLine) -> str:
    change = "" if line.change_percent is None else signed_percent(line.change_percent)
    cells = (
        _MARKS.get(line.state, ""),
        line.network,
        line.soc,
        time_or_rate(line),
        change,
        _pair(TOKEN_DRAM, line.dram_per_token_before, line.dram_per_token_after, " a token")
        or _pair(DRAM, line.dram_before, line.dram_after),
        _pair(PEAK_VTCM, line.vtcm_before, line.vtcm_after),
        _pair(SQNR, line.sqnr_before_db, line.sqnr_after_db),
        words(line.state),
    )
    return f"| {' | '.join(map(as_text, cells))} |"


def time_or_rate(line: GateLine) -> str:
    """Return both sides' times, or for a language model's graph the whole model's tokens per second."""
    return (
        _pair(DECODE, line.decode_tokens_per_s_before, line.decode_tokens_per_s_after, " tokens/s")
        or _pair(PREFILL, line.prefill_tokens_per_s_before, line.prefill_tokens_per_s_after, " tokens/s")
        or _pair(TIME, line.time_before_us, line.time_after_us)
    )


def _pair(figure: Figure, before: float | None, after: float | None, unit: str = "") -> str:
    texts = [figure.text(value) for value in (before, after) if value is not None]
    return " → ".join(dict.fromkeys(texts)) + unit if texts else ""


def _skipped(line: GateLine) -> bool:
    return line.state in (
        GateState.UNCHANGED,
        GateState.REMOVED,
        GateState.STILL_FAILS,
        GateState.ENVIRONMENT,
    )


def _xml(text: str) -> str:
    """Remove control characters, which XML 1.0 forbids even when escaped."""
    return "".join(character for character in shown(text) if character.isprintable() or character in "\n\t")
