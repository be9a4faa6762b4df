"""Addresses for a browser: of stored objects, and of traces in Perfetto."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote

from qhas.site import Site
from qhas.store import Store


class LinkMaker:
    """Links to a store's objects, made as site.yaml allows."""

    def __init__(self, site: Site, store: Store) -> None:
        self._how = site.links
        self._store = store

    def to(self, key: str) -> str | None:
        """Return an http(s) address of the object, or None if there is none. A signed address expires."""
        if self._how.base:
            return f"{self._how.base.rstrip('/')}/{quote(key)}"
        if not self._how.presigned_hours:
            return None
        link = self._store.link(key, timedelta(hours=self._how.presigned_hours))
        return link if link and link.startswith(("http://", "https://")) else None

    def in_perfetto(self, key: str) -> str | None:
        """Return a Perfetto UI address that opens a trace, which the browser fetches from the store: over https only.

        The store must allow it by CORS: GET from the UI's origin.
        """
        link = self.to(key)
        if link is None or not link.startswith("https://"):
            return None
        return f"{self._how.perfetto.rstrip('/')}/#!/?url={quote(link, safe='')}"
