"""`python -m infra.stack.s3 PORT`: moto's S3 server on loopback, for clients that have the stack's key.

The key is in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. Moto itself accepts every key, and has services beside S3
with which any client can reset it, record what is sent to it or turn off its own checks: none of them is served.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from infra.stack.signatures import Key

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_REFUSAL = b"""<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>AccessDenied</Code><Message>The request is not signed with this stack's key.</Message></Error>"""
_OBJECT = re.compile(r"/[^/]+/[^/].*", re.DOTALL)
_HEADERS_OF_CGI = {"CONTENT_TYPE": "content-type", "CONTENT_LENGTH": "content-length"}


@dataclass(frozen=True)
class Guarded:
    """An S3 application that gets only requests signed with the key, and the preflight requests of browsers."""

    application: WSGIApplication
    key: Key

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """Answer a request; with 403 if it is not signed with the key."""
        if _is_preflight(environ) or self.key.signed(
            environ["REQUEST_METHOD"], environ["RAW_URI"], _headers(environ)
        ):
            return self.application(environ, start)
        start("403 Forbidden", [("Content-Type", "application/xml"), ("Connection", "close")])
        return [_REFUSAL]


def _headers(environ: WSGIEnvironment) -> dict[str, str]:
    mine = {name: environ[key] for key, name in _HEADERS_OF_CGI.items() if environ.get(key)}
    sent = {key[5:].lower().replace("_", "-"): environ[key] for key in environ if key.startswith("HTTP_")}
    return mine | sent


def _is_preflight(environ: WSGIEnvironment) -> bool:
    """Whether it is a preflight for an object: at the root, moto answers any method with the names of all buckets."""
    asked = environ["REQUEST_METHOD"] == "OPTIONS" and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ
    return asked and _OBJECT.fullmatch(environ["PATH_INFO"]) is not None


def main(port: int) -> None:
    """Serve until terminated by a signal."""
    from moto.moto_server.werkzeug_app import MotoRequestHandler, create_backend_app
    from werkzeug.serving import run_simple

    key = Key(os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"])
    application = Guarded(create_backend_app("s3"), key)
    run_simple("127.0.0.1", port, application, threaded=True, request_handler=MotoRequestHandler)


if __name__ == "__main__":
    main(int(sys.argv[1]))
