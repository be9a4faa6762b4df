"""S3 as a backend, through s3fs. Imported only for stores on S3, because its clients take long to import."""

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
from qhas.store.s3_errors import is_about_many, lacks_s3_headers, trouble_of

PART = 8 << 20
"""Bytes sent or received at a time. Files up to this size take one request."""
_MOST_REMOVED = 1000
"""Maximum number of objects that S3 removes in one request."""


class S3(AnyFileSystem):
    """Objects below the path `base`, `<bucket>/...`; every operation goes through s3fs, in bounded memory."""

    def __init__(self, clients: S3Clients, base: str) -> None:
        super().__init__(clients.fs, base)
        self._bucket = base.partition("/")[0]

    def exists(self, key: str) -> bool:
        """Check with one request; if the answer, which has no body, may not come from S3, check with a listing."""
        try:
            self._call("head_object", key)
        except Exception as error:
            if lacks_s3_headers(error):
                return self._is_listed(self._name(key))
            if isinstance(error, FileNotFoundError):
                return False
            raise
        return True

    def _is_listed(self, name: str) -> bool:
        answer = self._fs.call_s3("list_objects_v2", Bucket=self._bucket, Prefix=name, MaxKeys=1)
        return any(entry["Key"] == name for entry in answer.get("Contents", ()))

    def read(self, key: str, begin: int | None = None, end: int | None = None) -> bytes:
        """Read in one request, not in parallel ranges, for which s3fs first requests the size."""
        if begin is end is None:
            return bytes(fsspec.asyn.sync(self._fs.loop, _whole, self._call("get_object", key)))
        return bytes(self._fs.cat_file(self._path(key), start=begin, end=end, max_concurrency=1))

    def write(self, key: str, content: bytes) -> None:
        """Write in one request, with the content type that the key implies."""
        self._fs.pipe_file(self._path(key), content, ContentType=content_type(key))

    def _create(self, key: str, content: bytes) -> None:
        """Create an object; of two simultaneous writers one succeeds, if the server honours conditions. Some do not."""
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
        """Remove many objects per request. s3fs's own removal ignores what the server reports of single objects."""
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
        """List and remove everything below the prefix."""
        self.remove([entry.key for entry in self.objects(prefix)])

    def explain(self, error: BaseException) -> Trouble:
        """Interpret an error of botocore, s3fs or obstore."""
        return trouble_of(error)

    def _call(self, operation: str, key: str, **arguments: Any) -> Any:
        return self._fs.call_s3(operation, Bucket=self._bucket, Key=self._name(key), **arguments)

    def _name(self, key: str) -> str:
        """Return the key within the bucket."""
        return self._path(key).removeprefix(f"{self._bucket}/")


async def _whole(answer: dict[str, Any]) -> bytearray:
    content = bytearray()
    async with answer["Body"] as body:
        require_readable(answer.get("ContentLength"))
        while part := await body.read(PART):
            content += part
            require_readable(len(content))
    return content
