"""The site's name for the SDK that a stored cell was made with."""

from __future__ import annotations

from qhas.failures import InvalidInput
from qhas.runs.record import CellRecord
from qhas.site import Site
from qhas.site.sdk import SdkKind, find_sdk, find_sdks, host_sdk_versions


def sdk_of(site: Site, record: CellRecord) -> str | None:
    """Return the SDK's name, None for the site's own. Raises InvalidInput if no SDK here has that version."""
    if record.cell.sdk is not None:
        return record.cell.sdk
    if find_sdk(site.sdk).version == record.sdk.version:
        return None
    if site.sdks:
        versions = {name: sdk.version for name, sdk in find_sdks(site, site.sdks).items() if name}
    elif record.sdk.kind is SdkKind.HOST:
        versions = {name: record.sdk.version for name in host_sdk_versions() if _is_of(record, name)}
    else:
        versions = {}
    for name, version in versions.items():
        if version == record.sdk.version:
            return name
    raise InvalidInput(
        f"Run {record.run_id} was made with SDK {record.sdk.version}, which is not available here: add it to "
        "sdks of site.yaml."
    )


def _is_of(record: CellRecord, generation: str) -> bool:
    return record.sdk.version.startswith(f"{generation}.")
