"""What a Prefect server must know before anybody can start a run: work pool, deployments, automations."""
