# SPDX-License-Identifier: Apache-2.0
"""What the tests of the Python binding share; importing it skips the test, saying so, where there can be none."""
import importlib.util
import os
import pathlib
import sys


def skip(reason):
    print("skipped:", reason)
    sys.exit(77)


if os.environ.get("COP_TEST_SANITIZER", "none") != "none":
    skip("the library has a sanitizer, whose runtime a Python that was built without cannot load")
for package in ("numpy", "onnx"):
    if not importlib.util.find_spec(package):
        skip(f"python3-{package} is not installed")

import numpy as np  # noqa: E402
import onnx  # noqa: E402
from onnx import helper, numpy_helper  # noqa: E402

PROJECT = pathlib.Path(sys.argv[1])
EMBEDDED = PROJECT / "examples" / "multi_threaded_inference" / "embedded"
SHAPES = EMBEDDED / "shapes.onnx"

WEIGHT = np.random.default_rng(1).standard_normal((8, 5)).astype(np.float32)
BIAS = np.arange(5, dtype=np.float32)


def dense_model():
    """Two inputs [batch, 8], a matrix product of their sum; outputs "sums" and "scores"."""
    def value(name, shape):
        return helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
    nodes = [helper.make_node("Add", ["left", "right"], ["sums"]),
             helper.make_node("Gemm", ["sums", "weight", "bias"], ["product"]),
             helper.make_node("Relu", ["product"], ["scores"])]
    graph = helper.make_graph(
        nodes, "dense", [value("left", ["batch", 8]), value("right", ["batch", 8])],
        [value("sums", ["batch", 8]), value("scores", ["batch", 5])],
        [numpy_helper.from_array(WEIGHT, "weight"), numpy_helper.from_array(BIAS, "bias")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 7
    return model.SerializeToString()


def dense(left, right, weight=WEIGHT):
    return left + right, np.maximum((left + right) @ weight + BIAS, 0)
