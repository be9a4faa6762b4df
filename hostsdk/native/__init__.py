"""The binding to Qualcomm's libraries. Its jobs run in a process of their own: `python -m hostsdk.native.<job>`."""
