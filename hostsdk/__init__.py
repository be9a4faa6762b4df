"""An SDK-shaped profiling toolchain for a plain Linux x86-64 machine.

Qualcomm's wheel `onnxruntime-qnn` carries the HTP compiler, the HTP emulator and the HTP performance simulator. This
package puts the vendor SDK's command lines and directory layout on top of those libraries, so that tooling written
for the SDK runs unchanged. Every time it reports is the simulator's estimate, never a measurement.

It is used through executables (`python -m hostsdk root` prints where they are); nothing else needs to import it.
"""

import os

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # else ONNX Runtime 1.32 reports networks by name
