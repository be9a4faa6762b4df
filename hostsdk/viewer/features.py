"""The viewer's configuration file: which outputs to write, and which parts of them."""

from __future__ import annotations

import difflib
import enum
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hostsdk.bounded import LARGEST_TEXT, read_file
from hostsdk.errors import Refusal


class FeatureError(Refusal):
    """The configuration file is missing or not valid."""


class Feature(enum.StrEnum):
    """The vendor's switches under `"features"`.

    The vendor names the switches and their defaults; if no public text says exactly what one covers, the sentence here
    is this viewer's interpretation.
    """

    HTP_JSON = "htp_json"
    """Write `<stem>_htp.json`, the compiled graph."""
    RUNTRACE = "runtrace"
    """Write `<stem>_runtrace.json`, one bar per inference."""
    MEMORY_INFO = "memory_info"
    """Put the DRAM and VTCM counters into the chrometrace; figures in the summary and the graph always stay."""
    TRACEBACK = "traceback"
    """Name the ops that feed an op in its chrometrace event ("Inputs Ops")."""
    QHAS_JSON = "qhas_json"
    """Write the QHAS summary as JSON; its HTML page is always written."""
    QHAS_SCHEMA = "qhas_schema"
    """Write `qhas_schema.json`, the JSON Schema of the QHAS summary."""
    INPUT_OUTPUT_FLOWS = "enable_input_output_flow_events"
    """Draw arrows from producers to consumers in the chrometrace; arrows need the legacy chrome://tracing UI."""
    SEQUENCER_FLOWS = "enable_sequencer_flow_events"
    """Draw arrows from the thread that starts an op to the op; arrows need the legacy chrome://tracing UI."""


_DEFAULTS: Mapping[Feature, bool] = {
    Feature.HTP_JSON: True,
    Feature.RUNTRACE: True,
    Feature.MEMORY_INFO: True,
    Feature.TRACEBACK: True,
    Feature.QHAS_JSON: False,
    Feature.QHAS_SCHEMA: False,
    Feature.INPUT_OUTPUT_FLOWS: False,
    Feature.SEQUENCER_FLOWS: False,
}
_GZIP = "gzip"


@dataclass(frozen=True, slots=True)
class Configuration:
    """The features that are on, whether outputs are compressed, and what in the file was not understood."""

    features: frozenset[Feature] = frozenset(feature for feature, on in _DEFAULTS.items() if on)
    gzip: bool = False
    warnings: tuple[str, ...] = ()


def read_configuration(path: Path) -> Configuration:
    """Read a configuration file; raises `FeatureError` when it is missing, not JSON or wrongly typed.

    Keys outside of `"features"` are ignored, as the vendor's viewer does, except for `"gzip"`, which is accepted in
    both places because the vendor's text leaves open which one it means.
    """
    try:
        document = json.loads(read_file(path, LARGEST_TEXT))
    except OSError as fault:
        raise FeatureError(f"The configuration {path} cannot be read ({fault.strerror}).") from fault
    except (ValueError, RecursionError) as fault:
        raise FeatureError(f"The configuration {path} is not JSON ({fault}).") from fault
    if not isinstance(document, dict):
        raise FeatureError(f'The configuration {path} must be a JSON object like {{"features": {{...}}}}.')
    features = document.get("features", {})
    if not isinstance(features, dict):
        raise FeatureError(f'"features" in the configuration {path} must be an object of switches.')
    return _configuration(path, features, document.get(_GZIP, False))


def _configuration(path: Path, features: Mapping[str, Any], gzip: object) -> Configuration:
    switches = {feature.value: on for feature, on in _DEFAULTS.items()} | {_GZIP: gzip}
    warnings = []
    for key, value in features.items():
        if key not in switches:
            warnings.append(_unknown(path, key, list(switches)))
        else:
            switches[key] = value
    for key, value in switches.items():
        if not isinstance(value, bool):
            raise FeatureError(
                f'"{key}" in the configuration {path} must be true or false, not {json.dumps(value)}.'
            )
    return Configuration(
        features=frozenset(feature for feature in Feature if switches[feature.value]),
        gzip=bool(switches[_GZIP]),
        warnings=tuple(warnings),
    )


def _unknown(path: Path, key: str, known: list[str]) -> str:
    near = difflib.get_close_matches(key, known, 1)
    return f'Unknown feature "{key}" in {path} is ignored' + (f'; did you mean "{near[0]}"?' if near else ".")
