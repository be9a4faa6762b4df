"""A fake SDK with a network and a working directory, and its steps as one call each."""

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .dlc import make_dlc, make_inputs
from .sdk import Tool, build_fake_sdk

ALL_FEATURES = {
    "enable_input_output_flow_events": False,
    "enable_sequencer_flow_events": False,
    "htp_json": True,
    "runtrace": True,
    "memory_info": True,
    "traceback": True,
    "qhas_schema": True,
    "qhas_json": True,
}
Done = subprocess.CompletedProcess[str]


@dataclass
class Rig:
    """A runner of the tools of the SDK at `sdk` in `cwd`, on the network `dlc` for SM8750."""

    sdk: Path
    cwd: Path
    dlc: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def build(cls, directory: Path, *, version: str = "2.48.0.260101", inferences: int = 3) -> "Rig":
        """Create a fake SDK, a network and an input list below `directory`."""
        sdk = build_fake_sdk(directory / "sdk", version=version)
        cwd = directory / "work"
        cwd.mkdir()
        dlc = make_dlc(directory / "net.dlc")
        make_inputs(cwd, dlc, inferences=inferences)
        return cls(sdk, cwd, dlc)

    @property
    def reader(self) -> Path:
        return self.sdk / "lib/x86_64-linux-clang/libQnnHtpOptraceProfilingReader.so"

    def run(self, tool: Tool, *arguments: str | Path) -> Done:
        """Run one tool to completion."""
        return subprocess.run(
            [str(self.sdk / "bin/x86_64-linux-clang" / tool), *map(str, arguments)],
            cwd=self.cwd,
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )

    def prepare(self, *more: str, soc: str = "sm8750") -> Done:
        """Prepare `dlc` as cached.dlc for profiling level qhas."""
        common = ("--input_dlc", self.dlc, "--output_dlc", "cached.dlc", "--htp_socs", soc)
        return self.run(Tool.PREPARE, *common, "--profiling_level", "qhas", *more)

    def net_run(self, *more: str, container: str = "cached.dlc", level: str = "qhas") -> Done:
        """Run the prepared network on the input list."""
        common = ("--container", container, "--input_list", "input_list.txt", "--use_dsp")
        return self.run(Tool.NET_RUN, *common, "--profiling_level", level, *more)

    def view(
        self, *more: str | Path, features: Mapping[str, bool] = ALL_FEATURES, output: str = "trace.json"
    ) -> Done:
        """Post-process the log with the schematic."""
        (self.cwd / "config.json").write_text(json.dumps({"features": features}), encoding="utf-8")
        inputs = ("--input_log", "profilelogs/qnn-profiling-data.log", "--schematic", "net_schematic.bin")
        common = ("--config", "config.json", "--reader", self.reader, *inputs, "--output", output)
        return self.run(Tool.VIEWER, *common, *more)
