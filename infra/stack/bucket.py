"""The store's bucket, created with the same rules as a real one: infra/bucket."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import botocore.session
from botocore.config import Config

from infra.stack.settings import BUCKET, Settings

RULES = Path(__file__).parents[1] / "bucket"


def make_bucket(settings: Settings) -> None:
    """Create the bucket, let Perfetto's page read from it, and have unfinished uploads cleaned up."""
    client = client_of(settings)
    client.create_bucket(Bucket=BUCKET)
    client.put_bucket_cors(Bucket=BUCKET, CORSConfiguration=_rules("cors"))
    client.put_bucket_lifecycle_configuration(Bucket=BUCKET, LifecycleConfiguration=_rules("lifecycle"))


def client_of(settings: Settings) -> Any:
    """Return a client of the stack's S3 server."""
    return botocore.session.get_session().create_client(
        "s3",
        endpoint_url=settings.endpoint,
        region_name="us-east-1",
        aws_access_key_id=settings.access_key,
        aws_secret_access_key=settings.secret_key,
        config=Config(s3={"addressing_style": "path"}),
    )


def _rules(name: str) -> Any:
    return json.loads((RULES / f"{name}.json").read_text(encoding="utf-8"))
