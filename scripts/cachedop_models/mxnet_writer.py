# SPDX-License-Identifier: Apache-2.0
"""Writes a Graph as an MXNet 1.9.1 model: PREFIX-symbol.json and PREFIX-NNNN.params (array records of version 2)."""
import json
import struct

from . import files

MXNET_VERSION = 10901  # major * 10000 + minor * 100 + patch
LIST_MAGIC = 0x112
ARRAY_MAGIC_V2 = 0xF993FAC9
DENSE, CPU, FLOAT32 = 0, 1, 0
SUFFIXES = {"running_mean": "moving_mean", "running_var": "moving_var"}
OUTPUTS = {"BatchNorm": 3, "LRN": 2, "Dropout": 2}  # internal ones included; every other operator has one


def _pair(value):
    return f"({value}, {value})"


def _pool(attributes, kind):
    values = {"kernel": _pair(attributes["kernel"]), "stride": _pair(attributes["stride"]),
              "pad": _pair(attributes["pad"]), "pool_type": kind,
              "pooling_convention": "full" if attributes["ceil"] else "valid"}
    if kind == "avg":
        values["count_include_pad"] = str(attributes["count_padding"])
    return "Pooling", values


def _operator(layer):
    """(MXNet operator, its parameters as texts)."""
    a = layer.attributes
    kind = layer.kind
    if kind == "conv":
        return "Convolution", {"kernel": _pair(a["kernel"]), "stride": _pair(a["stride"]), "pad": _pair(a["pad"]),
                               "num_filter": str(a["filters"]), "num_group": str(a["groups"]),
                               "no_bias": str(len(layer.weights) == 1)}
    if kind == "batchnorm":
        return "BatchNorm", {"eps": repr(float(a["epsilon"])), "fix_gamma": str(a["fix_gamma"]),
                             "momentum": "0.9", "use_global_stats": "False"}
    if kind in ("maxpool", "avgpool"):
        return _pool(a, kind[:3])
    if kind == "clip":
        return "clip", {"a_min": repr(float(a["low"])), "a_max": repr(float(a["high"]))}
    if kind == "pad":
        edges = (0, 0, 0, 0, a["before"], a["after"], a["before"], a["after"])
        return "Pad", {"mode": "constant", "constant_value": "0", "pad_width": str(edges)}
    if kind == "lrn":
        return "LRN", {"nsize": str(a["size"]), "alpha": repr(float(a["alpha"])), "beta": repr(float(a["beta"])),
                       "knorm": repr(float(a["bias"]))}
    if kind == "dropout":
        return "Dropout", {"p": repr(float(a["ratio"]))}
    if kind == "fc":
        return "FullyConnected", {"num_hidden": str(a["units"]), "no_bias": str(len(layer.weights) == 1)}
    return {"relu": ("Activation", {"act_type": "relu"}),
            "add": ("elemwise_add", {}),
            "globalpool": ("Pooling", {"kernel": "(1, 1)", "global_pool": "True", "pool_type": "avg"}),
            "concat": ("Concat", {"num_args": str(len(layer.inputs)), "dim": "1"}),
            "flatten": ("Flatten", {}),
            "softmax": ("SoftmaxOutput", {})}[kind]


def parameter_name(key):
    """The MXNet name of a weight: its running statistics are called moving ones."""
    for ours, theirs in SUFFIXES.items():
        if key.endswith("_" + ours):
            return key[:-len(ours)] + theirs
    return key


def is_auxiliary(key):
    return key.endswith(tuple("_" + suffix for suffix in SUFFIXES))


class _Symbol:
    def __init__(self):
        self.nodes = []
        self.index = {}

    def add(self, operator, name, inputs=(), attributes=None):
        node = {"op": operator, "name": name}
        if attributes:
            node["attrs"] = dict(sorted(attributes.items()))
        # Statistics are version 1 of their variable once a batch norm has used them, everything else version 0.
        node["inputs"] = [[self.index[i], 0, int(i.endswith(("_moving_mean", "_moving_var")))] for i in inputs]
        self.index[name] = len(self.nodes)
        self.nodes.append(node)


def _symbol(graph, declare_shape, batch):
    symbol = _Symbol()
    shape = str((batch,) + graph.shapes[graph.input])
    symbol.add("null", graph.input, attributes={"__shape__": shape} if declare_shape else None)
    for layer in graph.layers:
        operator, attributes = _operator(layer)
        for key in layer.weights:
            symbol.add("null", parameter_name(key))
        inputs = layer.inputs + [parameter_name(key) for key in layer.weights]
        if operator == "SoftmaxOutput":
            symbol.add("null", f"{layer.name}_label")
            inputs.append(f"{layer.name}_label")
        symbol.add(operator, layer.name, inputs, attributes)
    rows = [0]
    for node in symbol.nodes:
        rows.append(rows[-1] + OUTPUTS.get(node["op"], 1))
    return {"nodes": symbol.nodes,
            "arg_nodes": [i for i, node in enumerate(symbol.nodes) if node["op"] == "null"],
            "node_row_ptr": rows,
            "heads": [[symbol.index[graph.output], 0, 0]],
            "attrs": {"mxnet_version": ["int", MXNET_VERSION]}}


def _parameters(graph):
    """The pieces of the .params file, little-endian throughout."""
    yield struct.pack("<QQQ", LIST_MAGIC, 0, len(graph.weights))
    for values in graph.weights.values():
        yield struct.pack(f"<Iii{values.ndim}qiii", ARRAY_MAGIC_V2, DENSE, values.ndim, *values.shape,
                          CPU, 0, FLOAT32)
        yield values.astype("<f4", order="C", copy=False).reshape(-1).view("u1").data
    yield struct.pack("<Q", len(graph.weights))
    for key in graph.weights:
        name = (("aux:" if is_auxiliary(key) else "arg:") + parameter_name(key)).encode("utf-8")
        yield struct.pack("<Q", len(name)) + name


def write(graph, prefix, declare_shape=False, batch=0, epoch=0):
    """Writes PREFIX-symbol.json and PREFIX-NNNN.params.

    MXNet symbols usually do not say the input's size. With declare_shape the data variable carries it as
    `__shape__`, which a network needs whose weights do not determine it; batch 0 means any.
    """
    for key, values in graph.weights.items():
        if values.dtype.name != "float32":
            raise ValueError(f"{key} is {values.dtype}, not float32")
    files.replace(f"{prefix}-{epoch:04d}.params", _parameters(graph))
    text = json.dumps(_symbol(graph, declare_shape, batch), indent=2) + "\n"
    files.replace(f"{prefix}-symbol.json", [text.encode("utf-8")])
