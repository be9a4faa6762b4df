"""A network as the author of a sweep names it: a DLC, an ONNX, or a language model's config.json, with its options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from qhas.documents import Written, anchored
from qhas.machine.secrets import Address
from qhas.naming import Name
from qhas.sweep.language import Llm
from qhas.sweep.quantization import RANDOM_CALIBRATION, Quantize

RANDOM_INPUTS = "random"
NO_INPUTS = "none"
"""Nothing is executed: for a simulated SoC, the simulator's estimate needs no inputs."""
ACCURACY_INPUTS = 16
"""Inferences that accuracy covers unless a sweep says otherwise: on the emulator each takes seconds."""
INPUT_WORDS = (RANDOM_INPUTS, NO_INPUTS)
"""Words allowed in place of an input list."""
Shape = Annotated[list[Annotated[int, Field(ge=1, lt=1 << 31)]], Field(min_length=1, max_length=16)]

Bound = Annotated[int, Field(ge=-(1 << 63), lt=1 << 63)]
"""A bound of an integer input: a record with a longer number could not be read again."""


def _is_empty(value: object) -> bool:
    """Whether a record leaves the field out: records of cells of DLCs stay as they were before it existed."""
    return not value


class ModelRef(Written):
    """A network to profile."""

    name: Name = Field(
        title="Name",
        description="Used in reports and paths: letters, digits, dots, dashes, underscores.",
        examples=["inception_v2"],
    )
    dlc: Address = Field(
        default="",
        exclude_if=_is_empty,
        title="DLC",
        description="Un-cached DLC: a path on the worker or any fsspec URL, as in s3://models/inception_v2.dlc.",
        examples=["s3://models/inception_v2.dlc"],
    )
    onnx: Address = Field(
        default="",
        exclude_if=_is_empty,
        title="ONNX",
        description="Instead of a DLC: an ONNX, which is converted first. Its weights may be in files next to it.",
        examples=["s3://models/inception_v2.onnx"],
    )
    llm: Llm = Field(
        default=None,
        exclude_if=_is_empty,
        title="Language model",
        description="Instead of a DLC: the config.json of a language model, alone or with context and bits. It is estimated: "
        "simulated SoCs only.",
        examples=["Llama-3.2-1B/config.json", {"config": "Llama-3.2-1B/config.json", "context": 4096}],
    )
    shapes: dict[str, Shape] = Field(
        default={},
        exclude_if=_is_empty,
        title="Shapes",
        description="For an ONNX, by input: needed if a dimension has no number.",
        examples=[{"image": [1, 3, 224, 224]}],
    )
    quantize: Quantize = Field(
        default=None,
        exclude_if=_is_empty,
        title="Quantise",
        description="For a float ONNX: bits of weights and activations; None leaves it as it is.",
    )
    reference: Address = Field(
        default="",
        exclude_if=_is_empty,
        title="Reference",
        description="The float ONNX to compare the outputs of a DLC or a quantised ONNX with; a float ONNX is its own reference.",
    )
    accuracy: bool = Field(
        default=True,
        exclude_if=bool,
        title="Accuracy",
        description="Compare the outputs with ONNX Runtime's, if there is an ONNX.",
    )
    accuracy_inputs: int = Field(
        default=ACCURACY_INPUTS,
        ge=1,
        le=10_000,
        exclude_if=lambda count: count == ACCURACY_INPUTS,
        title="Accuracy inputs",
        description="How many inferences of the input list accuracy covers, starting with the first; all if the list has fewer.",
    )
    inputs: Address = Field(
        default=RANDOM_INPUTS,
        title="Inputs",
        min_length=1,
        description="random, or the path or URL of an input list, whose files are relative to it; none for no execution, on "
        "simulated SoCs only.",
        examples=[*INPUT_WORDS, "s3://models/inception_v2/input_list.txt"],
    )
    graph_inputs: dict[str, Address] = Field(
        default={},
        title="Inputs by graph",
        description="For a DLC with several graphs: path or URL of an input list for each, by the graph's name. "
        "None: random for all.",
        examples=[{"prefill": "prefill.txt", "decode": "decode.txt"}],
    )
    native_inputs: bool = Field(
        default=False,
        title="Native inputs",
        description="The files of the input list hold values of the inputs' own types, as in int64, not float32.",
    )
    input_ranges: dict[str, tuple[Bound, Bound]] = Field(
        default={},
        title="Input ranges",
        description="Minimum and maximum random value of an integer input, by its name; 0 if not given.",
        examples=[{"input_ids": (0, 30521)}],
    )
    tags: list[Name] = Field(
        default=[], title="Tags", description="Words to select models by, as in nightly or canary."
    )

    @model_validator(mode="after")
    def _is_one_network(self) -> Self:
        ways = [way for way in (self.dlc, self.onnx, self.llm) if way]
        if len(ways) != 1:
            has = "several; give one of" if ways else "none; give"
            raise ValueError(f"model {self.name} has {has} a dlc, an onnx or an llm")
        if not self.onnx and (self.shapes or self.quantize):
            what = "DLC" if self.dlc else "language model"
            raise ValueError(
                f"model {self.name} is a {what}, whose shapes and bits are fixed; `shapes` and `quantize` apply only to an onnx"
            )
        return self

    @model_validator(mode="after")
    def _language_is_estimated(self) -> Self:
        if self.llm and (self.input_lists or self.reference):
            raise ValueError(
                f"model {self.name} is a language model, which is estimated with seeded weights and accepts neither inputs nor a reference"
            )
        return self

    @model_validator(mode="after")
    def _lists_are_of_the_network_or_of_its_graphs(self) -> Self:
        if self.graph_inputs and self.inputs != RANDOM_INPUTS:
            raise ValueError(
                "inputs and graph_inputs are both given; use graph_inputs for a DLC with several graphs, inputs for any other"
            )
        return self

    @property
    def source(self) -> str:
        """The address of the file that the network is built from."""
        return self.dlc or self.onnx or (self.llm.config if self.llm else "")

    @property
    def executes(self) -> bool:
        """Whether the network is executed: an estimate needs no inputs and leaves no outputs."""
        return self.inputs != NO_INPUTS and not self.llm

    def of_reference(self) -> ModelRef:
        """Return the ONNX that its outputs are compared with, as a model; its own if no other is named."""
        return ModelRef(name=self.name, onnx=self.reference or self.onnx)

    @property
    def calibration(self) -> str | None:
        """The address of the data that ranges are taken from; None if they are random or nothing is quantised."""
        place = self.quantize.calibration if self.quantize else RANDOM_CALIBRATION
        return None if place == RANDOM_CALIBRATION else place

    @property
    def input_lists(self) -> tuple[str, ...]:
        """The addresses of all input lists; empty if a word stands for them."""
        return tuple(self.graph_inputs.values()) or (() if self.inputs in INPUT_WORDS else (self.inputs,))


def anchored_model(file: Path, place: str, model: ModelRef) -> ModelRef:
    """Return the model with its relative paths resolved against the folder of the file that names it.

    Raises InvalidInput.
    """
    changes: dict[str, Any] = {
        field: anchored(file, f"{place}.{field}", address)
        for field, address in (
            ("dlc", model.dlc),
            ("onnx", model.onnx),
            ("reference", model.reference),
            ("inputs", model.inputs),
        )
        if address and (field != "inputs" or address not in INPUT_WORDS)
    }
    changes["graph_inputs"] = {
        graph: anchored(file, f"{place}.graph_inputs.{graph}", address)
        for graph, address in model.graph_inputs.items()
    }
    if model.quantize and model.quantize.calibration != RANDOM_CALIBRATION:
        data = anchored(file, f"{place}.quantize.calibration", model.quantize.calibration)
        changes["quantize"] = model.quantize.model_copy(update={"calibration": data})
    if model.llm:
        config = anchored(file, f"{place}.llm", model.llm.config)
        changes["llm"] = model.llm.model_copy(update={"config": config})
    return model.model_copy(update=changes)
