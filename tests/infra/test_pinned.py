"""Everything fetched from elsewhere is named by digest, or is on the list of those not yet pinned."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.infra.files import INFRA, ROOT, compose, manifests

OURS = "qhas-flows"
DIGEST = re.compile(r"[^@]+:[^@]+@sha256:[0-9a-f]{64}")


def images(infra: Path = INFRA) -> set[str]:
    """Return the images of others, from every file that names one."""
    named = {service["image"] for service in compose()["services"].values()} if infra == INFRA else set()
    for path in (infra / "compose.yaml", *(infra / "kubernetes").glob("*.yaml")):
        named |= set(re.findall(r"^\s*(?:- )?image: (\S+)$", path.read_text(), re.MULTILINE))
    named |= set(re.findall(r"^FROM (\S+)", (infra / "image" / "Dockerfile").read_text(), re.MULTILINE))
    return {name for name in named if name.partition(":")[0] != OURS}


def unpinned(infra: Path = INFRA) -> set[str]:
    lines = (infra / "images-unpinned.txt").read_text().splitlines()
    return {line for line in lines if line and not line.startswith("#")}


def loose(infra: Path = INFRA) -> set[str]:
    """Return the images without a digest."""
    return {name for name in images(infra) if not DIGEST.fullmatch(name)}


def test_an_image_has_a_digest_or_stands_on_the_list() -> None:
    assert images()
    assert loose() == unpinned()


def test_every_image_of_the_manifests_is_looked_at() -> None:
    text = str(manifests())
    assert {name for name in images() if name in text} == {n for n in images() if n.startswith("redis:")}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of infra/ with every image on the list and without its digest."""
    shutil.copytree(INFRA, infra := tmp_path / "infra", ignore=shutil.ignore_patterns("__pycache__"))
    for path in (
        infra / "compose.yaml",
        infra / "image" / "Dockerfile",
        *(infra / "kubernetes").glob("*.yaml"),
    ):
        path.write_text(re.sub(r"@sha256:[0-9a-f]{64}", "", path.read_text()))
    (infra / "images-unpinned.txt").write_text("# none\n" + "\n".join(sorted(images(infra))) + "\n")
    return infra


def pin(copy: Path, answer: str) -> subprocess.CompletedProcess[str]:
    """Run pin-images on the copy, with a `docker` that gives the same answer to every call."""
    (docker := copy.parent / "bin" / "docker").parent.mkdir()
    docker.write_text(f"#!/bin/sh\n{answer}\n")
    docker.chmod(0o755)
    variables = os.environ | {"PATH": f"{docker.parent}:{os.environ['PATH']}"}
    argv = [str(INFRA / "pin-images"), str(copy)]
    return subprocess.run(argv, env=variables, capture_output=True, text=True, timeout=900, check=False)


def test_a_new_image_without_a_digest_is_found(copy: Path) -> None:
    (copy / "kubernetes" / "redis.yaml").open("a").write("\n          image: busybox:1.37\n")
    assert "busybox:1.37" in loose(copy) - unpinned(copy)


def test_digests_go_where_the_names_are_and_the_list_is_empty_then(copy: Path) -> None:
    done = pin(copy, f"echo sha256:{'a' * 64}")
    assert done.returncode == 0, done.stderr
    assert loose(copy) == unpinned(copy) == set()
    assert {name.partition("@")[0] for name in images(copy)} == {name.partition("@")[0] for name in images()}
    before = (copy / "compose.yaml").read_text()
    assert pin_again(copy).returncode == 0
    assert (copy / "compose.yaml").read_text() == before


def pin_again(copy: Path) -> subprocess.CompletedProcess[str]:
    shutil.rmtree(copy.parent / "bin")
    return pin(copy, "exit 1")


@pytest.mark.parametrize("answer", ["exit 1", "echo latest", "echo sha256:abc", "true"])
def test_an_answer_that_is_no_digest_changes_nothing(copy: Path, answer: str) -> None:
    done = pin(copy, answer)
    assert done.returncode == 1
    assert "has no digest" in done.stderr
    assert loose(copy) == unpinned(copy) == {name.partition("@")[0] for name in images()}


def test_what_installs_all_the_rest_is_installed_by_digest() -> None:
    makefile = (ROOT / "Makefile").read_text()
    assert re.findall(r"bin/pip install (.+)", makefile) == ["--quiet --require-hashes -r bootstrap.lock"]
    [pinned, *digests] = (ROOT / "bootstrap.lock").read_text().splitlines()
    assert re.fullmatch(r"uv==[\d.]+ \\", pinned)
    assert digests
    assert all(re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}( \\)?", line) for line in digests)
