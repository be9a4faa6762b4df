"""Tables as CSV on standard output, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import sys
from typing import TYPE_CHECKING, Any

from qhas.outside_text import csv_cell

if TYPE_CHECKING:
    import pyarrow as pa


def write_table(table: pa.Table) -> None:
    """Write the titles and every row; a list becomes its values separated by spaces, an unknown value is empty."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(csv_cell(name) for name in table.column_names)
    writer.writerows([csv_cell(_flat(value)) for value in row.values()] for row in table.to_pylist())


def _flat(value: Any) -> Any:
    return " ".join(map(str, value)) if isinstance(value, list) else value
