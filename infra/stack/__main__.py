"""`python -m infra.stack up|down|status`; `make stack`, `make stack-down` and `make stack-status` call it."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from infra.stack.failure import StackFailed
from infra.stack.settings import BUCKET, UI_PORT, Settings
from infra.stack.stack import Stack

app = typer.Typer(
    help="Prefect on PostgreSQL, an S3 server and workers, on this machine alone.", add_completion=False
)
_console = Console(highlight=False)


@app.command()
def up(
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port of the UI; default: 4200 if it is free.")
    ] = None,
    redis: Annotated[
        bool | None, typer.Option(help="Send messages through Redis; default: if it is installed.")
    ] = None,
) -> None:
    """Start everything, register the deployments of prefect.yaml and have workers wait for runs."""
    stack = Stack()
    settings = stack.up(_console, port, redis)
    if port is None and settings.server != UI_PORT:
        _console.print(
            f"  port {UI_PORT} was taken when the stack was created; the UI is at {settings.server}\n"
        )
    _show(stack, settings)


@app.command()
def down() -> None:
    """Stop everything, including the remains of a stack that crashed. Only logs stay."""
    stack = Stack()
    stack.down()
    _console.print(f"The stack is stopped. Its logs: {stack.folder / 'logs'}")


@app.command()
def status() -> None:
    """Show what runs; the exit code is 1 unless all of it does."""
    stack = Stack()
    if (settings := stack.settings) is None:
        _console.print("There is no stack; `make stack` starts one.")
        raise typer.Exit(1)
    _show(stack, settings)
    if not stack.is_up():
        _console.print("Not all parts are running; `make stack` restarts it.")
        raise typer.Exit(1)


def _show(stack: Stack, settings: Settings) -> None:
    for name, pid in stack.status().items():
        _console.print(f"  {name:<16} {f'process {pid}' if pid else 'DIED'}")
    messages = "Redis" if settings.redis else "memory: redis-server is not installed, or --no-redis was given"
    _console.print(f"  messages through {messages}\n")
    _console.print(f"  UI      {settings.ui}")
    _console.print(f"  login   requested once by the UI; it is in {stack.folder / 'login'}")
    _console.print(f"  store   s3://{BUCKET} at {settings.endpoint}, in memory: gone with the stack")
    _console.print(f"  shell   source {stack.folder / 'env'}    # qhas and prefect then use this stack")
    _console.print(f"  logs    {stack.folder / 'logs'}")


if __name__ == "__main__":
    try:
        app(standalone_mode=True)
    except StackFailed as failed:
        Console(stderr=True, highlight=False).print(str(failed), markup=False)
        raise SystemExit(2) from None
