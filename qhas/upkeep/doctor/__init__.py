"""Checks for everything that a run needs. Each answers with one sentence, a failed one with a next step."""

from __future__ import annotations

from collections.abc import Iterator

from qhas.failures import InvalidInput
from qhas.site import Site
from qhas.site.sdk import find_sdk
from qhas.upkeep.doctor import devices as rack
from qhas.upkeep.doctor import history, host, runs, toolchain
from qhas.upkeep.doctor.finding import Finding

__all__ = ["Finding", "examine"]


def examine(site: Site, *, verify: bool = False) -> Iterator[Finding]:
    """Check this site's host, SDK, store and devices, the cheapest and most revealing first.

    Devices are only queried for whether they answer, and not even that while they are in use. With `verify` every
    stored file is read as well.
    """
    yield host.machine()
    yield from host.proxy()
    yield host.prefect()
    try:
        sdk = find_sdk(site.sdk)
    except InvalidInput as error:
        yield Finding("SDK", False, str(error))
    else:
        yield from toolchain.examine(sdk, site)
    for name in site.sdks:
        yield from toolchain.examine_named(name, site)
    yield (stored := host.store(site.store))
    if stored.good:
        yield history.examine(site.store)
        if verify:
            yield runs.examine(site.store)
    yield host.scratch()
    yield host.leases()
    yield from rack.examine(site)
