"""Prefect flows: sequence only. Which step after which, and what runs side by side."""
