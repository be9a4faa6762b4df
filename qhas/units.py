"""Figures as text: the same format in the terminal, the report, verdicts, budgets and the Prefect UI."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

_MILLISECOND = 1000.0
_MINUS = "−"


def microseconds(value: float) -> str:
    """Format a time, as in `1,371 µs`; below a millisecond with one decimal if it is not whole, as in `80.9 µs`."""
    shown = round(value, 1)
    digits = 1 if abs(shown) < _MILLISECOND and shown != round(shown) else 0
    return f"{value:,.{digits}f} µs"


def milliseconds(value: float) -> str:
    """Format a time that is long for an inference, as in `48.6 ms`."""
    return f"{value:,.0f} ms" if value >= 100 else f"{value:.1f} ms"


def seconds(value: float) -> str:
    """Format the duration of work on this host, as in `6.5 s`."""
    return f"{value:,.1f} s"


def lasting(time: timedelta) -> str:
    """Format the duration of a run, as in `12.4 min`, or `8 s` if under a minute."""
    taken = time.total_seconds()
    return f"{taken / 60:,.1f} min" if taken >= 60 else f"{taken:.0f} s"


def size(value: float) -> str:
    """Format bytes in the largest unit of which there is at least one: `26.4 MB` of 10^6 bytes, `4.1 kB`, `960 B`."""
    if round(value) < 1000:
        return f"{value:.0f} B"
    if round(value, -2) < 1e6:
        return f"{value / 1e3:.1f} kB"
    return f"{value / 1e6:.2f} MB" if value < 10e6 else f"{value / 1e6:.1f} MB"


def mebibytes(value: float) -> str:
    """Format bytes of a memory sized in powers of two, like the option that sets it: `7.24 MiB`, `2 MiB`."""
    mib = value / (1 << 20)
    if mib and mib < 0.01:
        return f"{value / 1024:.1f} KiB"
    return f"{mib:.2f} MiB" if round(mib, 2) != round(mib) else f"{mib:.0f} MiB"


def count(value: float) -> str:
    """Format an integer, as in `1,900,000`."""
    return f"{value:,.0f}"


def rate(value: float) -> str:
    """Format tokens per second with the digits that an estimate supports: `43.3`, `2,631`."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def percent(value: float) -> str:
    """Format a share, as in `81.2 %`."""
    return f"{value:.1f} %"


def shares(parts: Sequence[float]) -> list[float]:
    """Return parts of a whole in percent, to one decimal, that sum to 100.

    What rounding leaves over goes to the largest remainders.
    """
    whole = sum(parts)
    if whole <= 0:
        return [0.0 for _ in parts]
    exact = [1000 * part / whole for part in parts]
    tenths = [int(part) for part in exact]
    by_remainder = sorted(range(len(parts)), key=lambda place: tenths[place] - exact[place])
    for place in by_remainder[: 1000 - sum(tenths)]:
        tenths[place] += 1
    return [tenth / 10 for tenth in tenths]


def decibels(value: float) -> str:
    """Format a ratio of powers, as in `42.3 dB`."""
    return f"{number(f'{value:.1f}')} dB"


def number(text: str) -> str:
    """Format a number's digits for display: `−0.02` for `-0.02`, and no minus if all digits are zero."""
    digits = text.removeprefix("-")
    return digits if digits == text or not _counts(digits) else f"{_MINUS}{digits}"


def megahertz(value: float) -> str:
    """Format a clock, as in `1,400 MHz`."""
    return f"{value:,.0f} MHz"


def signed_time(us: float) -> str:
    """Format a difference in microseconds, as in `+1.9 ms` or `−40 µs`."""
    far = round(abs(us), 1) >= _MILLISECOND
    return signed(us, lambda value: f"{value / _MILLISECOND:.1f} ms" if far else microseconds(value))


def signed_percent(value: float | None) -> str:
    """Format a difference in percent, as in `+38 %`; empty if there is none."""
    return "" if value is None else signed(value, lambda far: f"{far:.{1 if far < 10 else 0}f} %")


def signed(value: float, show: Callable[[float], str]) -> str:
    """Format a difference like its figure, as in `+1.20 MB` or `−330,676`; one that rounds to zero has a plus."""
    text = show(abs(value))
    return f"{_MINUS if value < 0 and _counts(text) else '+'}{text}"


def signed_points(value: float) -> str:
    """Format a difference of two shares, as in `+3.6 points`."""
    return signed(value, lambda far: f"{far:.1f} points")


def counted(number: int, what: str) -> str:
    """Format a number of things, as in `1 cell` or `3 cells`."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def words(name: str) -> str:
    """Return a member of a closed vocabulary in words: `qhas invalid` for `qhas_invalid`."""
    return name.replace("_", " ")


def _counts(text: str) -> bool:
    """Whether any digit is not zero."""
    return any(character in "123456789" for character in text)
