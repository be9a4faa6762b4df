"""Whether a rewritten network computes the same: both run in ONNX Runtime on the CPU, on the same random inputs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from qhas.advise.quantised import Step

MOST_ERROR = 1e-3
"""As a share of the largest output: about what half precision resolves. An exact rewrite errs by rounding alone."""
_TO_LAST = (0, 2, 3, 1)
_WHOLE_TYPES = frozenset({"tensor(uint8)", "tensor(int8)", "tensor(uint16)", "tensor(int16)"})


class Reference:
    """The original network, with random inputs and the outputs it computes from them.

    Raises ValueError if these could show no difference: outputs that are not finite, or the same for any input.
    """

    def __init__(self, path: Path, steps: Mapping[str, Step] = MappingProxyType({})) -> None:
        """`steps` are those of inputs and outputs that may be integers in a rewritten network."""
        import numpy as np

        session = _session(path)
        self._steps = steps
        random = np.random.default_rng(0)
        self._inputs, others = (
            {each.name: _values(random, each) for each in session.get_inputs()} for _ in range(2)
        )
        self._outputs = session.run(None, self._inputs)
        if not all(np.isfinite(output).all() for output in self._outputs):
            raise ValueError("its outputs are not finite on random inputs, so no rewrite could be checked")
        drawn = any(values.any() for values in self._inputs.values())  # integers are all 0
        if drawn and all(map(np.array_equal, self._outputs, session.run(None, others))):
            raise ValueError("its outputs are the same for any random input, so no rewrite could be checked")

    def error_of(self, path: Path) -> float:
        """Return the largest difference in an output, as a share of its largest value; images may be channel-last.

        Raises ValueError for a network with other inputs or outputs, and for outputs that are not finite.
        """
        import numpy as np

        session = _session(path)
        inputs = {each.name: self._as_taken(each) for each in session.get_inputs()}
        computed = session.run(None, inputs)
        outputs = [
            self._as_made(each.name, values)
            for each, values in zip(session.get_outputs(), computed, strict=True)
        ]
        if [each.shape for each in outputs] != [each.shape for each in self._outputs]:
            raise ValueError("its outputs have different shapes")
        if not all(np.isfinite(output).all() for output in outputs):
            raise ValueError("its outputs are not finite")
        differences = [
            float(np.abs(one.astype(np.float64) - other).max() / (np.abs(other).max() or 1.0))
            for one, other in zip(outputs, self._outputs, strict=True)
            if other.size
        ]
        return max(differences, default=0.0)

    def _as_taken(self, taken: Any) -> Any:
        values = self._inputs.get(taken.name)
        if values is None:
            raise ValueError(f"it has a different input, {taken.name}")
        if taken.type in _WHOLE_TYPES and values.dtype.kind == "f" and (step := self._steps.get(taken.name)):
            values = step.whole(values)
        shape = tuple(size if isinstance(size, int) else 1 for size in taken.shape)
        if values.shape == shape:
            return values
        turned = values.transpose(_TO_LAST) if values.ndim == len(_TO_LAST) else values
        if turned.shape != shape:
            raise ValueError(f"input {taken.name} has a different shape")
        return turned

    def _as_made(self, name: str, values: Any) -> Any:
        step = self._steps.get(name)
        return step.real(values) if step and values.dtype == step.zero.dtype else values


def _session(path: Path) -> Any:
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    try:
        return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime has its own exception types
        raise ValueError(f"ONNX Runtime cannot load it: {' '.join(str(error).split())[:300]}") from error


def _values(random: Any, taken: Any) -> Any:
    """Draw from a normal distribution; return 0 for integers, since an index could fall outside its table."""
    import numpy as np

    shape = [size if isinstance(size, int) else 1 for size in taken.shape]
    kinds = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(double)": np.float64}
    if taken.type in kinds:
        return random.standard_normal(shape).astype(kinds[taken.type])
    whole = {
        "tensor(int64)": np.int64,
        "tensor(int32)": np.int32,
        "tensor(uint8)": np.uint8,
        "tensor(bool)": np.bool_,
    }
    if taken.type not in whole:
        raise ValueError(f"no random values can be drawn for {taken.type}")
    return np.zeros(shape, whole[taken.type])
