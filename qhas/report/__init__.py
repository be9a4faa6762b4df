"""The report: a static site of pages a run and a cell, opened from disk or from the bucket."""
