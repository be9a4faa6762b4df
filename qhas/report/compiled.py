"""Templates as code, kept where Python keeps its own modules': a process that makes one page would spend most of its time on compiling."""

from __future__ import annotations

import hashlib
import marshal
import sys
from contextlib import suppress
from importlib.util import MAGIC_NUMBER, cache_from_source
from pathlib import Path

from jinja2.bccache import Bucket, BytecodeCache, bc_magic

from qhas.machine.packing import write_renamed


class CompiledTemplates(BytecodeCache):
    """Beside the templates, or below PYTHONPYCACHEPREFIX; nowhere with PYTHONDONTWRITEBYTECODE, or where nothing can be written.

    What is kept counts as long as template, interpreter, Jinja and `compiled_by`, the source of what they are compiled with,
    are those that it was made of.
    """

    def __init__(self, compiled_by: bytes) -> None:
        self._compiled_by = b"".join((MAGIC_NUMBER, bc_magic, compiled_by))

    def get_cache_key(self, name: str, filename: str | None = None) -> str:  # noqa: ARG002
        """Its file; empty for a template that is in none, as in a zip file."""
        return cache_from_source(filename) if filename else ""

    def get_source_checksum(self, source: str) -> str:
        """Of all that the code is made of."""
        return hashlib.sha256(self._compiled_by + source.encode()).hexdigest()

    def load_bytecode(self, bucket: Bucket) -> None:
        """Take the code that is kept, if it is of this template."""
        with suppress(OSError, EOFError, ValueError, TypeError):
            made_of, _, code = Path(bucket.key).read_bytes().partition(b"\n")
            if made_of.decode() == bucket.checksum:
                bucket.code = marshal.loads(code)  # noqa: S302  # as trusted as the modules beside it

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep the code; readers see it whole or not at all."""
        if sys.dont_write_bytecode or not bucket.key:
            return
        with suppress(OSError):
            Path(bucket.key).parent.mkdir(parents=True, exist_ok=True)
            content = bucket.checksum.encode() + b"\n" + marshal.dumps(bucket.code)
            write_renamed(Path(bucket.key), content)
