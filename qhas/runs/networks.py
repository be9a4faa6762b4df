"""The network of a stored cell: of a graph of several, its part of what the cell's DLC holds."""

from __future__ import annotations

from qhas.network.network import Network, stored_network
from qhas.runs import keys
from qhas.runs.record import CellRecord
from qhas.store import Store


def read_network(store: Store, record: CellRecord) -> Network | None:
    """None for a cell that was stored before networks were, and one whose DLC could not be read. Raises StoreError."""
    return network_in(network_bytes(store, record), record.graph)


def network_bytes(store: Store, record: CellRecord) -> bytes | None:
    """As they are stored. Raises StoreError."""
    whole = record.whole
    artifact = whole.artifact("network")
    return store.read(keys.file(whole, artifact)) if artifact else None


def network_in(content: bytes | None, graph: str) -> Network | None:
    """What was stored, or only its graph of this name; None where there is none."""
    network = stored_network(content)
    if network is None or not graph:
        return network
    own = tuple(each for each in network.graphs if each.name == graph)
    return Network(graphs=own, exact=network.exact) if own else None
