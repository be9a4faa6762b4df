"""The two clients of an S3 bucket: how they are made, how they wait and retry, and where they never connect.

s3fs finds the address, the credentials and the region, as botocore does, which follows a bucket to a region other than
the configured one; obstore is given what s3fs has found. Both leave failures to the store's Patience, except for
obstore's own retries, with the same patience: a failed part of a large file must not cost the whole file.

Files and session tokens are sent only to the configured address: s3fs follows no redirects, since it would send on the
body and the token. Obstore follows redirects of requests without a body, and drops the signature, but not the token;
so if there is a token, obstore is only used for Amazon's own addresses.
"""

from __future__ import annotations

import re
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import fsspec
from aiobotocore.httpsession import AIOHTTPSession
from botocore.exceptions import BotoCoreError, NoCredentialsError
from botocore.handlers import add_expect_header

from qhas.machine.proxies import exempt_loopback
from qhas.outside_bytes import read_file
from qhas.store.errors import chain
from qhas.store.patience import Patience
from qhas.store.s3_answers import REGION, check_answers
from qhas.store.s3_errors import is_of_another_region

if TYPE_CHECKING:
    from obstore.store import S3Credential, S3Store

_LARGEST_BUNDLE = 16 << 20
"""Maximum size of a certificate bundle, in bytes; a system's bundle takes a quarter of a megabyte."""
_ASK_AGAIN = timedelta(minutes=5)
_AMAZONS = re.compile(r"\.amazonaws\.com(\.cn)?\Z")


class S3Clients:
    """Clients for the bucket of an s3:// address; `base` is its path there. Raises ImportError and ValueError."""

    def __init__(self, root: str, patience: Patience) -> None:
        exempt_loopback()
        self._patience = patience
        try:
            self.fs, self.base = open_s3fs(root, patience)
        except BotoCoreError as error:
            raise ValueError(str(error)) from error
        if not {"", ".", ".."}.isdisjoint(self.base.split("/")):
            raise ValueError("its path has an empty part, `.` or `..`; write it as s3://bucket/folder")
        self.endpoint = str(self.fs.connect().meta.endpoint_url)
        self._root, self._at_home = root, self.fs
        self._opening = threading.RLock()
        self._opened: dict[Patience, S3Store] = {}

    @property
    def obstore_can(self) -> bool:
        """Whether obstore can do all that s3fs was configured for.

        It gets no encryption keys, client certificates, addressing styles or anonymous access, and no session token
        for servers other than Amazon's.
        """
        fs = self.fs
        return not (
            fs.anon
            or fs.req_kw
            or fs.s3_additional_kwargs
            or set(fs.client_kwargs) - {"region_name", "endpoint_url"}
            or fs.config_kwargs.get("s3")
            or (_session_token(fs) and not _is_amazons(fs.connect().meta.endpoint_url))
        )

    def patient(self) -> S3Store:
        """Return an obstore client with the store's patience."""
        return self._obstore(self._patience)

    def without_retries(self) -> S3Store:
        """Return an obstore client that tries once."""
        return self._obstore(replace(self._patience, total=0))

    def followed(self, error: BaseException, used: S3Store) -> bool:
        """Whether the error calls for another try with a new obstore client, for the bucket's own region."""
        if not is_of_another_region(error):
            return False
        with self._opening:
            if used not in self._opened.values():
                return True  # another thread got the same error and looked it up
            region = self._region_of_bucket()
            if region in (None, self._at_home.connect().meta.region_name):
                return False
            try:
                self._at_home = open_s3fs(self._root, self._patience, region)[0]
            except (BotoCoreError, ValueError):  # not the name of a region
                return False
            self._opened.clear()
            return True

    def _region_of_bucket(self) -> str | None:
        """Return the region that the server reports, even to clients without access to the bucket."""
        try:
            answer = self.fs.call_s3("head_bucket", Bucket=self.base.partition("/")[0])
        except Exception as error:
            answers = (getattr(link, "response", None) for link in chain(error))
            answer = next((answer for answer in answers if isinstance(answer, dict)), {})
        headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
        region: str | None = headers.get(REGION)
        return region

    def _obstore(self, patience: Patience) -> S3Store:
        with self._opening:
            if patience not in self._opened:
                self._opened[patience] = _open_obstore(self._at_home, self.base.partition("/")[0], patience)
            return self._opened[patience]


def open_s3fs(root: str, patience: Patience, region: str | None = None) -> tuple[Any, str]:
    """Return the file system and the path in it, for the given region or else the one botocore finds configured."""
    options = _s3fs_options(patience)
    if region:
        options["client_kwargs"] = fsspec.config.conf.get("s3", {}).get("client_kwargs", {}) | {
            "region_name": region
        }
    fs, base = fsspec.core.url_to_fs(root, **options)
    _settle(fs)
    return fs, base


def _s3fs_options(patience: Patience) -> dict[str, Any]:
    """Return options without cached listings, which other writers make stale, and without retries of its own."""
    configured = fsspec.config.conf.get("s3", {}).get("config_kwargs", {})
    return {
        "skip_instance_cache": True,
        "use_listings_cache": False,
        "config_kwargs": {
            "retries": {"total_max_attempts": 1},
            "connect_timeout": patience.answer,
            "read_timeout": patience.answer,
            "max_pool_connections": 32,
            "http_session_cls": _Undiverted,
            # Otherwise a checksum follows the body over https, which older servers refuse (Ceph 16 does). The body is
            # signed or sent over TLS in any case, and we have our own digests.
            "request_checksum_calculation": "when_required",
            "response_checksum_validation": "when_required",
            **configured,
        },
    }


class _Undiverted(AIOHTTPSession):  # type: ignore[misc]
    """An HTTP session that follows no redirects."""

    async def _get_session(self, proxy_url: str | None) -> Any:
        return _Requests(await super()._get_session(proxy_url))


class _Requests(NamedTuple):
    """All that aiobotocore uses of an aiohttp session."""

    session: Any

    def request(self, method: str, **how: Any) -> Any:
        """Send a request as aiohttp does, but return a redirect instead of following it."""
        return self.session.request(method, allow_redirects=False, **how)


def _is_amazons(endpoint: str) -> bool:
    parts = urlsplit(endpoint)
    return parts.scheme == "https" and bool(_AMAZONS.search(parts.hostname or ""))


def _settle(fs: Any) -> None:
    """Leave retries to the store, and let no write wait for the server's permission to start. Raises ValueError."""
    fs.retries = 1
    # aiohttp starts its clock when the body is sent: without a server's "100 Continue" it would wait for ever.
    meta = fs.connect().meta
    events = meta.events
    events.unregister("before-call.s3", add_expect_header)
    check_answers(events, meta.endpoint_url)
    _authorities(fs)  # fail now, not in the middle of a run


def _open_obstore(fs: Any, bucket: str, patience: Patience) -> S3Store:
    from obstore.store import S3Store

    client = fs.connect()
    endpoint = client.meta.endpoint_url
    plain = endpoint.startswith("http:")
    return S3Store(
        bucket,
        endpoint=endpoint,
        region=client.meta.region_name or "us-east-1",
        virtual_hosted_style_request=False,
        credential_provider=lambda: _credentials(fs),
        unsigned_payload=not plain,  # TLS ensures that the bytes arrive as they were sent
        client_options={
            **({"root_certificate": trusted} if (trusted := _authorities(fs)) else {}),
            "allow_http": plain,
            "connect_timeout": timedelta(seconds=patience.answer),
            "read_timeout": timedelta(seconds=patience.answer),
            "timeout": timedelta(days=1),  # of a whole transfer
        },
        retry_config={
            "max_retries": 1000 if patience.total else 0,
            "retry_timeout": timedelta(seconds=patience.total),
            "backoff": {
                "init_backoff": timedelta(seconds=patience.first_wait),
                "max_backoff": timedelta(seconds=patience.longest_wait),
                "base": 2,
            },
        },
    )


def _authorities(fs: Any) -> bytes | None:
    """Return certificates to trust beside the system's, if AWS_CA_BUNDLE or the profile's `ca_bundle` names a file.

    Raises ValueError if it cannot be read.
    """
    bundle = fs.session.get_config_variable("ca_bundle")
    try:
        return read_file(Path(bundle), _LARGEST_BUNDLE) if bundle else None
    except OSError as error:
        raise ValueError(
            f"the certificates that AWS_CA_BUNDLE or ca_bundle names cannot be read ({error}); correct the path"
        ) from error


def _session_token(fs: Any) -> str | None:
    """Return the session token of the credentials found when the client was made; they are not fetched again."""
    try:
        return _frozen(fs)[2]
    except NoCredentialsError:
        return None


def _credentials(fs: Any) -> S3Credential:
    """Return what botocore's chain finds: environment, profiles, roles. Short-lived ones are renewed in time."""
    key, secret, token = _frozen(fs)
    return {
        "access_key_id": key,
        "secret_access_key": secret,
        "token": token,
        "expires_at": datetime.now(UTC) + _ASK_AGAIN if token else None,
    }


def _frozen(fs: Any) -> tuple[str, str, str | None]:
    """Return key, secret and session token. Raises NoCredentialsError."""

    async def ask() -> Any:
        if fs.key and fs.secret:
            return fs.key, fs.secret, fs.token
        if (credentials := await fs.session.get_credentials()) is None:
            raise NoCredentialsError
        frozen = await credentials.get_frozen_credentials()
        return frozen.access_key, frozen.secret_key, frozen.token

    key, secret, token = fsspec.asyn.sync(fs.loop, ask)
    return key, secret, token
