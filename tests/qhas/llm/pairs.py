"""Measured architectures that the tests make up."""

from __future__ import annotations

from qhas.llm.measured import Simulated
from qhas.llm.pairs import Pair
from qhas.network.recipe import Attention

RATIOS = (1.4, 1.5, 1.5, 1.6, 1.4, 1.5, 1.6, 1.5)


def made(count: int = 8, runtime: str = "genie", tokens: int = 1, context: int = 4096) -> list[Pair]:
    """Architectures that take 10 ms, 20 ms ... on each of two devices, each with a ratio of its own."""
    return [
        Pair(
            Simulated(f"a{number}", soc, Attention.GROUPED, tokens, context, 10_000.0 * (number + 1)),
            device,
            runtime,
            simulated,
            simulated * RATIOS[number],
        )
        for number in range(count)
        for soc, device in (("sm8750", "Galaxy S25"), ("qcs9100", "IQ-9075"))
        for simulated in ([10.0 * (number + 1)] if tokens > 1 else [100 / (number + 1)])
    ]
