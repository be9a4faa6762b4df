"""Files that users name by an address: networks, input lists, data.

Their servers are not trusted. One may say nothing, send a byte a second, send more than it announced, or never stop:
each is waited for only so long, and then what it does is reported.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import fsspec
from fsspec import AbstractFileSystem
from fsspec.callbacks import Callback
from fsspec.implementations.local import LocalFileSystem

from qhas.machine.secrets import error_at, masked
from qhas.machine.waits import asked
from qhas.outside_bytes import Unbounded, open_regular, read_file, shown_limit
from qhas.store.errors import chain, is_absent, met
from qhas.store.patience import Patience
from qhas.store.s3_answers import Unexpected

ANSWER_SECONDS = 30.0
"""Longest wait for a server without receiving a byte."""
FIRST_SECONDS = 60.0
"""Seconds at the start of a transfer during which any speed is accepted."""
SLOWEST = 1 << 10
"""Minimum average speed of a transfer from its start on, in bytes per second."""
_S3_TRIES = 3
_PIECE = 1 << 20
_WEB = ("http", "https")
_SAID = {
    "TooManyRedirects": "its server redirects endlessly",
    "ClientPayloadError": "its server sent less than it announced, or badly compressed data",
}
"""Reasons by the class name of a web client's error: aiohttp is only imported for web addresses."""


class TooSlow(OSError):
    """A transfer that would never end. The message continues a sentence that begins with the address."""


def open_address(address: str) -> tuple[AbstractFileSystem, str]:
    """Return the file system of an address and the path in it. Raises what fsspec does if it leads nowhere."""
    if address.startswith(("s3://", "s3a://")):
        from qhas.store.s3_clients import open_s3fs

        fs, path = open_s3fs(address, Patience(answer=ANSWER_SECONDS))
        fs.retries = _S3_TRIES
        return fs, path
    kinds = {link.partition("://")[0] for link in address.split("::")}.intersection(_WEB)
    options = {kind: {"client_kwargs": _web_client(kind)} for kind in kinds}
    fs, path = fsspec.core.url_to_fs(address, **options)
    return fs, path


def _web_client(kind: str) -> dict[str, Any]:
    """Return client options without a limit on a whole transfer, which may be large and the line slow."""
    from aiohttp import ClientTimeout

    timeout = ClientTimeout(total=None, sock_connect=ANSWER_SECONDS, sock_read=ANSWER_SECONDS)
    return {
        "timeout": timeout,
        "middlewares": (_answered,),
        **fsspec.config.conf.get(kind, {}).get("client_kwargs", {}),
    }


async def _answered(request: Any, handler: Callable[[Any], Awaitable[Any]]) -> Any:
    """Limit the wait for the head of an answer, which could otherwise arrive byte by byte."""
    async with asyncio.timeout(ANSWER_SECONDS):
        return await handler(request)


def kind_at(fs: AbstractFileSystem, path: str, address: str) -> str | None:
    """Return what is at the path, `file` or `directory`, or None if there is nothing.

    Raises what the file system does if it cannot say.
    """
    try:
        with asked(masked(address)):
            return str(fs.info(path)["type"])
    except (FileNotFoundError, NotADirectoryError) as error:
        if is_absent(error):
            return None
        raise met(error) from None


def fetch(fs: AbstractFileSystem, path: str, target: Path, largest: int) -> None:
    """Copy a file of at most `largest` bytes to a new file, which is removed if that fails.

    Raises Unbounded, TooSlow and what the file system does.
    """
    try:
        with ExitStack() as until_it_comes:
            until_it_comes.enter_context(asked(masked(str(fs.unstrip_protocol(path)))))
            if isinstance(fs, LocalFileSystem):
                _copy(Path(path), target, largest)
            else:
                fs.get_file(path, str(target), callback=_Watch(largest, until_it_comes.close))
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    if not target.is_file():
        raise IsADirectoryError(f"{path} is a folder")


def read_address(fs: AbstractFileSystem, path: str, largest: int) -> bytes:
    """Return the bytes of such a file. Raises what `fetch` does."""
    if isinstance(fs, LocalFileSystem):
        return read_file(Path(path), largest)
    with tempfile.TemporaryDirectory(prefix="qhas-") as room:
        fetch(fs, path, target := Path(room) / "fetched", largest)
        return target.read_bytes()


def describe_error(address: str, error: BaseException) -> str:
    """State why a file cannot be fetched, without the secrets of its address.

    The text is the rest of a sentence that begins with the address.
    """
    brief = describe_briefly(error)
    return error_at(address, f"{type(error).__name__}: {error}") if brief == type(error).__name__ else brief


def describe_briefly(error: BaseException) -> str:
    """Do the same without any text of the file system, which may contain any secret of the address."""
    if is_absent(error):
        return "there is no such file"
    for link in chain(error):
        if isinstance(link, Unbounded | TooSlow | Unexpected):
            return str(link)
        if isinstance(link, TimeoutError):
            return f"its server was silent for {ANSWER_SECONDS:g} seconds"
        if kind := _SAID.get(type(link).__name__):
            return kind
        if type(link).__name__ == "ClientResponseError":
            answer = "with something that is not HTTP" if link.__cause__ else link.status  # type: ignore[attr-defined]
            return f"its server answers {answer}"
    return type(error).__name__


def _copy(source: Path, target: Path, largest: int) -> None:
    watch = _Watch(largest, lambda: None)
    with open_regular(source) as file, target.open("xb") as copy:
        while piece := file.read(_PIECE):
            watch.relative_update(len(piece))
            copy.write(piece)


class _Watch(Callback):  # type: ignore[misc]
    """Aborts a transfer that is too large or would never end."""

    def __init__(self, largest: int, begun: Callable[[], None]) -> None:
        super().__init__()
        self._largest, self._begun, self._since = largest, begun, time.monotonic()

    def set_size(self, size: int | None) -> None:
        """Check the size that the server announces, if any."""
        super().set_size(size)
        self._require(size or 0)

    def relative_update(self, inc: int = 1) -> None:
        """Count the bytes that have arrived."""
        super().relative_update(inc)
        self._begun()
        self._require(self.value)
        seconds = time.monotonic() - self._since
        if inc and seconds > FIRST_SECONDS and self.value < SLOWEST * seconds:
            raise TooSlow(f"its server sends only {self.value / seconds:.0f} bytes per second")

    def _require(self, size: int) -> None:
        if size > self._largest:
            raise Unbounded(f"it is over {shown_limit(self._largest)}, the maximum size of such a file")
