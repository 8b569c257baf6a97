# SPDX-License-Identifier: Apache-2.0
"""A network as a list of layers with their weights: NCHW, float32, shapes known throughout.

Every layer method takes and returns names of activations, so a network is a chain of calls:

    graph = Graph("tiny", (3, 32, 32))
    x = graph.relu(graph.batch_norm(graph.conv(graph.input, 16, 3, pad=1)))
    graph.output = graph.softmax(graph.fully_connected(graph.flatten(graph.global_pool(x)), 10))

Weights are zero-filled at first (variances and gammas one); whoever knows better overwrites `graph.weights[name]`.
"""
from dataclasses import dataclass, field

import numpy as np


@dataclass
class Layer:
    """One operator. `inputs` and the result `name` are activations, `weights` are keys of Graph.weights."""
    kind: str
    name: str
    inputs: list
    weights: list = field(default_factory=list)
    attributes: dict = field(default_factory=dict)


def pooled_size(size, kernel, stride, pad, ceil):
    """Output length of a pooling along one axis; with ceil, the last window may hang over the far end."""
    span = size + 2 * pad - kernel
    if span < 0:
        raise ValueError(f"a window of {kernel} does not fit into {size} with padding {pad}")
    return (-(-span // stride) if ceil else span // stride) + 1


class Graph:
    """Layers in the order of execution; `shapes` maps every activation to its shape without the batch."""

    def __init__(self, name, input_shape):
        self.name = name
        self.input = "data"
        self.output = None
        self.layers = []
        self.weights = {}
        self.shapes = {self.input: tuple(input_shape)}
        self._counts = {}

    def _add(self, kind, inputs, shape, weights=(), name=None, **attributes):
        """Appends a layer. `weights` are (suffix, shape, fill) triples; returns the layer's name."""
        if name is None:
            index = self._counts.get(kind, 0)
            self._counts[kind] = index + 1
            name = f"{kind}{index}"
        if name in self.shapes:
            raise ValueError(f"two layers are called {name}")
        keys = []
        for suffix, weight_shape, fill in weights:
            key = f"{name}_{suffix}"
            # Zeros take no memory until written, which a description of a large network need not do.
            self.weights[key] = np.full(weight_shape, fill, np.float32) if fill else np.zeros(weight_shape, np.float32)
            keys.append(key)
        self.layers.append(Layer(kind, name, list(inputs), keys, attributes))
        self.shapes[name] = tuple(shape)
        return name

    def conv(self, x, filters, kernel, stride=1, pad=0, groups=1, bias=False, name=None):
        channels, height, width = self.shapes[x]
        if channels % groups or filters % groups:
            raise ValueError(f"{channels} -> {filters} channels do not divide into {groups} groups")
        shape = (filters, pooled_size(height, kernel, stride, pad, False),
                 pooled_size(width, kernel, stride, pad, False))
        weights = [("weight", (filters, channels // groups, kernel, kernel), 0)]
        if bias:
            weights.append(("bias", (filters,), 0))
        return self._add("conv", [x], shape, weights, name, kernel=kernel, stride=stride, pad=pad,
                         groups=groups, filters=filters)

    def batch_norm(self, x, epsilon=1e-5, fix_gamma=False, name=None):
        """fix_gamma: gamma is taken as one whatever is stored (an MXNet property; ONNX gets ones)."""
        channels = (self.shapes[x][0],)
        weights = [("gamma", channels, 1), ("beta", channels, 0),
                   ("running_mean", channels, 0), ("running_var", channels, 1)]
        return self._add("batchnorm", [x], self.shapes[x], weights, name, epsilon=epsilon, fix_gamma=fix_gamma)

    def relu(self, x, name=None):
        return self._add("relu", [x], self.shapes[x], name=name)

    def clip(self, x, low=0.0, high=6.0, name=None):
        return self._add("clip", [x], self.shapes[x], name=name, low=low, high=high)

    def add(self, a, b, name=None):
        if self.shapes[a] != self.shapes[b]:
            raise ValueError(f"add of {self.shapes[a]} and {self.shapes[b]}")
        return self._add("add", [a, b], self.shapes[a], name=name)

    def _pool(self, kind, x, kernel, stride, pad, ceil, name, **more):
        channels, height, width = self.shapes[x]
        shape = (channels, pooled_size(height, kernel, stride, pad, ceil),
                 pooled_size(width, kernel, stride, pad, ceil))
        return self._add(kind, [x], shape, name=name, kernel=kernel, stride=stride, pad=pad, ceil=ceil, **more)

    def max_pool(self, x, kernel, stride, pad=0, ceil=False, name=None):
        return self._pool("maxpool", x, kernel, stride, pad, ceil, name)

    def average_pool(self, x, kernel, stride, pad=0, ceil=False, count_padding=True, name=None):
        if ceil and any(pooled_size(size, kernel, stride, pad, True) != pooled_size(size, kernel, stride, pad, False)
                        for size in self.shapes[x][1:]):
            # MXNet and ONNX differ on what such a window divides by.
            raise ValueError("an average over a window that hangs over the edge is not the same in both formats")
        return self._pool("avgpool", x, kernel, stride, pad, ceil, name, count_padding=count_padding)

    def global_pool(self, x, name=None):
        return self._add("globalpool", [x], (self.shapes[x][0], 1, 1), name=name)

    def concat(self, xs, name=None):
        spatial = {self.shapes[x][1:] for x in xs}
        if len(spatial) != 1:
            raise ValueError(f"concat of different sizes {spatial}")
        return self._add("concat", xs, (sum(self.shapes[x][0] for x in xs),) + spatial.pop(), name=name)

    def pad(self, x, before, after, name=None):
        """Zeros around the picture: `before` rows above and columns left, `after` below and right."""
        channels, height, width = self.shapes[x]
        return self._add("pad", [x], (channels, height + before + after, width + before + after),
                         name=name, before=before, after=after)

    def lrn(self, x, size, alpha=1e-4, beta=0.75, bias=1.0, name=None):
        """x / (bias + alpha / size * sum of squares over `size` neighbouring channels) ** beta"""
        return self._add("lrn", [x], self.shapes[x], name=name, size=size, alpha=alpha, beta=beta, bias=bias)

    def dropout(self, x, ratio=0.5, name=None):
        """Identity at inference; exporters write it, so it is written."""
        return self._add("dropout", [x], self.shapes[x], name=name, ratio=ratio)

    def flatten(self, x, name=None):
        return self._add("flatten", [x], (int(np.prod(self.shapes[x])),), name=name)

    def fully_connected(self, x, units, bias=True, name=None):
        shape = self.shapes[x]
        if len(shape) != 1:
            raise ValueError(f"fully connected wants a flat input, not {shape}")
        weights = [("weight", (units, shape[0]), 0)]
        if bias:
            weights.append(("bias", (units,), 0))
        return self._add("fc", [x], (units,), weights, name, units=units)

    def softmax(self, x, name="softmax"):
        return self._add("softmax", [x], self.shapes[x], name=name)
