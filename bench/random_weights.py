# SPDX-License-Identifier: Apache-2.0
"""Random weights under which a deep network still computes something.

Plain random weights make activations vanish or explode, which hides wrong layers and, with denormals, changes the
time a layer takes. Here the mean and variance of every channel are followed through the network as the weights are
drawn, without running it, and each batch norm gets the statistics its input will have, as training would leave
them. Input: mean 0, variance 1 in every channel, as normalised photographs have.
"""
import math

import numpy as np

BRANCH_GAMMA = 0.3  # of the last batch norm of a residual branch: the sum grows slowly with depth
LOGIT_DEVIATION = 2.0  # leads the thousand classes to neither one certain class nor equal ones
POOLED_VARIANCE = 1.0  # of a global average, relative to its input's: pictures differ about as much as pixels do

_erf = np.vectorize(math.erf, otypes=[np.float64])


def _rectified(mean, var):
    """Mean and variance of max(x, 0) for normal x."""
    deviation = np.sqrt(var)
    z = mean / deviation
    above = 0.5 * (1 + _erf(z / math.sqrt(2)))
    density = np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
    first = mean * above + deviation * density
    second = (mean * mean + var) * above + mean * deviation * density
    return first, np.maximum(second - first * first, 1e-6)


class _Statistics:
    """Draws weights layer by layer and keeps (mean, variance) per channel of every activation."""

    def __init__(self, graph, seed):
        self.graph = graph
        self.random = np.random.Generator(np.random.SFC64([seed, *graph.name.encode()]))
        self.values = {graph.input: (np.zeros(graph.shapes[graph.input][0]), np.ones(graph.shapes[graph.input][0]))}
        self.layers = {layer.name: layer for layer in graph.layers}
        self.branches = {layer.inputs[0] for layer in graph.layers if layer.kind == "add"}
        self.normalised = {layer.inputs[0] for layer in graph.layers if layer.kind == "batchnorm"}
        self.head = [layer for layer in graph.layers if layer.weights][-1].name

    def _normal(self, size, deviation):
        return deviation * self.random.standard_normal(size)

    def _draw(self, layer, groups, mean, var):
        """Fills a weight (and bias) of [filters, channels, ...]; returns the output's statistics.

        Weights have mean 0, so a filter's output varies by the sum of squares times the input's variance, and its
        mean is whatever the input's means happen to sum to: known once the weights are.
        """
        weight = self.graph.weights[layer.weights[0]]
        self.random.standard_normal(dtype=np.float32, out=weight)
        fan_in = weight[0].size
        if layer.name in self.normalised:
            weight *= np.float32(math.sqrt(2 / fan_in))
        else:
            goal = LOGIT_DEVIATION if layer.name == self.head else 1.0
            weight *= np.float32(goal / math.sqrt(fan_in * var.mean()))
        grouped = weight.reshape(groups, weight.shape[0] // groups, weight.shape[1], -1)
        sums = grouped.sum(3, dtype=np.float64)
        squares = np.einsum("gfck,gfck->gfc", grouped, grouped).astype(np.float64)
        out_mean = (sums * mean.reshape(groups, 1, -1)).sum(2).reshape(-1)
        out_var = (squares * var.reshape(groups, 1, -1)).sum(2).reshape(-1)
        if len(layer.weights) > 1:
            bias = self._normal(out_mean.shape, 0.2 * np.sqrt(out_var.mean()))
            if layer.name not in self.normalised:
                bias -= out_mean
            self.graph.weights[layer.weights[1]][...] = bias
            out_mean = out_mean + bias
        return out_mean, out_var

    def _batch_norm(self, layer, mean, var):
        gamma, beta, running_mean, running_var = (self.graph.weights[key] for key in layer.weights)
        scale = BRANCH_GAMMA if layer.name in self.branches else 1.0
        gamma[...] = scale * self.random.uniform(0.8, 1.2, mean.shape)
        beta[...] = self._normal(mean.shape, 0.2 * scale)
        running_mean[...] = mean + self._normal(mean.shape, 0.1) * np.sqrt(var)
        running_var[...] = var * self.random.uniform(0.8, 1.25, mean.shape)
        effective = 1.0 if layer.attributes["fix_gamma"] else gamma
        factor = effective / np.sqrt(running_var + layer.attributes["epsilon"])
        return (mean - running_mean) * factor + beta, var * factor * factor

    def _relu(self, layer, mean, var):
        """A sum of a branch and a rectified shortcut is mostly positive already and keeps its variance."""
        source = self.layers.get(layer.inputs[0])
        if source is not None and source.kind == "add":
            branch, shortcut = source.inputs
            if shortcut in self.layers and self.layers[shortcut].kind in ("relu", "maxpool"):
                return mean + 0.2 * np.sqrt(self.values[branch][1]), var
        return _rectified(mean, var)

    def layer(self, layer):
        inputs = [self.values[name] for name in layer.inputs]
        mean, var = inputs[0]
        kind = layer.kind
        if kind in ("conv", "fc"):
            return self._draw(layer, layer.attributes.get("groups", 1), mean, var)
        if kind == "batchnorm":
            return self._batch_norm(layer, mean, var)
        if kind in ("relu", "clip"):
            return self._relu(layer, mean, var)
        if kind == "add":
            return mean + inputs[1][0], var + inputs[1][1]
        if kind == "concat":
            return tuple(np.concatenate(parts) for parts in zip(*inputs))
        if kind == "maxpool":
            return mean + 0.7 * np.sqrt(var), 1.4 * var
        if kind == "avgpool":
            return mean, 0.5 * var
        if kind == "globalpool":
            return mean, POOLED_VARIANCE * var
        if kind == "flatten":
            pixels = int(np.prod(self.graph.shapes[layer.inputs[0]][1:]))
            return np.repeat(mean, pixels), np.repeat(var, pixels)
        if kind in ("dropout", "pad", "softmax"):
            return mean, var
        raise ValueError(f"{layer.name}: no statistics for {kind}")


def fill(graph, seed=0):
    """Draws all weights of the graph in place; the same seed gives the same bytes."""
    statistics = _Statistics(graph, seed)
    for layer in graph.layers:
        statistics.values[layer.name] = statistics.layer(layer)
