"""Job: which libraries are installed. Request: library_dir. Result: build_id, versions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hostsdk.native.job import Reply, serve
from hostsdk.native.session import LogLevel, open_session


def identify(request: dict[str, Any], reply: Reply) -> None:
    """Load the libraries, which checks their API versions, and ask for the build id."""
    with open_session(Path(request["library_dir"]), None, reply.log, LogLevel.ERROR) as session:
        reply.result(build_id=session.build_id(), versions=session.libraries.versions)


if __name__ == "__main__":
    serve(identify)
