"""Command lines with files that pass every check the tools make without the libraries."""

import zipfile
from pathlib import Path


def command_line(tool: str, directory: Path) -> list[str]:
    """Return valid arguments for `tool`; create their files in `directory`."""
    container, inputs = directory / "a.dlc", directory / "input_list.txt"
    with zipfile.ZipFile(container, "w") as archive:
        archive.writestr("model", b"network")
        archive.writestr("htp.cache.sa8255.0", b"cache")
    inputs.write_text("a.raw\n")
    (directory / "a.onnx").write_bytes(b"network")
    return {
        "snpe-onnx-to-dlc": ["--input_network", str(directory / "a.onnx")],
        "onnx-quantize": [
            f"--input_network={directory / 'a.onnx'}",
            f"--output_path={directory / 'b.onnx'}",
            f"--input_list={inputs}",
        ],
        "onnx-check": [
            f"--input_network={directory / 'a.onnx'}",
            f"--output_path={directory / 'b.json'}",
            "--htp_socs=sa8255",
        ],
        "hostsdk-estimate": [],
        "snpe-dlc-graph-prepare": ["--input_dlc", str(container), "--htp_socs=sa8255"],
        "snpe-net-run": ["--use_dsp", "--container", str(container), "--input_list", str(inputs)],
    }[tool]
