"""What a Prefect server must know before a run can be started: work pool, deployments, automations."""
