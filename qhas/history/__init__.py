"""Every figure of every run as Parquet in the store: one row per cell, appended by runs, compacted by month."""

from qhas.history.compaction import Compaction, compact
from qhas.history.files import append
from qhas.history.reading import Where, read_history
from qhas.history.rerun import Rerun, read_reruns, write_reruns

__all__ = ["Compaction", "Rerun", "Where", "append", "compact", "read_history", "read_reruns", "write_reruns"]
