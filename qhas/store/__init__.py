"""Object storage: a store of keys on a local folder, S3, or any fsspec URL."""

from qhas.store.store import Download, Found, ObjectDamaged, ObjectMissing, Store, StoreError, Upload

__all__ = [
    "Download",
    "Found",
    "ObjectDamaged",
    "ObjectMissing",
    "Store",
    "StoreError",
    "Upload",
]
