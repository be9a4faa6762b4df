"""What other people's tools, scripts and dashboards rely on: recorded, and compared with what the code offers."""
