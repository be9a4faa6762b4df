"""Names for the numbers in a DLC: data types (QnnTypes.h), and operations of element-wise ops (QnnOpDef.h)."""

from __future__ import annotations

from collections.abc import Mapping

DATA_TYPES: Mapping[int, str] = {
    0x0008: "Int8",
    0x0016: "Int16",
    0x0032: "Int32",
    0x0064: "Int64",
    0x0108: "UInt8",
    0x0116: "UInt16",
    0x0132: "UInt32",
    0x0164: "UInt64",
    0x0216: "Float16",
    0x0232: "Float32",
    0x0264: "Float64",
    0x0304: "SFixed4",
    0x0308: "SFixed8",
    0x0316: "SFixed16",
    0x0332: "SFixed32",
    0x0404: "UFixed4",
    0x0408: "UFixed8",
    0x0416: "UFixed16",
    0x0432: "UFixed32",
    0x0508: "Bool",
    0x0608: "String",
}
NUMBERS: Mapping[str, str] = {
    "Int8": "b",
    "Int16": "h",
    "Int32": "i",
    "Int64": "q",
    "UInt8": "B",
    "UInt16": "H",
    "UInt32": "I",
    "UInt64": "Q",
    "Float16": "e",
    "Float32": "f",
    "Bool": "?",
}
"""The `struct` forms of the data types whose values are shown."""
TYPES: Mapping[str, str] = {
    "Neuron": "ElementWiseNeuron",
    "Eltwise_Binary": "ElementWiseBinary",
    "Eltwise_Unary": "ElementWiseUnary",
}
"""Converters write these ops under either name; profiles use the second."""
OPERATIONS: Mapping[str, Mapping[int, str]] = {
    "ElementWiseNeuron": {
        0: "Elu",
        1: "Gelu",
        2: "HardSigmoid",
        3: "HardSwish",
        4: "Relu",
        5: "ReluMinMax",
        6: "Sigmoid",
        7: "Softplus",
        8: "Tanh",
    },
    "ElementWiseBinary": {
        0: "Add",
        2: "Divide",
        10: "Maximum",
        11: "Minimum",
        13: "Multiply",
        16: "Power",
        18: "Subtract",
    },
    "ElementWiseUnary": {
        0: "Abs",
        3: "Ceil",
        4: "Cos",
        5: "Exp",
        6: "Floor",
        7: "Log",
        8: "Negate",
        11: "Round",
        13: "Sign",
        14: "Sin",
        15: "Sqrt",
    },
}
"""Found by converting each from ONNX, one op at a time; a number that is not listed is shown as it is."""
