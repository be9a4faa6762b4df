"""The schematic of a prepared graph (`<graph>_schematic.bin`): what the compiled ops are and where they came from.

The file is one text in Python syntax. It is scanned for the sections the viewer needs and never evaluated:

    graph_before_optimization   the QNN nodes, by OpId
    graph_after_optimization    the HTP ops, by id: operation, inputs, outputs
    op_docstrings               a sentence about some of the HTP ops
    qnn_name_translations       OpId to the node's name
    qnn_graph_name

An OpId is the low half of an id; the high half of a node with several outputs is not zero.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from hostsdk.bounded import LARGEST_LOG, read_file
from hostsdk.errors import Refusal

_INPUT, _OUTPUT = 2, 3
_CONSTANT, _UNKNOWN = "$Const", "unknown op"
_OP_ID = 0xFFFFFFFF
_NODE = re.compile(r"^\t0x([0-9a-f]+): \{\n\t\t'operation':'([^']*)'(.*?)^\t\},$", re.MULTILINE | re.DOTALL)
_OPERATION = re.compile(r"^\t0x([0-9a-f]+): \{\n\t\t'operation':'([^']*)'", re.MULTILINE)
_INPUT_OF_NODE = re.compile(r"\(0x([0-9a-f]+),(\d+)\)")
_TENSOR = re.compile(
    r"'dtype': '(\w*)', 'rank': (\d+),\s*'zero_offset': (-?\d+), 'stepsize': ([^,\s]+),\s*'dims': \[([\d,\s-]*)\]"
)
_NAME = re.compile(r"^0x([0-9a-f]+): '(.*)',$", re.MULTILINE)
_GRAPH_NAME = re.compile(r'^qnn_graph_name = "(.*)"$', re.MULTILINE)
_KEYED = re.compile(r"^\t0x([0-9a-f]+): (\d+),$", re.MULTILINE)
_SENTENCE = re.compile(r'^\t"(.*)",$', re.MULTILINE)


class SchematicError(Refusal):
    """The schematic is missing, damaged or belongs to a different prepare."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """An output of an HTP op: type as the compiler names it, and quantisation (real = (stored - zero) x step)."""

    dtype: str
    rank: int
    zero_offset: int
    step_size: float
    dims: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class HtpOp:
    """A compiled op: the ids of the ops that feed it, each with the output it uses, and its own outputs."""

    operation: str
    inputs: tuple[tuple[int, int], ...]
    outputs: tuple[Tensor, ...]

    @property
    def constant(self) -> bool:
        """Whether it is data of the graph, not an op ($Const, $Shape)."""
        return self.operation.startswith("$")


@dataclass(frozen=True, slots=True)
class QnnNode:
    """A node of the QNN graph, with the graph's Input and Output as nodes of these types."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Schematic:
    """One prepared graph. `nodes` are by OpId, `ops` and `descriptions` by HTP op id; `sha256` is of the file.

    `constants` are data that nodes read; a compiled graph moves them by ops that carry the OpId of the constant.
    """

    graph: str
    nodes: Mapping[int, QnnNode]
    constants: Mapping[int, QnnNode]
    ops: Mapping[int, HtpOp]
    descriptions: Mapping[int, str]
    sha256: str

    def node(self, op_id: int) -> QnnNode:
        """Return what has this OpId: a node, a constant that a node reads, or an unknown op."""
        known = self.nodes.get(op_id) or self.constants.get(op_id)
        return known or QnnNode(f"{_UNKNOWN} {op_id:#x}", _UNKNOWN)

    def knows(self, op_id: int) -> bool:
        """Whether the schematic states what has this OpId."""
        return op_id in self.nodes or op_id in self.constants


def read_schematic(path: Path) -> Schematic:
    """Read one schematic; raises `SchematicError` when it is missing or not a schematic."""
    try:
        content = read_file(path, LARGEST_LOG)
    except OSError as fault:
        raise SchematicError(f"{path} cannot be read ({fault.strerror}).") from fault
    return parse_schematic(content, str(path))


def parse_schematic(content: bytes, name: str) -> Schematic:
    """Parse the bytes of a schematic called `name` in messages; raises `SchematicError` when they are not one."""
    text = content.decode("utf-8", "replace")
    graph = _GRAPH_NAME.search(text)
    translations = _between(text, "\nqnn_name_translations = {", "\n}")
    before = _graph(text, "graph_before_optimization")
    after = _graph(text, "graph_after_optimization")
    if graph is None or not translations or not before or not after:
        raise SchematicError(
            f"{name} is not a complete schematic of a graph prepared with --profiling_level qhas."
        )
    types = {int(match[1], 16) & _OP_ID: match[2] for match in _OPERATION.finditer(before)}
    try:
        nodes = _nodes(translations, types)
        return Schematic(
            graph=graph[1],
            nodes=nodes,
            constants=_constants(before, nodes, types),
            ops=dict(_ops(after)),
            descriptions=_descriptions(text),
            sha256=hashlib.sha256(content).hexdigest(),
        )
    except ValueError as fault:
        raise SchematicError(f"{name} is a damaged schematic ({fault}); prepare the graph again.") from fault


def _between(text: str, opening: str, closing: str) -> str:
    start = text.find(opening)
    end = text.find(closing, start + len(opening)) if start >= 0 else -1
    return text[start + len(opening) : end + 1] if end >= 0 else ""


def _graph(text: str, section: str) -> str:
    return _between(text, f"\n{section} = {{", f"\n# :::END:{section}:::")


def _nodes(translations: str, types: Mapping[int, str]) -> dict[int, QnnNode]:
    nodes = {
        _INPUT: QnnNode("Input", "Input"),
        _OUTPUT: QnnNode("Output", "Output"),
    }
    for match in _NAME.finditer(translations):
        op_id = int(match[1], 16) & _OP_ID
        nodes[op_id] = QnnNode(match[2], types.get(op_id, "").removeprefix("q::").removeprefix("QNN_"))
    return nodes


def _constants(before: str, nodes: Mapping[int, QnnNode], types: Mapping[int, str]) -> dict[int, QnnNode]:
    """Return what is not an op and feeds a node, named after the first node it feeds: OpIds change every compile."""
    read_by: dict[int, int] = {}
    for op_id, _, body in _NODE.findall(before):
        if (reader := int(op_id, 16) & _OP_ID) in nodes:
            for source, _ in _INPUT_OF_NODE.findall(_inputs(body)):
                constant = int(source, 16) & _OP_ID
                if constant not in nodes and types.get(constant, _CONSTANT).startswith("$"):
                    read_by.setdefault(constant, reader)
    several = Counter(read_by.values())
    numbers: Counter[int] = Counter()
    constants = {}
    for constant, reader in read_by.items():
        numbers[reader] += 1
        which = f"constant {numbers[reader]}" if several[reader] > 1 else "constant"
        constants[constant] = QnnNode(f"{which} of {nodes[reader].name}", _CONSTANT)
    return constants


def _ops(section: str) -> Iterator[tuple[int, HtpOp]]:
    for op_id, operation, body in _NODE.findall(section):
        inputs, _, outputs = body.partition("'outputs'")
        yield (
            int(op_id, 16),
            HtpOp(
                operation=operation,
                inputs=tuple(
                    (int(source, 16), int(slot)) for source, slot in _INPUT_OF_NODE.findall(_inputs(inputs))
                ),
                outputs=tuple(_tensor(*fields) for fields in _TENSOR.findall(outputs)),
            ),
        )


def _inputs(body: str) -> str:
    """Return only the list of inputs: the split history before it holds pairs too."""
    return body.partition("'inputs'")[2]


def _tensor(dtype: str, rank: str, zero_offset: str, step_size: str, dims: str) -> Tensor:
    return Tensor(
        dtype,
        int(rank),
        int(zero_offset),
        float(step_size),
        tuple(int(dim) for dim in dims.split(",") if dim.strip()),
    )


def _descriptions(text: str) -> dict[int, str]:
    section = _between(text, "\nop_docstrings = {", "\n# :::END:op_docstrings:::")
    keys, _, sentences = section.partition("op_docstrings_key")
    known = _SENTENCE.findall(sentences)
    return {int(op, 16): known[int(key)] for op, key in _KEYED.findall(keys) if int(key) < len(known)}
