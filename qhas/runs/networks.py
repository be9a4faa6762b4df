"""The network of a stored cell: of a graph of several, its part of what the cell's DLC holds."""

from __future__ import annotations

from qhas.network.network import Network, stored_network
from qhas.runs import keys
from qhas.runs.record import CellRecord
from qhas.store import Store


def read_network(store: Store, record: CellRecord) -> Network | None:
    """None for a cell that was stored before networks were, and one whose DLC could not be read. Raises StoreError."""
    return own_part(stored_network(network_bytes(store, record)), record)


def network_bytes(store: Store, record: CellRecord) -> bytes | None:
    """As they are stored. Raises StoreError."""
    whole = record.whole
    artifact = whole.artifact("network")
    return store.read(keys.file(whole, artifact)) if artifact else None


def own_part(network: Network | None, record: CellRecord) -> Network | None:
    """The network, or of a graph of several its graph of that name; None where there is none.

    Graphs that the DLC calls otherwise, as those of a language model, are told by their order.
    """
    if network is None or record.graph is None:
        return network
    names, graphs = [graph.name for graph in record.whole.graphs], network.graphs
    own = [graph for graph in graphs if graph.name == record.graph.name]
    if len(graphs) == len(names) and not {graph.name for graph in graphs}.intersection(names):
        own = [graphs[names.index(record.graph.name)]]
    return Network(graphs=tuple(own), exact=network.exact) if own else None
