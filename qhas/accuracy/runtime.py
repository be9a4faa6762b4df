"""Child process that runs an ONNX in ONNX Runtime: `python -m qhas.accuracy.runtime REQUEST.json`.

The request names the ONNX, the arrays of its inputs (`feeds`: one entry per inference, a .npy by input) and the file
for the outputs (`target`, .npz: `arr_0` ... in the order of the ONNX's outputs, those of the second inference after
those of the first). If memory runs out, the kernel kills this process before any other on the host.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import zipfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

FAILED = 3
"""Exit code: the last line of the output says why."""
_SILENT = 4


def main(request: Path) -> int:
    """Write the outputs and return 0, or return `FAILED`."""
    job = json.loads(request.read_text(encoding="utf-8"))
    bound()
    try:
        compute(Path(job["onnx"]), job["feeds"], Path(job["target"]))
    except MemoryError:
        print("its tensors need more memory than this host has")
        return FAILED
    except Exception as error:  # ONNX Runtime's errors have no common base class
        print(" ".join(str(error).split())[:500] or type(error).__name__)
        return FAILED
    return 0


def compute(onnx: Path, feeds: Sequence[Mapping[str, str]], target: Path) -> None:
    """Run the ONNX on one core, in floats even if it contains quantising pairs.

    Memory holds the tensors of one inference at a time.
    """
    import numpy as np
    import onnxruntime as ort

    ort.set_default_logger_severity(_SILENT)
    session = ort.InferenceSession(str(onnx), options(ort), providers=["CPUExecutionProvider"])
    outputs = session.get_outputs()
    with zipfile.ZipFile(target, "w") as archive:
        for inference, files in enumerate(feeds):
            arrays = {name: np.load(path, allow_pickle=False) for name, path in files.items()}
            for place, (output, result) in enumerate(zip(outputs, session.run(None, arrays), strict=True)):
                values = np.asarray(result)
                if values.dtype.kind not in "biuf":
                    raise ValueError(f"output {output.name} is not numeric")
                number = inference * len(outputs) + place
                with archive.open(f"arr_{number}.npy", "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, values, allow_pickle=False)


def options(ort: Any) -> Any:
    """Return the options of a reference session.

    Values are the same whatever the host's load, and quantising pairs are not fused into integer kernels.
    """
    chosen = ort.SessionOptions()
    chosen.intra_op_num_threads = chosen.inter_op_num_threads = 1
    chosen.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
    chosen.add_session_config_entry("session.disable_quant_qdq", "1")
    return chosen


def bound() -> None:
    """Make this process the first to be killed when memory runs out, and limit it to the host's memory."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
