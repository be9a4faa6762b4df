"""What users request and hand over: queries, gates, lists of sites, archives of devices' tools, text to display."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from pathlib import Path

import pytest

from qhas.cli.gate import _Budgets
from qhas.devices import JobFile, listed
from qhas.devices.marks import Marks
from qhas.documents import parse_yaml
from qhas.failures import DeviceFailed, InvalidInput
from qhas.gate.sides import read_sides
from qhas.markdown import as_text
from qhas.network.external_data import data_files
from qhas.outside_text import csv_cell, one_line
from qhas.query import ask
from qhas.store import Store
from qhas.sweep.sites import load_sites
from tests.fuzz.fuzzing import SECONDS, fuzz
from tests.fuzz.test_profiles import from_file, stored

pytestmark = [pytest.mark.slow, pytest.mark.timeout(int(SECONDS) + 600)]


def text_of(content: bytes) -> str:
    return content.decode("utf-8", "surrogateescape")


def test_questions() -> None:
    store = Store("memory://asked")
    seeds = [
        b"select soc, count(*) as n, max(median_us) from cells group by soc order by soc",
        b"with best as (select network, min(time_us) t from cells group by 1) select * from best join runs on true",
        b"select [1, {'a': 2.5}], '2026-01-01'::date, x'00', interval 3 days from verdicts limit 3",
    ]

    def read(content: bytes) -> None:
        question = text_of(content)
        if len(question) < 5000:
            ask(store, question)

    fuzz(seeds, read, InvalidInput)


def test_onnx_that_name_their_weights(tmp_path: Path) -> None:
    entry = b"\n\x08location\x12\x0bnet.weights"
    fuzz(
        [
            b"\x08\x07" + entry * 3,
            entry + b"\n\x08location\x12\x80\x02" + b"w" * 256,
            *stored("inputs/lstm.onnx"),
        ],
        from_file(tmp_path, "net.onnx", data_files),
    )


def test_folders_of_gates(tmp_path: Path) -> None:
    """The outside input here is the names of files."""

    def read(content: bytes) -> None:
        with tempfile.TemporaryDirectory(dir=tmp_path) as folder:
            for name in content.split(b"\n")[:8]:
                path = Path(folder) / text_of(name).replace("\0", "").lstrip("/")
                if (
                    ".." in path.parts
                    or len(bytes(path)) > 1000
                    or len(path.name.encode(errors="replace")) > 200
                ):
                    continue
                try:
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(b"x")
                except OSError:
                    continue
            read_sides(folder, folder, ["*"], tmp_path / "laid")

    fuzz(
        [b"net.onnx\nvision/net.dlc\nnet.onnx.data", "größe/net.dlc\n网络.onnx".encode()], read, InvalidInput
    )


def test_revisions_of_gates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    subprocess.run(["git", "init", "--quiet"], check=True)

    def read(content: bytes) -> None:
        address = text_of(content)
        if not os.path.isdir(address):  # noqa: PTH112  # folders may be as large as the disk; this never raises
            read_sides(address, "HEAD", ["*"], tmp_path / "laid")

    fuzz([b"HEAD~1", b"origin/main", b"--upload-pack=x", b"HEAD^{commit}", b":/fix"], read, InvalidInput)


def test_budgets_and_lists_of_sites(tmp_path: Path) -> None:
    def budgets(path: Path) -> None:
        parse_yaml(path, _Budgets, "budgets")

    limits = b"budgets: {net: {time_us: 900, total_dram: 20MB}, other: {reference_ops: 0}}\n"
    fuzz([limits], from_file(tmp_path, "budgets.yaml", budgets), InvalidInput, share=0.5)
    sites = b"sites:\n  - {name: lab1, deployment: sweep/lab1, socs: {sm8750: 2}}\n  - {name: lab2, deployment: sweep/lab2, socs: [{soc: sa8255, count: 1}]}\n"
    fuzz([sites], from_file(tmp_path, "sites.yaml", load_sites), InvalidInput, share=0.5)


def test_answers_between_marks_and_lists_of_files(tmp_path: Path) -> None:
    marks = Marks()
    begin, end = re.findall(r"echo (\S+-(?:begin|end))\b(?! >)", marks.around("true"))

    def read(path: Path) -> None:
        content = path.read_bytes()
        marks.exit_code(content)
        marks.errors(content)
        marks.cut(path)
        listed("phone", (JobFile(name, 1, 1.0) for name in text_of(path.read_bytes()).splitlines()))

    seeds = [f"motd\n{begin}\noutput/Result_0/x.raw\n{end}\n".encode(), f"{begin}\r\na b\r\n{end}".encode()]
    fuzz(seeds, from_file(tmp_path, "answer", read), DeviceFailed)


def test_text_for_people() -> None:
    def read(content: bytes) -> None:
        text = text_of(content)
        line = one_line(text)
        assert len(line.splitlines()) <= 1
        assert len(as_text(text).splitlines()) <= 1
        str(csv_cell(text)).encode()
        line.encode()

    fuzz(["\x1b]8;;http://x\x1b\\here\n=1+1;@x|`#1`\u2028".encode(), b"plain"], read)
