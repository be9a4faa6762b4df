"""The contents of a store, for tests that inspect it."""

from __future__ import annotations

from qhas.store import Store


def keys_named(store: Store, prefix: str, name: str) -> list[str]:
    """Keys below a prefix whose last part is `name`, sorted."""
    return [found.key for found in store.objects(prefix) if found.key.rpartition("/")[2] == name]
