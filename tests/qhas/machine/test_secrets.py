"""Secrets in addresses are neither shown nor stored, and the addresses can still be fetched."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qhas.machine.process import tool_environment
from qhas.machine.secrets import MASK, error_at, masked, masked_text, name_in
from qhas.runs.record import ModelFacts
from qhas.sweep.spec import ModelRef

_SIGNED = "https://host/b/net.dlc?X-Amz-Credential=AKIA%2F20260101&X-Amz-Signature=0123abcd&X-Amz-Expires=60"


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("s3://key:secret@bucket/net.dlc", "s3://...@bucket/net.dlc"),
        ("https://token@host/net.dlc", "https://...@host/net.dlc"),
        ("https://user:pa/ss@host/net.dlc", "https://...@host/net.dlc"),
        ("https://user:p@ss@host/net.dlc", "https://...@host/net.dlc"),
        ("https://user:p@s/s@w/ord@host:9000/net.dlc", "https://...@host:9000/net.dlc"),
        ("https://user:12/34@host/net.dlc", "https://...@host/net.dlc"),
        ("ftp://user:?p#w@host/net.dlc", "ftp://...@host/net.dlc"),
        (_SIGNED, "https://host/b/net.dlc?X-Amz-Credential=...&X-Amz-Signature=...&X-Amz-Expires=60"),
        (
            "https://a.blob.core.windows.net/c/net.dlc?sv=2022&se=2026&sig=ab%2Fc%3D",
            "https://a.blob.core.windows.net/c/net.dlc?sv=2022&se=2026&sig=...",
        ),
        ("https://host/net.dlc?token=abcdef&version=2", "https://host/net.dlc?token=...&version=2"),
        ("https://host/net.dlc?access_token=a#top", "https://host/net.dlc?access_token=...#top"),
        ("https://host/net.dlc?jwt=ab.cd", "https://host/net.dlc?jwt=..."),
        ("https://user:it's<here>\"q@host/net.dlc", "https://...@host/net.dlc"),
        ("zip://a/net.dlc::https://user:secret@host/a.zip", "zip://a/net.dlc::https://...@host/a.zip"),
        ("filecache::zip://a.dlc::s3://key:secret@b/a.zip", "filecache::zip://...@b/a.zip"),
        ("https://host/get?from=https://user:secret@other/y", "https://host/get?from=https://...@other/y"),
        (
            "https://host/get?from=https%3A%2F%2Fme%3Asecret%40h",
            "https://host/get?from=https%3A%2F%2F...%40h",
        ),
        ("https://host/net.dlc?secretKey=a&x=1", "https://host/net.dlc?secretKey=...&x=1"),
        ("https://host/net.dlc?tokenV2=a&x=1", "https://host/net.dlc?tokenV2=...&x=1"),
        ("https://host/net.dlc?token[]=a&x=1", "https://host/net.dlc?token[]=...&x=1"),
        ("https://host/net.dlc?token%3Dabc", "https://host/net.dlc?token%3D..."),
        ("https://host/net.dlc?hdnts=exp=1~hmac=ab", "https://host/net.dlc?hdnts=exp=1~hmac=..."),
        ("https://host/net.dlc;jsessionid=ab", "https://host/net.dlc;jsessionid=..."),
        ("s3:/key:sec/ret@bucket/net.dlc", "s3:/...@bucket/net.dlc"),
        ("https:\\\\user:secret@host\\net.dlc", "https:\\\\...@host\\net.dlc"),
    ],
)
def test_passwords_and_signatures_are_masked(address: str, shown: str) -> None:
    assert masked(address) == shown
    assert masked(shown) == shown
    assert masked_text(f"GET {address} failed") == f"GET {shown} failed"


@pytest.mark.parametrize(
    "address",
    [
        "s3://bucket/models@2026/net.dlc",
        "s3://bucket/net@2x.dlc",
        "http://minio:9000/models/net@2.dlc",
        "http://minio:9000/models/net.dlc?versionId=3",
        "/home/me@work/net.dlc",
        "/nets/a:b/net@2.dlc",
        "http://minio:9000/models/net.dlc?tag=keyboard",
        "memory://net.dlc",
        "C:\\nets\\net.dlc",
    ],
)
def test_addresses_without_secrets_stay_as_they_are(address: str) -> None:
    assert masked(address) == address
    assert masked_text(address) == address


_PASSWORDS = st.text(st.characters(codec="ascii", categories=["L", "N", "P", "S"]), min_size=1).map(
    lambda text: re.sub(r"""(?<=["'<>])[,:;)\]}>/]+""", "", text)  # these would end an address in quotes
)


@pytest.mark.parametrize(
    "text",
    [
        '{"api":"http://127.0.0.1:4200/api","host":"root@10.0.0.7/x"}',
        "['http://minio:9000/nets', 'root@board/x']",
        '<a href="http://minio:9000/nets">me@host/x</a>',
    ],
)
def test_what_follows_a_quoted_address_is_not_its_password(text: str) -> None:
    assert masked_text(text) == text


@given(_PASSWORDS)
def test_no_password_of_an_address_is_shown(password: str) -> None:
    address = f"https://me:{password}§@host/net.dlc"
    assert "§" not in masked(address)
    assert "§" not in masked_text(f"cannot open {address}: gone")
    assert "§" not in error_at(address, f"404, url={address!r}")


@pytest.mark.parametrize("secret", ["", "a", "1", "key"])
def test_short_secrets_eat_no_letters(secret: str) -> None:
    text = "the key of bucket a1 is not there at 11:11"
    assert masked_text(text, [secret]) == text


def test_a_secret_is_masked_as_a_word_of_its_own() -> None:
    assert masked_text("testing: password test is wrong", ["test"]) == "testing: password ... is wrong"
    assert masked_text("key=s3cr3t-and-more", ["s3cr3t", "s3cr3t-and-more"]) == "key=..."


_KEY = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"


@pytest.mark.parametrize(
    "text",
    [f"\\n{_KEY}\\n", f"k{_KEY}", quote(_KEY), quote(_KEY, safe="").lower(), _KEY.replace("/", "\\/")],
)
def test_a_long_secret_is_masked_in_every_form_that_clients_write(text: str) -> None:
    secret = _KEY if "w" in text and "X" in text else _KEY.lower()
    assert (
        masked_text(text, [secret])
        == text[: text.index(secret[:5])] + MASK + text[text.index(secret[-5:]) + 5 :]
    )


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("AWS_SECRET_ACCESS_KEY=hunter22 make", "AWS_SECRET_ACCESS_KEY=... make"),
        ("aws_secret_access_key = hunter22", "aws_secret_access_key = ..."),
        ("{'AWS_SESSION_TOKEN': 'hunter22'}", "{'AWS_SESSION_TOKEN': '...'}"),
        ('{"db_password":"hunter22","n":1}', '{"db_password":"...","n":1}'),
        ("x-api-key: hunter22", "x-api-key: ..."),
        ("tokens: 4096, passwords are none", "tokens: 4096, passwords are none"),
        ("root@10.0.0.7's password: Permission denied", "root@10.0.0.7's password: Permission denied"),
        ("monkey=banana token=5", "monkey=banana token=5"),
    ],
)
def test_variables_that_a_tool_prints_are_masked_by_their_names(text: str, seen: str) -> None:
    assert masked_text(text) == seen


@pytest.mark.parametrize("part", ["a-", "a://", "x_token", "?token", "%3A%2F%2F", "a:/b:", "secret = "])
def test_a_text_of_any_kind_is_looked_through_in_one_go(part: str) -> None:
    text = part * (200_000 // len(part))
    assert len(masked_text(text)) <= len(text) + len(MASK)


def test_a_token_in_place_of_a_user_is_masked_in_errors() -> None:
    assert "0123abcd" not in error_at("https://ghp_0123abcd@host/x", "user ghp_0123abcd is not known")


def test_the_text_of_an_error_has_no_part_of_the_password() -> None:
    address = "https://me:pa/ss@word@host/net.dlc"
    text = error_at(address, "host word@host for pa/ss@word is not known")
    assert "pa/ss" not in text
    assert "ss@word" not in text
    assert "pa/ss" not in error_at("https://me:pa%2Fss@host/net.dlc", "me with pa/ss may not")


def test_a_name_ends_before_the_signature() -> None:
    assert name_in(_SIGNED) == "net.dlc"
    assert name_in("/nets/net?.dlc") == "net?.dlc"


@pytest.mark.parametrize("field", ["dlc", "inputs"])
def test_a_model_keeps_its_address_in_memory_and_loses_the_password_in_every_document(field: str) -> None:
    address = "https://me:pa/ss@host/list.txt"
    model = ModelRef.model_validate({"name": "net", "dlc": "net.dlc", field: address})
    assert getattr(model, field) == address
    assert model.model_dump(mode="json")[field] == "https://...@host/list.txt"
    assert "pa/ss" not in model.model_dump_json()
    assert "pa/ss" not in ModelFacts(dlc=address, sha256="", size=1).model_dump_json()


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("> Authorization: Basic dXNlcjpwYXNz\r", "> Authorization: Basic ...\r"),
        ("{'Authorization': 'Bearer abc.def'}", "{'Authorization': 'Bearer ...'}"),
        ("proxy-authorization: digest abc", "proxy-authorization: digest ..."),
        ("x-amz-security-token: abc", "x-amz-security-token: ..."),
        ("at https://h/x#access_token=abc", "at https://h/x#access_token=..."),
        ("authorization is basic here", "authorization is basic here"),
    ],
)
def test_what_signs_a_request_is_masked_in_headers_and_fragments(text: str, seen: str) -> None:
    assert masked_text(text) == seen


@pytest.mark.parametrize(
    "text",
    ["max_token = 4096", '"first_token_ms": 35.25, "decode_tokens_per_s": 12.31', "pad_token_id=151643"],
)
def test_counts_and_times_of_tokens_are_no_secrets(text: str) -> None:
    assert masked_text(text) == text


def test_a_token_of_letters_and_digits_is_one() -> None:
    assert masked_text("HF_TOKEN=1a2b3c4d") == "HF_TOKEN=..."


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("DATABASE_URL", "postgresql://u:p@h/db"), ("REDIS_URL", "redis://:p@h:6379")),
        *(("PIP_INDEX_URL", "https://u:p@h/simple"), ("HTTPS_PROXY", "http://u:p@proxy:3128")),
        *(
            ("MYSQL_PWD", "x"),
            ("DB_PASS", "x"),
            ("GH_PAT", "x"),
            ("SLACK_WEBHOOK", "x"),
            ("GPG_PASSPHRASE", "x"),
        ),
        *(("STORE", 's3://key:it\'s a "secret"@b/x'), ("MIRROR", "https://u:it's@h/x")),
        *(("LINK", "https://h/x?sig=abc"), ("CI_JOB_JWT", "x"), ("STORAGE_SAS", "x")),
    ],
)
def test_no_tool_gets_a_variable_that_holds_a_secret(name: str, value: str) -> None:
    assert name not in tool_environment({}, {name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PWD", "/work"),
        ("OLDPWD", "/"),
        ("PATH", "/bin"),
        ("HTTP_PROXY", "http://proxy:3128"),
        ("HOME", "/root"),
    ],
)
def test_a_tool_gets_the_rest(name: str, value: str) -> None:
    assert tool_environment({}, {name: value}) == {name: value}
