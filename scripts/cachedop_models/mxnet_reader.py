# SPDX-License-Identifier: Apache-2.0
"""Reads back the .params files that mxnet_writer.py writes (dense float32 arrays of version 2, all named)."""
import pathlib
import struct

import numpy as np

from .mxnet_writer import ARRAY_MAGIC_V2, DENSE, FLOAT32, LIST_MAGIC, is_auxiliary, parameter_name


class _Cursor:
    def __init__(self, path):
        self.path = path
        self.data = pathlib.Path(path).read_bytes()
        self.at = 0

    def bytes(self, count):
        if count < 0 or count > len(self.data) - self.at:
            raise ValueError(f"{self.path}: {count} bytes wanted at offset {self.at} of {len(self.data)}")
        self.at += count
        return self.data[self.at - count:self.at]

    def numbers(self, form):
        return struct.unpack("<" + form, self.bytes(struct.calcsize("<" + form)))


def read_parameters(path):
    """Arrays by their full name, such as `arg:fc_weight`."""
    cursor = _Cursor(path)
    magic, _, count = cursor.numbers("QQQ")
    if magic != LIST_MAGIC:
        raise ValueError(f"{path}: no list of arrays")
    arrays = []
    for _ in range(count):
        magic, storage, dimensions = cursor.numbers("Iii")
        if (magic, storage) != (ARRAY_MAGIC_V2, DENSE) or not 1 <= dimensions <= 32:
            raise ValueError(f"{path}: the array before offset {cursor.at} is not dense, version 2")
        shape = cursor.numbers(f"{dimensions}q")
        if cursor.numbers("iii")[2] != FLOAT32:
            raise ValueError(f"{path}: the array before offset {cursor.at} is not float32")
        size = 4
        for length in shape:
            size *= length
        arrays.append(np.frombuffer(cursor.bytes(size), "<f4").reshape(shape))
    if cursor.numbers("Q")[0] != count:
        raise ValueError(f"{path}: not as many names as arrays")
    return {cursor.bytes(cursor.numbers("Q")[0]).decode("utf-8"): array for array in arrays}


def load_weights(graph, path):
    """Replaces the graph's weights by those of the file; each must be there, with its shape, and no other."""
    arrays = read_parameters(path)
    for key, old in graph.weights.items():
        name = ("aux:" if is_auxiliary(key) else "arg:") + parameter_name(key)
        if name not in arrays or arrays[name].shape != old.shape:
            raise ValueError(f"{path}: no {name} of shape {old.shape}")
        graph.weights[key] = arrays.pop(name).astype(np.float32)
    if arrays:
        raise ValueError(f"{path}: {', '.join(arrays)} unknown to {graph.name}")
