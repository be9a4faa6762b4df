"""What answers questions about language models: an estimator at a site, and a folder for what it is given."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from qhas.estimate.estimator import Estimator, open_estimator
from qhas.failures import InvalidInput
from qhas.machine.scratch import Scratch
from qhas.naming import check_soc
from qhas.site import Site
from qhas.site.sdk import find_sdks
from qhas.store import Store


def checked_socs(names: Sequence[str]) -> list[str]:
    """SoCs as they are called, each once. Raises InvalidInput."""
    try:
        return list(dict.fromkeys(map(check_soc, names)))
    except ValueError as error:
        raise InvalidInput(f"--soc: {error}.") from error


@contextmanager
def open_llm_bench(site: Site, sdk_name: str | None) -> Iterator[tuple[Estimator, Path]]:
    """Valid inside the block. Raises InvalidInput without onnx, and unless the SDK is the host SDK."""
    try:
        import onnx  # noqa: F401  # graphs are drawn with it
    except ImportError as error:
        raise InvalidInput("Language models need onnx: pip install 'qhas-flows[hostsdk]'.") from error
    sdk = find_sdks(site, [sdk_name])[sdk_name]
    store = Store(site.store)
    store.require_writable()
    with open_estimator(sdk, store, site.host.cores) as estimator, Scratch() as folder:
        yield estimator, folder
