"""The image passes hadolint, is built from the lock, and runs as an unprivileged account."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from qhas import __version__
from tests.infra.files import INFRA, ROOT, compose

IMAGE = INFRA / "image"
DOCKERFILE = (IMAGE / "Dockerfile").read_text(encoding="utf-8")
STEPS = [line.split(maxsplit=1) for line in DOCKERFILE.splitlines() if re.match(r"[A-Z]+ ", line)]
HADOLINT = shutil.which("hadolint", path=str(Path(sys.executable).parent))


@pytest.mark.skipif(not HADOLINT, reason="there is no hadolint for this machine")
def test_hadolint_finds_nothing() -> None:
    done = subprocess.run(
        [str(HADOLINT), str(IMAGE / "Dockerfile")], capture_output=True, text=True, timeout=900
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def test_every_base_is_of_a_version() -> None:
    bases = [rest.split()[0] for step, rest in STEPS if step == "FROM"]
    assert bases
    assert all(re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+(@sha256:[0-9a-f]{64})?", base) for base in bases)


def test_it_runs_as_an_account_that_is_not_root() -> None:
    users = [rest for step, rest in STEPS if step == "USER"]
    assert users == ["10001:10001"]
    assert max(i for i, (step, _) in enumerate(STEPS) if step in ("RUN", "COPY")) < [
        s for s, _ in STEPS
    ].index("USER")


def test_phones_and_boards_can_be_driven_from_it() -> None:
    installed = re.search(r"apt-get install -y --no-install-recommends ([^\\]+)", DOCKERFILE)
    assert installed
    assert {"adb", "openssh-client"} <= set(installed[1].split())


def test_all_that_is_installed_is_checked_by_digest_or_ours() -> None:
    installs = re.findall(r"pip install ([^\n]+)", DOCKERFILE)
    assert installs == ["--require-hashes -r /src/requirements.lock", "--no-deps --no-build-isolation /src"]


def test_what_is_copied_is_there_and_reaches_the_builder() -> None:
    allowed = {
        line[1:]
        for line in (IMAGE / "Dockerfile.dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    copied = {
        source
        for step, rest in STEPS
        if step == "COPY" and "--from" not in rest
        for source in rest.split()[:-1]
    }
    assert copied == allowed
    assert all((ROOT / path).exists() for path in copied)


def test_its_versions_are_those_that_are_tested_and_bring_no_tool_of_development() -> None:
    image, tested = (pins(path / "requirements.lock") for path in (IMAGE, ROOT))
    assert image.items() <= tested.items()
    assert {"prefect", "prefect-redis", "onnxruntime-qnn", "hatchling"} <= image.keys()
    assert not {"pytest", "mypy", "moto", "netron"} & image.keys()


def test_compose_and_kubernetes_run_it_in_the_version_of_the_package() -> None:
    assert compose()["services"]["worker"]["image"] == f"qhas-flows:{__version__}"
    assert f"newTag: {__version__}}}" in (INFRA / "kubernetes" / "kustomization.yaml").read_text()


def pins(lock: Path) -> dict[str, tuple[str, ...]]:
    """Return version, condition and digests of each package of a lock."""
    entries = re.findall(r"^([\w.-]+)==([^\\\n]+)((?:\\\n\s+--hash=\S+\s*)+)", lock.read_text(), re.MULTILINE)
    return {
        name: (version.strip(), *sorted(re.findall(r"sha256:\w+", rest))) for name, version, rest in entries
    }
