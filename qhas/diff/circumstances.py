"""What differs between two sides apart from their speed: SoC, SDK, network, options, device.

The records state most of it. What they do not state, or everything if there are none, has to be inferred from the
figures (`qhas.diff.observed`); what both sides state to be equal is never reported as an observed change.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from qhas.diff.effects import OpChange
from qhas.diff.model import Circumstance, CircumstanceKind, Figure, Resource, Source
from qhas.diff.network_causes import network_causes
from qhas.diff.network_changes import NetworkDiff
from qhas.diff.observed import network_changes, observed
from qhas.diff.ops import Op, ops_of
from qhas.diff.options import Options, option_changes, options_of, options_of_file, stated_options
from qhas.network.network import Network
from qhas.profile.notes import of_one_inference
from qhas.profile.origin import Origin
from qhas.profile.qhas_file import QhasFile
from qhas.profile.runtrace import Runtrace
from qhas.runs.record import CellRecord
from qhas.source.source_map import SourceMap

Kind = CircumstanceKind
Settings = Mapping[CircumstanceKind, str]

_SENTENCES: dict[CircumstanceKind, str] = {
    Kind.SOC: "SoC {before} → {after}",
    Kind.SDK: "SDK {before} → {after}",
    Kind.PERF_PROFILE: "perf profile {before} → {after}",
    Kind.DEVICE: "device {before} → {after}",
    Kind.BUILD: "device build {before} → {after}",
    Kind.SCHEMA: "QHAS schema {before} → {after}",
    Kind.TRACE: "trace switches {before} → {after}",
}
_EXPLAINS_NOTHING = {Kind.SCHEMA, Kind.TRACE}
_ORDER = {kind: place for place, kind in enumerate(CircumstanceKind)}


@dataclass(frozen=True)
class Evidence:
    """What is known about one side."""

    file: QhasFile
    record: CellRecord | None = None
    network: Network | None = None
    """The network of its DLC, if that was recorded."""
    sources: SourceMap | None = None
    """The nodes and modules of its ONNX that its ops come from."""
    beside: Runtrace | None = None
    """The runtrace found next to a file; a record has its own."""

    @cached_property
    def ops(self) -> list[Op]:
        """Its ops, each with its module if the sources name it."""
        return ops_of(self.file, self.sources)

    @property
    def origin(self) -> Origin:
        """Whether its figures come from a device or a simulator."""
        if self.record:
            return self.record.origin
        return Origin.SIMULATOR if self.file.simulated else Origin.DEVICE

    @property
    def runtrace(self) -> Runtrace | None:
        """The runtrace of the very inference that the QHAS file describes, if there is one."""
        trace = self.any_runtrace
        return trace if trace and of_one_inference(trace, self.file) else None

    @property
    def any_runtrace(self) -> Runtrace | None:
        """The side's runtrace, even if it belongs to another run."""
        return self.record.runtrace if self.record else self.beside

    @property
    def digest(self) -> str | None:
        """Digest of its DLC, if a record states it."""
        return self.record.model.sha256 if self.record and self.record.model else None


def same_network(before: Evidence, after: Evidence) -> bool:
    """Whether, according to the records, both sides ran the very same DLC. False if they do not say."""
    return before.digest is not None and before.digest == after.digest


def circumstances(
    before: Evidence,
    after: Evidence,
    ops: Sequence[OpChange],
    figures: Sequence[Figure],
    resources: Sequence[Resource],
    clock: Figure,
    networks: NetworkDiff | None = None,
) -> list[Circumstance]:
    """List the circumstances, the most explanatory first; those that explain nothing last.

    Only ops of the network are counted. `networks` is the difference of the networks, if both are recorded.
    """
    ops = [op for op in ops if op.of_network]
    old, new = _settings(before, after)
    options = (_options(before), _options(after))
    listed = [*_differences(old, new), *option_changes(*options, one_soc=not _moved(Kind.SOC, old, new))]
    if networks:
        listed += network_causes(networks, _modules(networks, before.sources, after.sources))
    elif not same_network(before, after):
        listed += network_changes(ops) or _other_bytes(before, after)
    one_sdk = Kind.SDK in old and not any(_moved(kind, old, new) for kind in (Kind.SDK, Kind.SOC))
    stated = (old.keys() & new.keys()) | stated_options(*options, one_sdk=one_sdk)
    differ = {circumstance.kind for circumstance in listed}
    if Kind.OPTIMIZATION_LEVEL in stated:
        stated = stated | {Kind.COMPILED}
    listed += [
        circumstance
        for circumstance in observed(ops, figures, resources, clock, differ)
        if circumstance.kind not in stated | differ
    ]
    return sorted(listed, key=lambda circumstance: (not circumstance.explains, _ORDER[circumstance.kind]))


def _modules(
    diff: NetworkDiff, before: SourceMap | None, after: SourceMap | None
) -> Mapping[str, str | None]:
    sides = (
        (before, (node for op in diff.ops for node in op.match.before)),
        (after, (node for op in diff.ops for node in op.match.after)),
    )
    return {node.name: sources.module_of(node.name) for sources, nodes in sides if sources for node in nodes}


def _other_bytes(before: Evidence, after: Evidence) -> list[Circumstance]:
    """Report another DLC whose network was not recorded: the ops look alike, and what changed is unknown."""
    if None in (before.digest, after.digest):
        return []
    sentence = "a different DLC, whose network was not recorded"
    return [Circumstance(kind=Kind.DLC_BYTES, source=Source.RECORD, sentence=sentence)]


def _moved(kind: CircumstanceKind, before: Settings, after: Settings) -> bool:
    return before.get(kind) != after.get(kind)


def _options(side: Evidence) -> Options:
    return options_of(side.record) if side.record else options_of_file(side.file)


def _settings(before: Evidence, after: Evidence) -> tuple[Settings, Settings]:
    """Read the settings from records if both sides have one: files name the same SDK differently."""
    if before.record and after.record:
        old, new = _of_record(before.record), _of_record(after.record)
    else:
        old, new = _of_file(before.file), _of_file(after.file)
    return old | {Kind.SCHEMA: before.file.version}, new | {Kind.SCHEMA: after.file.version}


def _of_record(record: CellRecord) -> dict[CircumstanceKind, str]:
    cell, device = record.cell, record.device
    trace = [name for name, on in cell.trace if on]
    return {
        Kind.SOC: cell.soc,
        Kind.SDK: f"{record.sdk.kind} {record.sdk.version}",
        Kind.PERF_PROFILE: str(cell.run.perf_profile),
        Kind.DEVICE: device.name if device else "",
        Kind.BUILD: (device.build or "") if device else "",
        Kind.TRACE: ", ".join(trace),
    }


def _of_file(file: QhasFile) -> dict[CircumstanceKind, str]:
    """Return what a file states about itself: SoC and SDK if it is simulated, nothing if it is a device's."""
    provenance = {Kind.SOC: file.provenance.get("soc"), Kind.SDK: file.provenance.get("library")}
    return {kind: str(text) for kind, text in provenance.items() if text}


def _differences(before: Settings, after: Settings) -> Iterator[Circumstance]:
    for kind, sentence in _SENTENCES.items():
        old, new = before.get(kind), after.get(kind)
        if old and new and old != new and not _follows(kind, before, after):
            yield Circumstance(
                kind=kind,
                source=Source.RECORD,
                sentence=sentence.format(before=old, after=new),
                before=old,
                after=new,
                explains=kind not in _EXPLAINS_NOTHING,
            )


def _follows(kind: CircumstanceKind, before: Settings, after: Settings) -> bool:
    """Whether the change follows from another SoC: other device, other build, but only one circumstance."""
    return kind in (Kind.DEVICE, Kind.BUILD) and before.get(Kind.SOC) != after.get(Kind.SOC)
