"""What other people's tools, scripts and dashboards rely on, as recorded and compared with what the code offers."""
