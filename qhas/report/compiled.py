"""A cache of compiled templates, located where Python caches its own modules.

Without it, a process that renders one page would spend most of its time compiling.
"""

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
    """A bytecode cache beside the templates, or below PYTHONPYCACHEPREFIX.

    Nothing is kept with PYTHONDONTWRITEBYTECODE, or where nothing can be written. An entry is valid as long as the
    template, the interpreter, Jinja, and `compiled_by`, the source of the code that compiles the templates, are those
    it was built from.
    """

    def __init__(self, compiled_by: bytes) -> None:
        self._compiled_by = b"".join((MAGIC_NUMBER, bc_magic, compiled_by))

    def get_cache_key(self, name: str, filename: str | None = None) -> str:  # noqa: ARG002
        """Return the file for a template's code; empty if the template is not in a file of its own, as in a zip file."""
        return cache_from_source(filename) if filename else ""

    def get_source_checksum(self, source: str) -> str:
        """Return a digest of everything the code is built from."""
        return hashlib.sha256(self._compiled_by + source.encode()).hexdigest()

    def load_bytecode(self, bucket: Bucket) -> None:
        """Load the code that was kept, if it was built from this template."""
        with suppress(OSError, EOFError, ValueError, TypeError):
            made_of, _, code = Path(bucket.key).read_bytes().partition(b"\n")
            if made_of.decode() == bucket.checksum:
                bucket.code = marshal.loads(code)  # noqa: S302  # as trusted as the modules beside it

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Write the code to the cache atomically."""
        if sys.dont_write_bytecode or not bucket.key:
            return
        with suppress(OSError):
            Path(bucket.key).parent.mkdir(parents=True, exist_ok=True)
            content = bucket.checksum.encode() + b"\n" + marshal.dumps(bucket.code)
            write_renamed(Path(bucket.key), content)
