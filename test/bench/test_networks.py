#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks the generated bench networks: their size against published figures, their files, their activations.

    python3 test/bench/test_networks.py

Needs numpy; what needs onnxruntime skips, saying so, where it is not installed.
"""
import pathlib
import sys
import tempfile
import unittest

try:
    import numpy as np
except ImportError:
    print("skipped: python3-numpy is not installed")
    sys.exit(77)

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench"))

import generate_models  # noqa: E402
import networks  # noqa: E402
import random_weights  # noqa: E402

from cachedop_models import forward  # noqa: E402

try:
    import onnxruntime
except ImportError:
    onnxruntime = None

# Trained parameters and multiply-adds of a picture. Parameters are those torchvision and the MobileNet v1 paper's
# implementation report; inception_bn (with biases and gammas) and the v2 networks are counted here only to notice a change.
PUBLISHED = {
    "resnet18": (11_689_512, 1_814_073_344),
    "resnet50": (25_557_032, 4_089_184_256),
    "resnet152": (60_192_808, 11_513_626_624),
    "resnet18_v2": (11_687_848, 1_814_073_344),
    "resnet50_v2": (25_549_480, 4_089_184_256),
    "resnet152_v2": (60_185_256, 11_513_626_624),
    "vgg16": (138_357_544, 15_470_264_320),
    "inception_bn": (11_295_240, 2_032_600_064),
    "mobilenet_v1": (4_231_976, 568_740_352),
    "mobilenet_v2": (3_504_872, 300_774_272),
    "squeezenet": (1_235_496, 349_151_936),
    "densenet121": (7_978_856, 2_834_161_664),
}


def _parameters(graph):
    return sum(values.size for key, values in graph.weights.items()
               if not key.endswith(("_running_mean", "_running_var")))


def _multiply_adds(graph):
    return sum(graph.weights[layer.weights[0]].size * int(np.prod(graph.shapes[layer.name][1:]))
               for layer in graph.layers if layer.kind in ("conv", "fc"))


class Networks(unittest.TestCase):
    def test_size(self):
        self.assertEqual(set(PUBLISHED), set(networks.NETWORKS))
        for name, build in networks.NETWORKS.items():
            graph = build()
            self.assertEqual((_parameters(graph), _multiply_adds(graph)), PUBLISHED[name], name)
            self.assertEqual(graph.shapes[graph.output], (1000,))

    def test_activations_stay_of_order_one(self):
        """At an eighth of the size: the depth is what matters."""
        picture = np.random.default_rng(1).standard_normal((1, 3, 4, 4), dtype=np.float32)
        picture = np.kron(picture, np.ones((1, 1, 8, 8), np.float32))
        full, networks.INPUT = networks.INPUT, picture.shape[1:]
        try:
            for name in ("resnet50", "resnet50_v2", "mobilenet_v2"):
                graph = networks.NETWORKS[name]()
                random_weights.fill(graph, 0)
                values = forward.run(graph, picture, all_values=True)
                for layer in graph.layers[:-2]:
                    deviation = float(np.sqrt(np.square(values[layer.name]).mean()))
                    self.assertTrue(0.02 < deviation < 20, f"{name}, {layer.name}: {deviation}")
                self.assertTrue(np.isfinite(values[graph.output]).all())
                self.assertLess(values[graph.output].max(), 0.9)
        finally:
            networks.INPUT = full


class Files(unittest.TestCase):
    def test_written_once_and_the_same_again(self):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)

            def generate(batch=1):
                return generate_models.generate("squeezenet", folder, ("onnx", "mxnet"), batch, 0,
                                                generate_models.Record(folder))

            self.assertEqual(generate(), ["onnx", "mxnet"])
            first = {path.name: path.read_bytes() for path in folder.glob("squeezenet*")}
            self.assertEqual(len(first), 3)
            self.assertEqual(generate(), [])
            (folder / "squeezenet.onnx").write_bytes(b"cut short")
            self.assertEqual(generate(), ["onnx"])
            self.assertEqual((folder / "squeezenet.onnx").read_bytes(), first["squeezenet.onnx"])
            self.assertEqual(generate(batch=None), ["onnx", "mxnet"])
            self.assertNotEqual((folder / "squeezenet.onnx").read_bytes(), first["squeezenet.onnx"])

    @unittest.skipUnless(onnxruntime, "onnxruntime is not installed")
    def test_outputs_are_a_working_classifiers(self):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            for name in ("resnet18", "mobilenet_v2", "squeezenet"):
                generate_models.generate(name, folder, ("onnx",), 1, 0, generate_models.Record(folder))
                self.assertIn("largest probability", generate_models.check(folder / f"{name}.onnx", 1))


if __name__ == "__main__":
    unittest.main()
