"""The bench for language models: an estimator at a site, and a folder for the files it is given."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from qhas.estimate.bench import estimating_at
from qhas.estimate.estimator import Estimator
from qhas.failures import InvalidInput
from qhas.site import Site


@contextmanager
def open_llm_bench(site: Site, sdk_name: str | None, socs: Iterable[str]) -> Iterator[tuple[Estimator, Path]]:
    """Open a bench for the `with` block. Raises InvalidInput without onnx, or if the SDK is not the host SDK."""
    try:
        import onnx  # noqa: F401  # graphs are drawn with it
    except ImportError as error:
        raise InvalidInput("Language models need onnx: pip install 'qhas-flows[hostsdk]'.") from error
    with estimating_at(site, sdk_name, socs) as (estimator, _, folder):
        yield estimator, folder
