"""A store opened for reading, for notebooks and scripts: runs, cells, figures, ops, comparisons and files.

Nothing here writes to a store. Tables are Arrow's; `to_pandas()` and `polars.from_arrow()` turn them into frames.
"""

from qhas.archive.archive import Archive, open_archive
from qhas.archive.comparison import Comparison
from qhas.archive.run import ArchivedCell, ArchivedRun

__all__ = ["Archive", "ArchivedCell", "ArchivedRun", "Comparison", "open_archive"]
