"""Prefect tasks: policy only. Each calls one function of `qhas`."""
