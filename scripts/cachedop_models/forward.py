# SPDX-License-Identifier: Apache-2.0
"""Computes a Graph's outputs with plain numpy: slow and simple, a check on what the writers wrote."""
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


def _padded(x, before, after, value):
    return np.pad(x, ((0, 0), (0, 0), (before, after), (before, after)), constant_values=value)


def _windows(x, kernel, stride, pad, value, rows, columns):
    """View [n, c, rows, columns, kernel, kernel]; the far side is padded as far as the last window reaches."""
    reach = max((rows - 1) * stride + kernel - x.shape[2], (columns - 1) * stride + kernel - x.shape[3]) - pad
    x = _padded(x, pad, max(reach, 0), value)
    return sliding_window_view(x, (kernel, kernel), (2, 3))[:, :, ::stride, ::stride][:, :, :rows, :columns]


def _conv(x, a, shape, weight, bias=None):
    windows = _windows(x, a["kernel"], a["stride"], a["pad"], 0, *shape[1:])
    groups = a["groups"]
    filters = weight.shape[0] // groups
    channels = weight.shape[1]
    parts = [np.tensordot(windows[:, g * channels:(g + 1) * channels], weight[g * filters:(g + 1) * filters],
                          ((1, 4, 5), (1, 2, 3))) for g in range(groups)]
    y = np.concatenate(parts, axis=3).transpose(0, 3, 1, 2)
    return y if bias is None else y + bias[:, None, None]


def _batch_norm(x, a, gamma, beta, mean, var):
    if a["fix_gamma"]:
        gamma = np.ones_like(gamma)
    scale = gamma / np.sqrt(var + np.float32(a["epsilon"]))
    return x * scale[:, None, None] + (beta - mean * scale)[:, None, None]


def _average_pool(x, a, shape):
    window = (a["kernel"], a["stride"], a["pad"])
    total = _windows(x, *window, 0, *shape[1:]).sum((4, 5))
    counted = np.ones_like(x[:1, :1])
    if a["count_padding"]:  # padding counts, what hangs over beyond it does not
        counted = _padded(counted, a["pad"], a["pad"], 1)
        window = (a["kernel"], a["stride"], 0)
    return total / _windows(counted, *window, 0, *shape[1:]).sum((4, 5))


def _lrn(x, a):
    half = a["size"] // 2
    squares = np.pad(x * x, ((0, 0), (half, a["size"] - 1 - half), (0, 0), (0, 0)))
    total = sliding_window_view(squares, a["size"], 1).sum(-1)
    return x / (a["bias"] + a["alpha"] / a["size"] * total) ** a["beta"]


def _softmax(x):
    e = np.exp(x - x.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def _layer(graph, layer, xs):
    a, x, shape = layer.attributes, xs[0], graph.shapes[layer.name]
    weights = [graph.weights[key] for key in layer.weights]
    return {"conv": lambda: _conv(x, a, shape, *weights),
            "batchnorm": lambda: _batch_norm(x, a, *weights),
            "relu": lambda: np.maximum(x, 0),
            "clip": lambda: np.clip(x, a["low"], a["high"]),
            "add": lambda: xs[0] + xs[1],
            "maxpool": lambda: _windows(x, a["kernel"], a["stride"], a["pad"], -np.inf, *shape[1:]).max((4, 5)),
            "avgpool": lambda: _average_pool(x, a, shape),
            "globalpool": lambda: x.mean((2, 3), keepdims=True),
            "concat": lambda: np.concatenate(xs, 1),
            "pad": lambda: _padded(x, a["before"], a["after"], 0),
            "lrn": lambda: _lrn(x, a),
            "dropout": lambda: x,
            "flatten": lambda: x.reshape(x.shape[0], -1),
            "fc": lambda: x @ weights[0].T + (weights[1] if len(weights) > 1 else 0),
            "softmax": lambda: _softmax(x)}[layer.kind]()


def run(graph, x, all_values=False):
    """The output for the batch x [n, c, h, w], or with all_values every activation by name."""
    if x.shape[1:] != graph.shapes[graph.input]:
        raise ValueError(f"input {x.shape[1:]}, the network takes {graph.shapes[graph.input]}")
    values = {graph.input: x}
    for layer in graph.layers:
        values[layer.name] = _layer(graph, layer, [values[name] for name in layer.inputs])
    return values if all_values else values[graph.output]
