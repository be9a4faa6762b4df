"""Turn ONNX Runtime's error for a network that it cannot load into a sentence for the network's user."""

from __future__ import annotations

import re
from collections.abc import Mapping

_REASON_LIMIT = 400
_PREFIXES = re.compile(
    r"\[ONNXRuntimeError\] : \d+ : \w+ : |Load model from \S+ failed:\s*|This is an invalid model\.\s*|"
    r"Exception during initialization: |/\S*onnxruntime_src/\S+:\d+ .*?\)(?: const)? (?=[A-Z[])|"
    r"[\w/]+\.(?:cc|h):\d+ \w+ "
)
"""Library, error number and name; the file; and where ONNX Runtime's own source raised the error."""
_SENTENCES: Mapping[str, str] = {
    r"Unsupported model IR version: (\d+), max supported IR version: (\d+)": "its IR version is {0}, and this ONNX Runtime reads up to {1}: export it with an older onnx, or save it with `model.ir_version = {1}`",
    r"Opset (\d+) is under development.*for domain (\S+) is till opset (\d+)": "its opset of {1} is {0}, and this ONNX Runtime supports up to {2}: export it with opset_version={2} or below",
    r"Type 'tensor\((\w+)\)' of input parameter \(.*?\) of operator \((\w+)\) in node \((.*?)\) is invalid": "{1} ({2}) does not support {0}: export it in float32 or float16",
    r"Node '(.*?)(?:_token_\d+)?' OpType:(\w+) .* was not selected by that EP": "the HTP does not support {1} ({0}) in this form: check that the shapes and types of its inputs and weights match",
    r"Could not find an implementation for (\w+)\(\d+\) node with name '(.*?)'": "ONNX Runtime has no {0} ({1}) for its input's data type: put a Cast to float32 before it, or export the network in float32 or float16",
    r"Node \((.*?)\) Op \((\w+)\) \[\w+\] (.*?)\.?$": "{1} ({0}) does not fit its inputs ({2}): correct it, and export it again",
    r"running (\w+) node\. Name:'(.*?)' Status Message: (?:\S+:\d+ \S+ )?(.*?)\.?$": "{0} ({1}) cannot be computed ({2}): check that the shapes and types of its inputs and weights match",
    r"Duplicate definition of name \((.*)\)": "two nodes produce a tensor called {0}: export it again",
    r"Node input '(.*)' is not a graph input": "a node reads {0}, which no node produces: the network was cut or edited incorrectly; export it again",
    r"the graph is not acyclic": "its nodes form a cycle: it was edited incorrectly; export it again",
    r"Protobuf parsing failed": "it is not a complete ONNX file: it was cut off or damaged in transit; copy it again",
}


def reason_of(error: Exception) -> str:
    """Return the runtime's text as one sentence: with a remedy if one is known, else stripped of internal details."""
    text = " ".join(str(error).split())
    for pattern, sentence in _SENTENCES.items():
        if match := re.search(pattern, text):
            return f"{sentence.format(*match.groups())}."
    return f"{_PREFIXES.sub('', text)[:_REASON_LIMIT].strip().rstrip('.')}."
