"""Prefect tasks: policy only. Each calls one function of `qhas`."""

import qhas as qhas  # before Prefect, whose reports to its maker it switches off
