"""Prefect flows: sequencing only, that is, which step follows which and what runs side by side."""

import qhas as qhas  # before Prefect, whose reports to its maker it switches off
