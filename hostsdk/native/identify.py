"""Job: identify the libraries in a folder. Request: library_dir. Result: build_id, versions.

Nothing here passes a structure that differs between generations, so libraries of any generation can be queried.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hostsdk.generations import LAYOUTS
from hostsdk.native.job import Reply
from hostsdk.native.library import load
from hostsdk.native.session import LogLevel, open_session


def identify(request: dict[str, Any], reply: Reply) -> None:
    """Load the libraries, and query their API versions and build id."""
    libraries = load(Path(request["library_dir"]), LAYOUTS[0])
    with open_session(libraries, None, reply.log, LogLevel.ERROR) as session:
        reply.result(build_id=session.build_id(), versions=libraries.versions)
