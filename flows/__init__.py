"""Prefect flows: sequencing only, that is, which step follows which and what runs side by side."""
