"""A tool inherits the variables of this process except what may be a secret."""

from __future__ import annotations

import pytest

from qhas.machine.process import tool_environment


@pytest.mark.parametrize(
    "name",
    [
        "AWS_ACCESS_KEY_ID",
        "AWS_PROFILE",
        "PREFECT_API_KEY",
        "PREFECT_API_URL",
        "GITHUB_TOKEN",
        "HF_TOKEN",
        "DB_PASSWORD",
        "db_password",
        "AZURE_CLIENT_SECRET",
        "AZURE_STORAGE_CONNECTION_STRING",
        "AZURE_STORAGE_KEY",
        "GOOGLE_APPLICATION_CREDENTIALS",
        "FSSPEC_S3_KEY",
        "FSSPEC_S3",
        "OPENAI_API_KEY",
        "MY_PRIVATE_KEY",
        "SSH_AUTH_SOCK",
    ],
)
def test_credentials_are_not_handed_to_a_vendor_tool(name: str) -> None:
    assert tool_environment({}, {name: "x", "PATH": "/bin"}) == {"PATH": "/bin"}


@pytest.mark.parametrize(
    "name", ["PATH", "HOME", "LANG", "TMPDIR", "LD_LIBRARY_PATH", "QHAS_SITE", "KEYBOARD", "ADB_VENDOR_KEYS"]
)
def test_ordinary_variables_are_handed_on(name: str) -> None:
    assert name in tool_environment({}, {name: "x"})


def test_additions_win_over_what_is_inherited() -> None:
    assert tool_environment({"PATH": "/sdk"}, {"PATH": "/bin"}) == {"PATH": "/sdk"}
