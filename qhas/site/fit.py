"""Check that SDKs fit the cells that name them: their SoCs, and the bits of their networks."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec
from typing import TYPE_CHECKING

from qhas.failures import InvalidInput
from qhas.site import Site
from qhas.site.sdk import Sdk, SdkKind, ask_host_sdk, find_sdks

if TYPE_CHECKING:
    from qhas.sweep.spec import Cell


class UnknownSoc(InvalidInput):
    """A SoC that the SDK does not know."""


def sdks_of(site: Site, cells: Iterable[Cell]) -> dict[str | None, Sdk]:
    """Return the SDKs that cells name, checked for the cells' SoCs and bits. Raises InvalidInput, UnknownSoc."""
    cells = list(cells)
    socs: dict[str | None, set[str]] = {}
    for cell in cells:
        socs.setdefault(cell.sdk, set()).add(cell.soc)
    sdks = find_sdks(site, socs)
    for name, sdk in sdks.items():
        require_socs(sdk, socs[name])
    for cell in cells:
        require_quantiser(sdks[cell.sdk], cell)
        _require_drawn(sdks[cell.sdk], cell)
    return sdks


def require_socs(sdk: Sdk, socs: Iterable[str]) -> None:
    """Raise UnknownSoc, with similar names, for a SoC unknown to the host SDK; a vendor's SDK is not checked."""
    socs = sorted(socs)
    if sdk.kind is SdkKind.HOST and not sdk.lists(socs):
        try:
            ask_host_sdk("socs", *socs)
        except InvalidInput as refused:
            raise UnknownSoc(f"{refused} Nothing was run.") from None


def require_quantiser(sdk: Sdk, cell: Cell) -> None:
    """Raise InvalidInput if the SDK has no quantiser for the cell's bits."""
    if (asked := cell.model.quantize) and asked.mixed and not sdk.quantizes_onnx:
        raise InvalidInput(
            f"{cell.key}: {asked.name} needs the host SDK; a vendor SDK's quantizer uses one bit width for all activations: "
            f"choose w{asked.weights}a8 or w{asked.weights}a16."
        )


def _require_drawn(sdk: Sdk, cell: Cell) -> None:
    """Raise InvalidInput for a language model if there is no simulator, or no package to build its graphs with."""
    if not cell.model.llm:
        return
    if sdk.kind is not SdkKind.HOST:
        raise InvalidInput(
            f"{cell.key}: language models are estimated by the host SDK; the SDK at {sdk.root} is a vendor SDK, which cannot "
            "estimate: leave `sdk` out, or name a host SDK."
        )
    if find_spec("onnx") is None:
        raise InvalidInput(f"{cell.key}: language models need onnx: pip install 'qhas-flows[hostsdk]'.")
