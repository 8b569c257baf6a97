# SPDX-License-Identifier: Apache-2.0
"""Reads what onnx_writer writes, and classifiers like it, without the onnx package: nodes and float32 weights.

Field numbers are those of onnx.proto. Fields that are not needed are passed over.
"""
import struct
from dataclasses import dataclass, field

import numpy as np

TYPES = {1: np.float32, 6: np.int32, 7: np.int64, 10: np.float16, 11: np.float64}
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


@dataclass
class Node:
    operator: str = ""
    name: str = ""
    inputs: list = field(default_factory=list)
    outputs: list = field(default_factory=list)
    attributes: dict = field(default_factory=dict)


@dataclass
class Model:
    nodes: list = field(default_factory=list)
    weights: dict = field(default_factory=dict)
    inputs: dict = field(default_factory=dict)  # name: shape, where a dimension without a number is None
    outputs: list = field(default_factory=list)


def _varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
        if shift > 63:
            raise ValueError("a number of more than ten bytes")


def fields(data):
    """(number, value) of every field of a message: an int, or a memoryview of bytes."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        kind = key & 7
        if kind == VARINT:
            value, at = _varint(data, at)
        elif kind == BYTES:
            size, at = _varint(data, at)
            value, at = data[at:at + size], at + size
        elif kind in (FIXED64, FIXED32):
            size = 8 if kind == FIXED64 else 4
            value, at = data[at:at + size], at + size
        else:
            raise ValueError(f"wire type {kind}")
        if at > len(data):
            raise ValueError("the file ends inside a field")
        yield key >> 3, value


def _signed(value):
    return value - 2**64 if value >= 2**63 else value


def _integers(value):
    """One integer, or a packed list."""
    if isinstance(value, int):
        return [_signed(value)]
    found, at = [], 0
    while at < len(value):
        number, at = _varint(value, at)
        found.append(_signed(number))
    return found


def _text(value):
    return bytes(value).decode()


def _tensor(data):
    dims, code, name, raw, floats, integers = [], 0, "", None, b"", []
    for number, value in fields(data):
        if number == 1:
            dims += _integers(value)
        elif number == 2:
            code = value
        elif number == 4:
            floats += bytes(value)
        elif number == 7:
            integers += _integers(value)
        elif number == 8:
            name = _text(value)
        elif number == 9:
            raw = value
    if code not in TYPES:
        raise ValueError(f"{name}: element type {code}")
    if raw is not None or code == 1:
        elements = np.frombuffer(raw if raw is not None else floats, TYPES[code])
    else:
        elements = np.array(integers, TYPES[code])
    return name, elements.reshape(dims)


def _attribute(data):
    name, value = "", None
    for number, found in fields(data):
        if number == 1:
            name = _text(found)
        elif number == 2:
            value = struct.unpack("<f", found)[0]
        elif number == 3:
            value = _signed(found)
        elif number == 4:
            value = _text(found)
        elif number == 5:
            value = _tensor(found)[1]
        elif number == 8:
            value = (value or []) + _integers(found)
    return name, value


def _node(data):
    node = Node()
    for number, value in fields(data):
        if number == 1:
            node.inputs.append(_text(value))
        elif number == 2:
            node.outputs.append(_text(value))
        elif number == 3:
            node.name = _text(value)
        elif number == 4:
            node.operator = _text(value)
        elif number == 5:
            name, attribute = _attribute(value)
            node.attributes[name] = attribute
    return node


def _first(data, wanted):
    return next((value for number, value in fields(data) if number == wanted), b"")


def _value_info(data):
    shape = []
    tensor = _first(_first(data, 2), 1)
    for number, dimension in fields(_first(tensor, 2)):
        if number == 1:
            shape.append(next((value for key, value in fields(dimension) if key == 1), None))
    return _text(_first(data, 1)), shape


def read(path):
    """The model of a file; weights are views of its bytes."""
    with open(path, "rb") as file:
        data = memoryview(file.read())
    model = Model()
    for number, value in fields(_first(data, 7)):
        if number == 1:
            model.nodes.append(_node(value))
        elif number == 5:
            name, elements = _tensor(value)
            model.weights[name] = elements
        elif number == 11:
            name, shape = _value_info(value)
            model.inputs[name] = shape
        elif number == 12:
            model.outputs.append(_value_info(value)[0])
    for name in model.weights:
        model.inputs.pop(name, None)
    return model
