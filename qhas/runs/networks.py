"""The network of a stored cell; for one graph of several, its part of what the cell's DLC holds."""

from __future__ import annotations

from qhas.network.network import Network, stored_network
from qhas.runs import keys
from qhas.runs.record import CellRecord
from qhas.store import Store


def read_network(store: Store, record: CellRecord) -> Network | None:
    """Read the network of a cell. Raises StoreError.

    None for a cell stored before networks were stored, or whose DLC could not be read.
    """
    return own_part(stored_network(network_bytes(store, record)), record)


def network_bytes(store: Store, record: CellRecord) -> bytes | None:
    """Return the network as it is stored. Raises StoreError."""
    whole = record.whole
    artifact = whole.artifact("network")
    return store.read(keys.file(whole, artifact)) if artifact else None


def own_part(network: Network | None, record: CellRecord) -> Network | None:
    """Return the network, reduced to the record's graph if it is one of several; None if there is none.

    If the DLC names its graphs differently, as for a language model, graphs are matched by their order.
    """
    if network is None or record.graph is None:
        return network
    names, graphs = [graph.name for graph in record.whole.graphs], network.graphs
    own = [graph for graph in graphs if graph.name == record.graph.name]
    if len(graphs) == len(names) and not {graph.name for graph in graphs}.intersection(names):
        own = [graphs[names.index(record.graph.name)]]
    return Network(graphs=tuple(own), exact=network.exact) if own else None
