# SPDX-License-Identifier: Apache-2.0
"""Writes a Graph as an ONNX model: one node per layer, batch norm on its own, weights as raw bytes.

Field numbers and operator signatures are those of onnx.proto and the operator schemas.
"""
import numpy as np

from . import files
from .protobuf import Message

IR_VERSION = 7
OPSETS = range(7, 18)
FLOAT, INT64 = 1, 7  # TensorProto.DataType
ATTRIBUTE_FLOAT, ATTRIBUTE_INT, ATTRIBUTE_STRING, ATTRIBUTE_INTS = 1, 2, 3, 7  # AttributeProto.AttributeType


def _attribute(name, value):
    message = Message().string(1, name)
    if isinstance(value, float):
        return message.float32(2, value).integer(20, ATTRIBUTE_FLOAT)
    if isinstance(value, int):
        return message.integer(3, value).integer(20, ATTRIBUTE_INT)
    if isinstance(value, str):
        return message.string(4, value).integer(20, ATTRIBUTE_STRING)
    return message.integer(8, *value).integer(20, ATTRIBUTE_INTS)


def _node(operator, name, inputs, **attributes):
    message = Message().string(1, *inputs).string(2, name).string(3, name).string(4, operator)
    return message.message(5, *[_attribute(key, value) for key, value in attributes.items()])


def _tensor(name, values):
    code = {"float32": FLOAT, "int64": INT64}[values.dtype.name]
    return Message().integer(1, *values.shape).integer(2, code).string(8, name).array(9, values)


def _value_info(name, shape):
    """A float tensor; a dimension given as text is symbolic."""
    dimensions = [Message().string(2, size) if isinstance(size, str) else Message().integer(1, size)
                  for size in shape]
    tensor = Message().integer(1, FLOAT).message(2, Message().message(1, *dimensions))
    return Message().string(1, name).message(2, Message().message(1, tensor))


class _Exporter:
    def __init__(self, graph, opset):
        self.graph = graph
        self.opset = opset
        self.nodes = []
        self.constants = []  # initializers that are no weights: limits, pads

    def _constant(self, layer, suffix, values):
        name = f"{layer.name}_{suffix}"
        self.constants.append(_tensor(name, values))
        return name

    def _window(self, a):
        """The attributes convolution and pooling share."""
        return dict(kernel_shape=[a["kernel"]] * 2, strides=[a["stride"]] * 2, pads=[a["pad"]] * 4)

    def _pool(self, a):
        window = self._window(a)
        if a["ceil"]:
            if self.opset < 10:
                raise ValueError("pooling that rounds up needs opset 10")
            window["ceil_mode"] = 1
        return window

    def conv(self, layer):
        a = layer.attributes
        return "Conv", [], dict(dilations=[1, 1], group=a["groups"], **self._window(a))

    def batchnorm(self, layer):
        return "BatchNormalization", [], dict(epsilon=float(layer.attributes["epsilon"]), momentum=0.9)

    def relu(self, layer):
        return "Relu", [], {}

    def clip(self, layer):
        low, high = (float(layer.attributes[key]) for key in ("low", "high"))
        if self.opset < 11:
            return "Clip", [], dict(min=low, max=high)
        return "Clip", [self._constant(layer, "min", np.array(low, np.float32)),
                        self._constant(layer, "max", np.array(high, np.float32))], {}

    def add(self, layer):
        return "Add", [], {}

    def maxpool(self, layer):
        return "MaxPool", [], self._pool(layer.attributes)

    def avgpool(self, layer):
        count = int(layer.attributes["count_padding"])
        return "AveragePool", [], dict(count_include_pad=count, **self._pool(layer.attributes))

    def globalpool(self, layer):
        return "GlobalAveragePool", [], {}

    def concat(self, layer):
        return "Concat", [], dict(axis=1)

    def pad(self, layer):
        before, after = layer.attributes["before"], layer.attributes["after"]
        pads = [0, 0, before, before, 0, 0, after, after]
        if self.opset < 11:
            return "Pad", [], dict(mode="constant", pads=pads)
        return "Pad", [self._constant(layer, "pads", np.array(pads, np.int64))], dict(mode="constant")

    def lrn(self, layer):
        a = layer.attributes
        return "LRN", [], dict(size=a["size"], alpha=float(a["alpha"]), beta=float(a["beta"]), bias=float(a["bias"]))

    def dropout(self, layer):
        if self.opset < 12:
            return "Dropout", [], dict(ratio=float(layer.attributes["ratio"]))
        return "Dropout", [self._constant(layer, "ratio", np.array(layer.attributes["ratio"], np.float32))], {}

    def flatten(self, layer):
        return "Flatten", [], dict(axis=1)

    def fc(self, layer):
        return "Gemm", [], dict(alpha=1.0, beta=1.0, transB=1)

    def softmax(self, layer):
        return "Softmax", [], dict(axis=1)

    def export(self):
        for layer in self.graph.layers:
            operator, more, attributes = getattr(self, layer.kind)(layer)
            self.nodes.append(_node(operator, layer.name, layer.inputs + layer.weights + more, **attributes))
        return self.nodes, self.constants


def _weights(graph):
    """Weights as ONNX means them: a gamma that MXNet would ignore becomes ones."""
    fixed = {layer.weights[0] for layer in graph.layers
             if layer.kind == "batchnorm" and layer.attributes["fix_gamma"]}
    for key, values in graph.weights.items():
        yield _tensor(key, np.ones_like(values) if key in fixed else values)


def write(graph, path, opset=13, batch="N"):
    """Writes `graph` to the file `path`. `batch` is a number, or a text that names a symbolic dimension."""
    if opset not in OPSETS:
        raise ValueError(f"opset {opset} is not within {OPSETS.start} to {OPSETS.stop - 1}")
    nodes, constants = _Exporter(graph, opset).export()
    body = Message().message(1, *nodes).string(2, graph.name)
    body.message(5, *_weights(graph), *constants)
    body.message(11, _value_info(graph.input, (batch,) + graph.shapes[graph.input]))
    body.message(12, _value_info(graph.output, (batch,) + graph.shapes[graph.output]))
    model = Message().integer(1, IR_VERSION).string(2, "cachedop_models").message(7, body)
    model.message(8, Message().string(1, "").integer(2, opset))
    if model.size >= 2**31:
        raise ValueError(f"{path}: {model.size} bytes; protobuf ends at 2 GiB")
    files.replace(path, model.pieces)
