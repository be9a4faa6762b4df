"""Comparison of two QHAS summaries: what changed, what it cost, and one sentence saying why.

The parts of an inference's time add up: every cycle of the timeline belongs to an op of the dominant path, to idle time,
or to nothing that the file names. So the differences of the parts add up to the difference of the whole, and ranking
them ranks the causes. `docs/compare.md` describes the method for users.
"""
