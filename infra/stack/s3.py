"""`python -m infra.stack.s3 PORT`: moto's S3 server on loopback, for who has the key in AWS_ACCESS_KEY_ID and its secret.

Moto itself believes every key, and has services beside S3 by which whoever reaches it resets it, records what is sent to it or
turns its own checks off: none of them is served.
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
    """An S3 application that is asked only what was signed with the key, and what browsers ask before they send that."""

    application: WSGIApplication
    key: Key

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """Answer a request; 403 to strangers."""
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
    """Of an object: to any method moto answers at the root with the names of all buckets."""
    asked = environ["REQUEST_METHOD"] == "OPTIONS" and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ
    return asked and _OBJECT.fullmatch(environ["PATH_INFO"]) is not None


def main(port: int) -> None:
    """Serve until a signal ends it."""
    from moto.moto_server.werkzeug_app import MotoRequestHandler, create_backend_app
    from werkzeug.serving import run_simple

    key = Key(os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"])
    application = Guarded(create_backend_app("s3"), key)
    run_simple("127.0.0.1", port, application, threaded=True, request_handler=MotoRequestHandler)


if __name__ == "__main__":
    main(int(sys.argv[1]))
