"""S3 as a backend, by s3fs. Imported only where a store's address leads to S3: its clients take long to import."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import fsspec
from botocore.exceptions import ClientError

from qhas.store.any import AnyFileSystem
from qhas.store.errors import Trouble
from qhas.store.objects import content_type, require_readable
from qhas.store.s3_clients import S3Clients
from qhas.store.s3_errors import is_about_many, may_be_of_anybody, trouble_of

PART = 8 << 20
"""Bytes sent or received at a time. Files up to this size are one request."""
_MOST_REMOVED = 1000
"""Objects that S3 removes at one request."""


class S3(AnyFileSystem):
    """Objects below the path `base`, `<bucket>/...`; every operation by s3fs, in bounded memory."""

    def __init__(self, clients: S3Clients, base: str) -> None:
        super().__init__(clients.fs, base)
        self._bucket = base.partition("/")[0]

    def exists(self, key: str) -> bool:
        """In one request; where the answer, which has no body, may be of anybody, a listing tells."""
        try:
            self._call("head_object", key)
        except Exception as error:
            if may_be_of_anybody(error):
                return self._is_listed(self._name(key))
            if isinstance(error, FileNotFoundError):
                return False
            raise
        return True

    def _is_listed(self, name: str) -> bool:
        answer = self._fs.call_s3("list_objects_v2", Bucket=self._bucket, Prefix=name, MaxKeys=1)
        return any(entry["Key"] == name for entry in answer.get("Contents", ()))

    def read(self, key: str, begin: int | None = None, end: int | None = None) -> bytes:
        """In one request, not by ranges at once, for which s3fs asks for the size first."""
        if begin is end is None:
            return bytes(fsspec.asyn.sync(self._fs.loop, _whole, self._call("get_object", key)))
        return bytes(self._fs.cat_file(self._path(key), start=begin, end=end, max_concurrency=1))

    def write(self, key: str, content: bytes) -> None:
        """In one request, with the type that the key tells."""
        self._fs.pipe_file(self._path(key), content, ContentType=content_type(key))

    def _create(self, key: str, content: bytes) -> None:
        """Of two writers at once one does, if the server knows conditions. There are some that ignore them."""
        request = {"Body": content, "ContentType": content_type(key)}
        try:
            self._call("put_object", key, IfNoneMatch="*", **request)
        except OSError as error:
            if "NotImplemented" not in str(error.__cause__):
                raise
            self._call("put_object", key, **request)

    def _put(self, file: Path, path: str) -> None:
        self._fs.put_file(str(file), path, chunksize=PART, max_concurrency=4)

    def _get(self, path: str, file: Path) -> None:
        self._fs.get_file(path, str(file), max_concurrency=1)

    def remove(self, keys: Sequence[str]) -> None:
        """Many a request. Not by s3fs's removal, which takes no notice of what the server says of single objects."""
        names = [self._name(key) for key in keys]
        for begin in range(0, len(names), _MOST_REMOVED):
            some = names[begin : begin + _MOST_REMOVED]
            try:
                self._remove_together(some)
            except OSError as error:
                if not is_about_many(error):
                    raise
                for name in some:
                    self._fs.call_s3("delete_object", Bucket=self._bucket, Key=name)

    def _remove_together(self, names: Sequence[str]) -> None:
        request = {"Objects": [{"Key": name} for name in names], "Quiet": True}
        answer = self._fs.call_s3("delete_objects", Bucket=self._bucket, Delete=request)
        for refused in answer.get("Errors", ()):
            raise ClientError({"Error": refused}, "DeleteObjects")

    def clear(self, prefix: str) -> None:
        """List and remove."""
        self.remove([entry.key for entry in self.objects(prefix)])

    def explain(self, error: BaseException) -> Trouble:
        """What botocore, s3fs or obstore says."""
        return trouble_of(error)

    def _call(self, operation: str, key: str, **arguments: Any) -> Any:
        return self._fs.call_s3(operation, Bucket=self._bucket, Key=self._name(key), **arguments)

    def _name(self, key: str) -> str:
        """The key within the bucket."""
        return self._path(key).removeprefix(f"{self._bucket}/")


async def _whole(answer: dict[str, Any]) -> bytearray:
    content = bytearray()
    async with answer["Body"] as body:
        require_readable(answer.get("ContentLength"))
        while part := await body.read(PART):
            content += part
            require_readable(len(content))
    return content
