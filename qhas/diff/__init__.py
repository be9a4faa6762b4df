"""Two QHAS summaries against each other: what changed, what it cost, and one sentence why.

The parts of an inference's time add up: every cycle of the timeline belongs to an op of the dominant path, to idle time,
or to nobody the file names. So the differences of the parts add up to the difference of the whole, and ranking them
is ranking causes. `docs/compare.md` is the method for readers.
"""
