"""Object storage: a store of keys on a local folder, S3, or any fsspec URL."""

from qhas.store.errors import ObjectDamaged, ObjectMissing, StoreError
from qhas.store.objects import Artifact, Download, Found, Upload
from qhas.store.store import Store

__all__ = [
    "Artifact",
    "Download",
    "Found",
    "ObjectDamaged",
    "ObjectMissing",
    "Store",
    "StoreError",
    "Upload",
]
