"""The package: what wheel and source archive contain, and that it works without a checkout."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from hatchling.builders.wheel import WheelBuilder

from bench.resilience.server import PrefectServer
from qhas import __version__

ROOT = Path(__file__).parents[1]
PACKAGES = {"fakes", "flows", "hostsdk", "qhas", "tasks"}
CARRIED = {"flows/register/prefect.yaml", "flows/register/examples/nightly.yaml"}
"""Files from the root of a checkout that registering deployments needs."""
_SECONDS = 3000.0
UV = shutil.which("uv", path=f"{os.environ.get('PATH', '')}:{ROOT / '.venv-uv' / 'bin'}")


@pytest.fixture(scope="module")
def wheel_files() -> set[str]:
    """Paths in the wheel as it would be built now."""
    builder = WheelBuilder(str(ROOT))
    return {file.distribution_path for file in builder.recurse_included_files()} | set(
        builder.config.get_force_include().values()
    )


def test_the_wheel_holds_every_file_of_its_packages(wheel_files: set[str]) -> None:
    sources = {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert wheel_files == sources | CARRIED


def test_the_wheel_holds_no_test_and_nothing_of_a_checkout_alone(wheel_files: set[str]) -> None:
    assert {path.partition("/")[0] for path in wheel_files} == PACKAGES
    assert not [path for path in wheel_files if Path(path).name.startswith(("test_", "conftest"))]


def test_modules_reach_out_of_their_package_only_for_what_the_wheel_carries() -> None:
    climbing = {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if re.search(r"(_HERE|__file__\)(\.resolve\(\))?)\.parents\[", path.read_text(encoding="utf-8"))
    }
    assert climbing == {
        "fakes/devices/device_root.py",  # only a folder to import from: site-packages will do
        "flows/register/files.py",
    }


def test_the_version_is_the_last_of_the_changelog() -> None:
    versions = re.findall(r"^## ([\d.]+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert versions[-1] == __version__


@dataclass(frozen=True)
class Installed:
    """The package in its own environment, and a folder outside any checkout."""

    environment: Path
    folder: Path

    def run(self, *command: str, **variables: str) -> str:
        """Run a command of the environment in the folder and return what it printed; it must succeed."""
        plain = {
            name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "PYTHON"))
        }
        done = subprocess.run(
            [str(self.environment / "bin" / command[0]), *command[1:]],
            cwd=self.folder,
            env=plain
            | {"HOME": str(self.folder), "PATH": f"{self.environment}/bin:/usr/bin:/bin"}
            | variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the source archive, and the wheel built from the unpacked archive."""
    folder = tmp_path_factory.mktemp("dist")
    _build(ROOT, folder, "sdist")
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as packed:
        packed.extractall(folder / "unpacked", filter="data")
    (source,) = (folder / "unpacked").iterdir()
    _build(source, folder, "wheel")
    return folder


def _build(source: Path, target: Path, kind: str) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "--target", kind, "--directory", str(target)]
    subprocess.run(command, cwd=source, check=True, timeout=300, capture_output=True)


@pytest.fixture(scope="module")
def installed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel with its host SDK in an empty environment, its dependencies at the locked versions."""
    if not UV:
        pytest.skip("there is no uv: `make .venv/.installed` installs it")
    environment = tmp_path_factory.mktemp("installed") / "venv"
    (wheel,) = built.glob("*.whl")
    lock = str(ROOT / "infra" / "image" / "requirements.lock")
    package = f"qhas-flows[hostsdk] @ {wheel.as_uri()}"
    _uv("venv", "--python", sys.executable, str(environment))
    _uv("pip", "install", "--python", str(environment), "--constraint", lock, package)
    return Installed(environment, tmp_path_factory.mktemp("outside"))


@pytest.fixture(scope="module")
def demo(installed: Installed) -> str:
    """The output of the demo."""
    return installed.run("qhas", "demo", "--quick")


def _uv(*arguments: str) -> None:
    subprocess.run([str(UV), "--quiet", *arguments], check=True, timeout=900)


@pytest.mark.slow
class TestBuilt:
    """Wheel and source archive as a build produces them."""

    def test_the_wheel_of_the_source_archive_is_the_checkouts(
        self, built: Path, wheel_files: set[str]
    ) -> None:
        (wheel,) = built.glob("*.whl")
        names = set(zipfile.ZipFile(wheel).namelist())
        assert {name for name in names if ".dist-info/" not in name} == wheel_files

    def test_its_metadata_names_version_licence_and_readme(self, built: Path) -> None:
        (wheel,) = built.glob("*.whl")
        archive = zipfile.ZipFile(wheel)
        (name,) = (name for name in archive.namelist() if name.endswith("METADATA"))
        metadata = archive.read(name).decode()
        assert f"\nVersion: {__version__}\n" in metadata
        assert "\nLicense-Expression: Apache-2.0\n" in metadata
        assert "\nDescription-Content-Type: text/markdown\n" in metadata
        assert (ROOT / "README.md").read_text(encoding="utf-8").splitlines()[0] in metadata


@pytest.mark.slow
@pytest.mark.timeout(2 * _SECONDS)
@pytest.mark.hostsdk
@pytest.mark.xdist_group("package")
class TestInstalled:
    """The installed package, outside a checkout."""

    def test_the_demo_ends_in_a_report(self, installed: Installed, demo: str) -> None:
        assert "file://" in demo
        (report,) = installed.folder.glob("qhas-demo/store/reports/demo-*/index.html")
        assert "squeezenet" in report.read_text(encoding="utf-8")

    def test_the_fakes_build_an_sdk(self, installed: Installed) -> None:
        build = "from pathlib import Path; from fakes.sdk import build_fake_sdk; print(build_fake_sdk(Path('fake')))"
        root = installed.folder / installed.run("python", "-c", build).strip()
        assert (root / "bin").is_dir()

    @pytest.mark.server
    @pytest.mark.usefixtures("demo")
    def test_deployments_are_registered_and_run_from_the_package(
        self, installed: Installed, tmp_path: Path
    ) -> None:
        with PrefectServer(tmp_path) as server:
            api = {name: value for name, value in server.environment.items() if name.startswith("PREFECT_")}
            installed.run("python", "-m", "flows.register", **api)
            assert yaml.safe_load((installed.folder / "examples/nightly.yaml").read_text())["socs"]
            network = "qhas-demo/networks/squeezenet.onnx"  # below the folder in which the deployments were registered
            installed.run(
                *("prefect", "deployment", "run", "profile/profile-network", "--param", f"dlc={network}"),
                *("--param", "soc=sa8255", "--param", "run_id=packaged"),
                **api,
            )
            installed.run("prefect", "worker", "start", "--pool", "lab", "--run-once", **api)
            assert "squeezenet" in installed.run("qhas", "show", "packaged")
