"""A network on a SoC, with everything needed to answer questions about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from qhas.estimate.estimator import Estimator, open_estimator
from qhas.estimate.trial import Subject
from qhas.failures import InvalidInput
from qhas.machine.scratch import Scratch
from qhas.naming import check_soc
from qhas.network.dlc import read_network
from qhas.network.network import Network
from qhas.site import Site
from qhas.site.fit import require_socs
from qhas.site.sdk import find_sdks
from qhas.store import Store
from qhas.truth.blind_spots import Seen, blind_spots
from qhas.truth.calibration import expectation
from qhas.truth.traits import Traits, traits_of


@dataclass(frozen=True)
class Bench:
    """A network on a SoC and what it is estimated with; `folder` is for files made along the way."""

    name: str
    subject: Subject
    estimator: Estimator
    store: Store
    folder: Path

    @cached_property
    def network(self) -> Network | None:
        """The network as the DLC describes it; None if the DLC cannot be read."""
        try:
            return read_network(self.subject.dlc)
        except ValueError:
            return None

    def truth_of(self, simulated_us: float) -> str:
        """Return how well the simulator is known to match the network on the SoC, without a full stop."""
        traits = traits_of(self.network) if self.network else Traits()
        known = expectation(self.subject.soc, simulated_us, traits.precision, traits.kind)
        spots = blind_spots(Seen(traits, simulated_us, None, {}))
        return "; ".join([known.sentence, *(spot.sentence for spot in spots)])


def asked_soc(name: str) -> str:
    """Return a SoC as `--soc` names it. Raises InvalidInput if no tool could accept it."""
    try:
        return check_soc(name)
    except ValueError as error:
        raise InvalidInput(f"--soc: {error}.") from error


@contextmanager
def estimating_at(
    site: Site, sdk_name: str | None, socs: Iterable[str]
) -> Iterator[tuple[Estimator, Store, Path]]:
    """Open an estimator for the SoCs, with the site's store and an empty folder, valid inside the block.

    Raises InvalidInput and StoreError.
    """
    sdk = find_sdks(site, [sdk_name])[sdk_name]
    require_socs(sdk, socs)
    store = Store(site.store)
    store.require_writable()
    with open_estimator(sdk, store, site.host.cores) as estimator, Scratch() as folder:
        yield estimator, store, folder
