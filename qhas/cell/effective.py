"""Options as they took effect: from the request, the prepared DLC and the profile.

The cache record of a prepared DLC states the optimisation level, DLBC and the compiler's build. For options that were
not requested it states 0 threads and 4 MB of VTCM (QAIRT 2.51): their values are known only from a simulated profile,
which contains the simulator's configuration.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from qhas.cell.dlc import cache_options
from qhas.outside_text import shown
from qhas.profile.qhas_file import QhasFile
from qhas.profile.simulation import stated_count
from qhas.runs.record import EffectiveOptions
from qhas.sweep.spec import PrepareOptions

_MIB = 1 << 20
_BUILD_CHARACTERS = 100


def of_cache(prepared_dlc: Path, requested: PrepareOptions) -> EffectiveOptions:
    """Combine the request with what the cache record states; if the record is damaged, use the request alone."""
    cache: Mapping[str, Any] = {}
    with suppress(ValueError):
        cache = cache_options(prepared_dlc)
    build, dlbc = cache.get("buildId"), stated_count(cache.get("htpDlbc"))
    return EffectiveOptions(
        optimization_level=stated_count(cache.get("optimizationLevel")) or requested.optimization_level,
        vtcm_mib=requested.vtcm_mb or None,  # 0 means the SoC's maximum, which is not stated
        hvx_threads=requested.hvx_threads or stated_count(cache.get("numHvxThreads")) or None,
        dlbc=requested.dlbc if dlbc is None else bool(dlbc),
        compiler=shown(build)[:_BUILD_CHARACTERS] if isinstance(build, str) and build else None,
    )


def context_bytes(prepared_dlc: Path) -> int | None:
    """Return the size of the context binary that the prepared DLC states; None if it does not."""
    with suppress(ValueError):
        return stated_count(cache_options(prepared_dlc).get("contextBlobSize")) or None
    return None


def with_profile(options: EffectiveOptions, file: QhasFile) -> EffectiveOptions:
    """Update the options with those that the profile states, which only a simulated one does."""
    return options.model_copy(update=stated(file))


def stated(file: QhasFile) -> dict[str, int | float]:
    """Return the options that a simulated profile states, by field."""
    force = file.provenance.get("in_force")
    force = force if isinstance(force, dict) else {}
    vtcm, threads = stated_count(force.get("vtcm_bytes")), stated_count(force.get("hvx_threads"))
    clock = file.provenance.get("core_mhz")
    options = {
        "vtcm_mib": vtcm / _MIB if vtcm else None,
        "hvx_threads": threads,
        "clock_mhz": clock if isinstance(clock, int | float) and clock > 0 else None,
    }
    return {name: value for name, value in options.items() if value}
