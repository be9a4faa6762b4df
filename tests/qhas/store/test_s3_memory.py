"""A process that sends and fetches large files needs little memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from fakes.s3 import MotoServer, S3Server
from qhas.store import Store
from tests.qhas.store.wired import file_of

pytestmark = pytest.mark.xdist_group("s3")


_MEASURED = """
import sys
from pathlib import Path
from qhas.store import Store, Upload
from qhas.store.patience import Patience
from qhas.store.s3 import S3
from qhas.store.s3_clients import S3Clients
from qhas.store.s3_transfer import FastS3
root, folder = sys.argv[1], Path(sys.argv[2])
clients = S3Clients(root, Patience())
store = Store(root, backend=(S3 if sys.argv[3] == "s3fs" else FastS3)(clients, clients.base))
store.upload("runs/a", [Upload("x", file, file.name) for file in sorted(folder.glob("*.bin"))])
for file in sorted(folder.glob("*.bin")):
    store.fetch(f"runs/a/{file.name}", folder / "back")
print(next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM:")) * 1024)
"""


def peak_of(s3: Store, folder: Path, way: str) -> int:
    """The peak memory, in bytes, of a process that sends the folder's files and fetches them again."""
    argv = [sys.executable, "-c", _MEASURED, s3.root, str(folder), way]
    return int(subprocess.run(argv, check=True, capture_output=True, text=True).stdout)


@pytest.mark.slow
@pytest.mark.parametrize("way", ["obstore", "s3fs"])
def test_memory_does_not_grow_with_the_size_of_a_file(s3: Store, tmp_path: Path, way: str) -> None:
    peaks = []
    for name, size in (("small", 100_000), ("large", 256_000_000)):
        (tmp_path / name).mkdir()
        with file_of(tmp_path / name, 1000).open("r+b") as file:
            file.truncate(size)
        peaks.append(peak_of(s3, tmp_path / name, way))
    assert peaks[1] - peaks[0] < 130_000_000


@pytest.mark.slow
def test_memory_stays_flat_for_files_of_two_gigabytes(s3: Store, server: S3Server, tmp_path: Path) -> None:
    if isinstance(server, MotoServer):
        pytest.skip("moto keeps parts in memory for long")
    file_of(tmp_path, 1_000_000)
    with (tmp_path / "trace.bin").open("r+b") as file:
        file.truncate(2_000_000_000)
    assert peak_of(s3, tmp_path, "obstore") < 350_000_000
