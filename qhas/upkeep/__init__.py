"""Keeping a lab going: space in the store, a healthy rack, a doctor."""
