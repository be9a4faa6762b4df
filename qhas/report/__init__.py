"""The report: a static site with a page for each run and each cell, opened from disk or from the bucket."""
