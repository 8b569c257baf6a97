#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks what scripts/cachedop_models writes, byte by byte where a format leaves no choice.

    python3 test/scripts/test_models.py

Uses Debian's python3-onnx and onnxruntime where they can be imported and says so where they cannot.
"""
import json
import pathlib
import struct
import sys
import tempfile
import unittest

try:
    import numpy as np
except ImportError:
    print("skipped: python3-numpy is not installed")
    sys.exit(77)

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))

from cachedop_models import forward, mxnet_reader, mxnet_writer, onnx_reader, onnx_writer  # noqa: E402
from cachedop_models.graph import Graph, pooled_size  # noqa: E402
from cachedop_models.protobuf import Message, varint  # noqa: E402

try:
    import onnx.checker  # a folder of that name without the package comes with other packages
    import onnx.shape_inference
except ImportError:
    onnx = None
try:
    import onnxruntime
except ImportError:
    onnxruntime = None


def every_layer():
    """A small network with every kind of layer, its weights drawn from a fixed seed."""
    graph = Graph("every_layer", (4, 16, 20))
    x = graph.conv(graph.input, 8, 3, stride=2, pad=1)
    x = graph.relu(graph.batch_norm(x))
    a = graph.clip(graph.batch_norm(graph.conv(x, 8, 3, pad=1, groups=8), fix_gamma=True))
    b = graph.conv(x, 8, 1, bias=True)
    x = graph.add(a, b)
    x = graph.concat([graph.max_pool(x, 3, 2, ceil=True), graph.average_pool(x, 3, 2, 1, count_padding=False),
                      graph.average_pool(x, 3, 2, 1, count_padding=True)])
    x = graph.lrn(graph.pad(x, 0, 1), 5, alpha=0.1, bias=2.0)
    x = graph.max_pool(graph.conv(x, 12, 3, pad=1, groups=2), 2, 2)
    x = graph.dropout(graph.flatten(graph.global_pool(x)))
    graph.output = graph.softmax(graph.fully_connected(x, 7))
    random = np.random.default_rng(3)
    for key, values in graph.weights.items():
        values[...] = random.normal(0, 0.5, values.shape)
        if key.endswith(("_var", "_gamma")):
            values[...] = random.uniform(0.5, 2, values.shape)
    return graph


def some_input(graph, batch=2):
    return np.random.default_rng(4).normal(0, 1, (batch,) + graph.shapes["data"]).astype(np.float32)


class WireFormat(unittest.TestCase):
    def test_varint(self):
        for value, encoded in [(0, "00"), (1, "01"), (127, "7f"), (128, "8001"), (300, "ac02"),
                               (-1, "ffffffffffffffffff01"), (2**64 - 1, "ffffffffffffffffff01")]:
            self.assertEqual(varint(value).hex(), encoded)
        for value in (2**64, -2**63 - 1):
            self.assertRaises(ValueError, varint, value)

    def test_message(self):
        inner = Message().integer(1, 150)
        outer = Message().string(2, "testing").message(3, inner).float32(5, 1.0)
        self.assertEqual(b"".join(outer.pieces).hex(), "120774657374696e671a030896012d0000803f")
        self.assertEqual(outer.size, 19)

    def test_array_is_little_endian(self):
        message = Message().array(9, np.array([[1, 2]], ">f4"))
        self.assertEqual(b"".join(message.pieces).hex(), "4a080000803f00000040")


class Shapes(unittest.TestCase):
    def test_pooled_size(self):
        self.assertEqual(pooled_size(112, 3, 2, 0, False), 55)
        self.assertEqual(pooled_size(112, 3, 2, 0, True), 56)
        self.assertRaises(ValueError, pooled_size, 2, 3, 1, 0, False)

    def test_refusals(self):
        graph = Graph("g", (4, 8, 8))
        self.assertRaises(ValueError, graph.conv, "data", 6, 3, groups=4)
        self.assertRaises(ValueError, graph.fully_connected, "data", 6)
        self.assertRaises(ValueError, graph.add, "data", graph.conv("data", 4, 3))
        self.assertRaises(ValueError, graph.average_pool, "data", 3, 2, ceil=True)
        graph.relu("data", name="twice")
        self.assertRaises(ValueError, graph.relu, "data", name="twice")


class MXNet(unittest.TestCase):
    def test_params_bytes(self):
        """The two-array layout worked out by hand from the format's description."""
        graph = Graph("g", (1, 1, 1))
        graph.weights = {"w": np.array([[1, 2, 3], [4, 5, 6]], np.float32),
                         "b_running_mean": np.array([7], np.float32)}
        with tempfile.TemporaryDirectory() as folder:
            graph.output = "data"
            mxnet_writer.write(graph, f"{folder}/m")
            written = pathlib.Path(f"{folder}/m-0000.params").read_bytes()
        expected = struct.pack("<QQQ", 0x112, 0, 2)
        expected += bytes.fromhex("c9fa93f9" "00000000" "02000000" "0200000000000000" "0300000000000000"
                                  "01000000" "00000000" "00000000") + struct.pack("<6f", 1, 2, 3, 4, 5, 6)
        expected += bytes.fromhex("c9fa93f9" "00000000" "01000000" "0100000000000000"
                                  "01000000" "00000000" "00000000") + struct.pack("<f", 7)
        expected += struct.pack("<QQ", 2, 5) + b"arg:w" + struct.pack("<Q", 17) + b"aux:b_moving_mean"
        self.assertEqual(written.hex(), expected.hex())

    def test_symbol(self):
        graph = every_layer()
        with tempfile.TemporaryDirectory() as folder:
            mxnet_writer.write(graph, f"{folder}/m", declare_shape=True)
            symbol = json.loads(pathlib.Path(f"{folder}/m-symbol.json").read_text())
        nodes = symbol["nodes"]
        self.assertEqual(symbol["attrs"]["mxnet_version"], ["int", 10901])
        self.assertEqual(nodes[0], {"op": "null", "name": "data", "attrs": {"__shape__": "(0, 4, 16, 20)"},
                                    "inputs": []})
        for i, node in enumerate(nodes):
            self.assertTrue(all(source < i for source, _, _ in node["inputs"]))
        self.assertEqual([nodes[i]["op"] for i in symbol["arg_nodes"]], ["null"] * len(symbol["arg_nodes"]))
        self.assertEqual(len(symbol["node_row_ptr"]), len(nodes) + 1)
        head = nodes[symbol["heads"][0][0]]
        self.assertEqual(head["op"], "SoftmaxOutput")
        self.assertEqual(nodes[head["inputs"][1][0]]["name"], "softmax_label")
        variables = {node["name"] for node in nodes if node["op"] == "null"}
        self.assertEqual(variables - {"data", "softmax_label"},
                         {mxnet_writer.parameter_name(key) for key in graph.weights})
        self.assertTrue(all(isinstance(value, str) for node in nodes for value in node.get("attrs", {}).values()))


    def test_reader(self):
        graph, other = every_layer(), every_layer()
        for values in other.weights.values():
            values[...] = 0
        with tempfile.TemporaryDirectory() as folder:
            mxnet_writer.write(graph, f"{folder}/m")
            path = pathlib.Path(f"{folder}/m-0000.params")
            mxnet_reader.load_weights(other, path)
            for key, values in graph.weights.items():
                np.testing.assert_array_equal(values, other.weights[key])
            data = path.read_bytes()
            for length in (0, 8, 23, 40, 60, len(data) // 2, len(data) - 1):
                path.write_bytes(data[:length])
                with self.assertRaises(ValueError):
                    mxnet_reader.load_weights(other, path)


class ONNX(unittest.TestCase):
    @unittest.skipUnless(onnx, "python3-onnx is not installed")
    def test_checker_and_shapes(self):
        graph = every_layer()
        with tempfile.TemporaryDirectory() as folder:
            for opset in (10, 11, 12, 13, 15, 17):
                onnx_writer.write(graph, f"{folder}/m.onnx", opset=opset)
                model = onnx.load(f"{folder}/m.onnx")
                onnx.checker.check_model(model, full_check=True)
                inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True)
                found = {value.name: tuple(d.dim_value for d in value.type.tensor_type.shape.dim)[1:]
                         for value in inferred.graph.value_info}
                for name in found.keys() & graph.shapes.keys():
                    self.assertEqual(found[name], graph.shapes[name], f"{name}, opset {opset}")
                self.assertGreaterEqual(len(found), len(graph.layers) - 1)

    @unittest.skipUnless(onnxruntime, "onnxruntime is not installed")
    def test_outputs(self):
        graph = every_layer()
        x = some_input(graph)
        expected = forward.run(graph, x)
        with tempfile.TemporaryDirectory() as folder:
            for opset in (10, 11, 12, 13, 15, 17):
                onnx_writer.write(graph, f"{folder}/m.onnx", opset=opset)
                session = onnxruntime.InferenceSession(f"{folder}/m.onnx", providers=["CPUExecutionProvider"])
                got, = session.run(None, {"data": x})
                np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6, err_msg=f"opset {opset}")

    def test_reader(self):
        graph = every_layer()
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(f"{folder}/m.onnx")
            onnx_writer.write(graph, path, batch=3)
            model = onnx_reader.read(path)
            self.assertEqual([node.name for node in model.nodes], [layer.name for layer in graph.layers])
            self.assertEqual(model.inputs, {"data": [3, 4, 16, 20]})
            self.assertEqual(model.outputs, [graph.output])
            first = model.nodes[0]
            self.assertEqual((first.operator, first.inputs[0], first.attributes["strides"]), ("Conv", "data", [2, 2]))
            for key, values in graph.weights.items():
                if "gamma" not in key:  # a gamma that is ignored is written as ones
                    np.testing.assert_array_equal(values, model.weights[key])
            onnx_writer.write(graph, path)
            self.assertEqual(onnx_reader.read(path).inputs["data"][0], None)
            path.write_bytes(path.read_bytes()[:-100])
            self.assertRaises(ValueError, onnx_reader.read, path)

    def test_refusals(self):
        graph = every_layer()
        self.assertRaises(ValueError, onnx_writer.write, graph, "never", opset=6)
        self.assertRaises(ValueError, onnx_writer.write, graph, "never", opset=9)  # rounds a pooling up


if __name__ == "__main__":
    unittest.main()
