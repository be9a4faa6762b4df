"""moto's server with access control: signatures are checked, and each user may do what its policy allows."""

from __future__ import annotations

import copy
import json
import urllib.request
from typing import Any

import botocore.session

from fakes.s3.server import MotoServer


class PolicedMotoServer(MotoServer):
    """A server that allows everything until `enforce`, and from then on only what each user's policy allows.

    moto evaluates the actions and resources of identity policies but not conditions, and does not support signed
    links while it enforces.
    """

    def user(self, name: str, policy: dict[str, Any]) -> dict[str, str]:
        """Create a user with an identity policy, and return its AWS variables."""
        iam = botocore.session.get_session().create_client(
            "iam",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
        )
        iam.create_user(UserName=name)
        document = json.dumps(_as_moto_reads_it(policy))
        iam.put_user_policy(UserName=name, PolicyName=name, PolicyDocument=document)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return self.environ() | {
            "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
        }

    def enforce(self, on: bool = True) -> None:
        """Enforce policies from now on, or no longer."""
        request = urllib.request.Request(
            f"{self.endpoint}/moto-api/reset-auth",
            data=b"0" if on else b"inf",
            headers={"Content-Type": "text/plain"},
        )
        with urllib.request.urlopen(request, timeout=600):
            pass


def _as_moto_reads_it(policy: dict[str, Any]) -> dict[str, Any]:
    """Adapt a policy to moto, which checks a deletion of many keys against the bucket, where S3 checks each key."""
    read = copy.deepcopy(policy)
    for statement in read["Statement"]:
        if "s3:DeleteObject" in statement["Action"]:
            statement["Resource"] = [statement["Resource"], statement["Resource"].removesuffix("/*")]
    return read
