"""What a gate compares: files, folders and git revisions, matched by the names of their networks."""

from __future__ import annotations

import os
import re
import socket
import subprocess
from pathlib import Path

import pytest

from qhas.failures import InvalidInput
from qhas.gate.sides import read_sides, unchanged


def write(folder: Path, **contents: str) -> Path:
    for name, content in contents.items():
        path = folder / re.sub(r"_(dlc|onnx|json)$", r".\1", name.replace("__", "/"))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return folder


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of two commits, the second of which changes one network and adds another."""
    folder = write(tmp_path / "repository", models__a_onnx="one", models__b_dlc="two", readme="text")
    git(folder, "init")
    git(folder, "add", ".")
    git(folder, "commit", "-m", "first")
    write(folder, models__a_onnx="changed", models__c_dlc="three")
    git(folder, "add", ".")
    git(folder, "commit", "-m", "second")
    monkeypatch.chdir(folder)
    return folder


def test_two_files_are_one_network_whatever_they_are_called(tmp_path: Path) -> None:
    write(tmp_path, old_dlc="one", new_onnx="two")
    base, head = read_sides(str(tmp_path / "old.dlc"), str(tmp_path / "new.onnx"), ["*"], tmp_path)
    assert list(base.networks) == list(head.networks) == ["new"]


def test_networks_of_folders_are_called_by_their_paths(tmp_path: Path) -> None:
    write(tmp_path / "a", vision__net_dlc="one", net_onnx="two", notes="text")
    write(tmp_path / "b", vision__net_dlc="one")
    base, head = read_sides(str(tmp_path / "a"), str(tmp_path / "b"), ["*"], tmp_path)
    assert sorted(base.networks) == ["net", "vision.net"]
    assert sorted(head.networks) == ["vision.net"]


@pytest.mark.parametrize(("pattern", "names"), [("vision/*", ["vision.net"]), ("*.onnx", ["net"])])
def test_a_pattern_chooses_by_path(tmp_path: Path, pattern: str, names: list[str]) -> None:
    write(tmp_path / "a", vision__net_dlc="one", net_onnx="two")
    base, _ = read_sides(str(tmp_path / "a"), str(tmp_path / "a"), [pattern], tmp_path)
    assert list(base.networks) == names


def test_revisions_are_laid_down_from_git(repository: Path, tmp_path: Path) -> None:
    base, head = read_sides("HEAD~1", "HEAD", ["models/*"], tmp_path / "scratch")
    assert base.networks["models.a"].read_text() == "one"
    assert head.networks["models.a"].read_text() == "changed"
    assert sorted(head.networks) == ["models.a", "models.b", "models.c"]
    assert unchanged(base, head) == {"models.b"}


LLM = '{"model_type": "llama"}'


def test_a_language_model_is_its_configuration_called_as_its_folder(tmp_path: Path) -> None:
    a = write(tmp_path / "a", llama__config_json=LLM, tool__config_json="{}", bad__config_json="none")
    assert list(read_sides(str(a), str(a), ["*"], tmp_path)[1].networks) == ["llama"]
    other = write(tmp_path / "b", qwen_json=LLM) / "qwen.json"
    base, head = read_sides(str(a / "llama" / "config.json"), str(other), ["*"], tmp_path)
    assert (list(base.networks), list(head.networks)) == (["qwen"], ["qwen"])


def test_a_configuration_beside_an_exported_network_is_of_its_exporter(tmp_path: Path) -> None:
    a = write(tmp_path / "a", bert__config_json=LLM, bert__model_onnx="one")
    assert list(read_sides(str(a), str(a), ["*"], tmp_path)[0].networks) == ["bert.model"]


def test_configurations_of_a_revision_are_taken_and_links_to_any_are_left(
    repository: Path, tmp_path: Path
) -> None:
    write(repository, llama__config_json=LLM, tool__config_json="{}")
    (repository / "models" / "config.json").symlink_to("/etc/passwd")
    git(repository, "add", ".")
    git(repository, "commit", "-m", "language models")
    base, head = read_sides("HEAD~1", "HEAD", ["*config.json"], tmp_path / "scratch")
    assert (list(base.networks), list(head.networks)) == ([], ["llama"])


def test_weights_beside_an_onnx_come_with_it_and_are_never_called_unchanged(
    repository: Path, tmp_path: Path
) -> None:
    (repository / "models" / "a.onnx.data").write_text("weights")
    git(repository, "add", ".")
    git(repository, "commit", "-m", "third")
    base, head = read_sides("HEAD", "HEAD", ["models/a*"], tmp_path / "scratch")
    assert (head.networks["models.a"].parent / "a.onnx.data").read_text() == "weights"
    assert unchanged(base, head) == set()


def with_weights_in(name: str) -> str:
    """The part of an ONNX that states where its weights are."""
    return f"\n\x08location\x12{chr(len(name))}{name}"


@pytest.mark.parametrize("name", ["a.onnx_data", "all-weights.pb", "parts/0.npy", "./a.weight"])
def test_weights_come_with_an_onnx_by_the_name_that_it_gives_them(
    repository: Path, tmp_path: Path, name: str
) -> None:
    write(repository, models__a_onnx=with_weights_in(name))
    (repository / "models" / name).parent.mkdir(exist_ok=True)
    (repository / "models" / name).write_text("weights")
    git(repository, "add", ".")
    git(repository, "commit", "-m", "third")
    base, head = read_sides("HEAD", "HEAD", ["models/a*"], tmp_path / "scratch")
    assert (head.networks["models.a"].parent / name).read_text() == "weights"
    assert unchanged(base, head) == set()


@pytest.mark.parametrize("name", ["../readme", "/etc/hosts", "nowhere", "a\nb"])
def test_weights_elsewhere_stay_where_they_are(repository: Path, tmp_path: Path, name: str) -> None:
    write(repository, models__a_onnx=with_weights_in(name))
    git(repository, "commit", "-am", "third")
    _, head = read_sides("HEAD", "HEAD", ["models/a*"], tmp_path / "scratch")
    assert [path.name for path in head.networks["models.a"].parent.iterdir()] == ["a.onnx"]


def test_a_network_that_a_link_leads_to_is_refused_in_one_sentence(tmp_path: Path) -> None:
    write(tmp_path, outside_dlc="one", a__net_dlc="two")
    (tmp_path / "a" / "linked.dlc").symlink_to(tmp_path / "outside.dlc")
    with pytest.raises(InvalidInput, match=r"linked\.dlc.* through a link\.$"):
        read_sides(str(tmp_path / "a"), str(tmp_path / "a"), ["*"], tmp_path)


@pytest.mark.parametrize("kind", ["link to nothing", "pipe", "socket"])
def test_what_is_called_a_network_and_is_no_file_is_refused_and_not_taken_for_removed(
    tmp_path: Path, kind: str
) -> None:
    folder = write(tmp_path / "a", net_dlc="one")
    odd = folder / "odd.onnx"
    if kind == "pipe":
        os.mkfifo(odd)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as end:
            end.bind(str(odd))
    else:
        odd.symlink_to("nothing")
    with pytest.raises(InvalidInput, match=r"A network cannot be used: .*odd\.onnx"):
        read_sides(str(folder), str(folder), ["*"], tmp_path)
    assert list(read_sides(str(folder), str(folder), ["net*"], tmp_path)[0].networks) == ["net"]


@pytest.mark.parametrize("name", ["models/d.dlc", "models/a.onnx.data"])
def test_a_link_in_a_revision_is_refused_and_not_taken_for_a_network(
    repository: Path, tmp_path: Path, name: str
) -> None:
    (repository / name).symlink_to("../../../etc/passwd")
    git(repository, "add", ".")
    git(repository, "commit", "-m", "a link")
    with pytest.raises(InvalidInput, match=f"A network cannot be used: '{name}' of .* is a link"):
        read_sides("HEAD~1", "HEAD", ["*"], tmp_path / "laid")


@pytest.mark.parametrize(
    "address",
    ["--upload-pack=touch pwned", "--output=pwned", "HEAD;touch pwned", "é" * 3000, "a\0b", "^HEAD"],
)
def test_no_revision_is_an_option_a_command_or_a_fault_of_ours(
    repository: Path, tmp_path: Path, address: str
) -> None:
    with pytest.raises(InvalidInput):
        read_sides(address, "HEAD", ["*"], tmp_path / "laid")
    assert not (repository / "pwned").exists()


def test_a_file_in_git_lfs_is_told(repository: Path, tmp_path: Path) -> None:
    write(repository, models__a_onnx="version https://git-lfs.github.com/spec/v1\n")
    git(repository, "commit", "-am", "third")
    with pytest.raises(InvalidInput, match=r"models/a\.onnx of \w+ is kept in Git LFS"):
        read_sides("HEAD~1", "HEAD", ["*"], tmp_path / "scratch")


@pytest.mark.parametrize("strange", ["--upload-pack=touch x", "no-such-revision", "HEAD:models"])
def test_what_is_neither_a_file_nor_a_folder_nor_a_revision_is_refused(
    repository: Path, tmp_path: Path, strange: str
) -> None:
    with pytest.raises(InvalidInput, match="neither a file nor a folder nor a git revision"):
        read_sides(strange, "HEAD", ["*"], tmp_path / "scratch")


def test_a_file_against_a_folder_is_refused(tmp_path: Path) -> None:
    write(tmp_path, a_dlc="one", more__b_dlc="two")
    with pytest.raises(InvalidInput, match="two files, two folders or two git revisions"):
        read_sides(str(tmp_path / "a.dlc"), str(tmp_path / "more"), ["*"], tmp_path)


def test_sides_without_a_network_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "a", notes="text")
    with pytest.raises(InvalidInput, match="has a network"):
        read_sides(str(tmp_path / "a"), str(tmp_path / "a"), ["*"], tmp_path)


def test_two_networks_of_one_name_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "a", net_dlc="one", net_onnx="two")
    with pytest.raises(InvalidInput, match="two networks that would be called net"):
        read_sides(str(tmp_path / "a"), str(tmp_path / "a"), ["*"], tmp_path)
