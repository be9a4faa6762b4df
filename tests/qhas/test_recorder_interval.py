"""The recorder's interval is cut to whole seconds by Prefect; 0 would spin."""

from pathlib import Path

from qhas.prefect_settings import QUIET

NAME = "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL"


def test_the_command_flushes_every_whole_second_or_slower() -> None:
    assert int(QUIET[NAME]) >= 1


def test_the_servers_environment_flushes_every_whole_second_or_slower() -> None:
    lines = (Path(__file__).parents[2] / "infra" / "qhas.env.example").read_text().splitlines()
    (value,) = [line.partition("=")[2] for line in lines if line.startswith(NAME)]
    assert int(value) >= 1
