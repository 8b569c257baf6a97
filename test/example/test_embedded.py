#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks the embedded classifier's files and the scripts beside them.

    python3 test/example/test_embedded.py

Needs numpy; what needs PIL or onnxruntime skips, saying so, where it is not installed.
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

ROOT = pathlib.Path(__file__).resolve().parents[2]
EMBEDDED = ROOT / "examples" / "multi_threaded_inference" / "embedded"
sys.path.insert(0, str(EMBEDDED))

import draw  # noqa: E402
import evaluate  # noqa: E402
import image_files  # noqa: E402
import network  # noqa: E402
import pictures  # noqa: E402
import prepare  # noqa: E402
import shapes  # noqa: E402

try:
    from PIL import Image
except ImportError:
    Image = None
try:
    import onnxruntime
except ImportError:
    onnxruntime = None


class Pictures(unittest.TestCase):
    def test_same_seed_same_pictures(self):
        labels = np.arange(len(shapes.NAMES))
        first = pictures.draw_crops(np.random.default_rng(5), labels)
        np.testing.assert_array_equal(first, pictures.draw_crops(np.random.default_rng(5), labels))
        self.assertTrue((first != pictures.draw_crops(np.random.default_rng(6), labels)).any())

    def test_every_figure_is_in_its_frame(self):
        """Inside somewhere, and outside everywhere beyond radius 1."""
        axis = np.linspace(-1.5, 1.5, 151, dtype=np.float32)
        x, y = np.broadcast_arrays(axis[None, None, :], axis[None, :, None])
        for figure in shapes.CLASSES:
            for v in np.random.default_rng(1).random((20, 1, 2)):
                inside = figure(x, y, v)[0] < 0
                self.assertGreater(inside.mean(), 0.03, figure.__name__)
                self.assertFalse(inside[np.hypot(x, y)[0] > 1.02].any(), figure.__name__)

    @unittest.skipUnless(Image, "PIL is not installed")
    def test_files_decode_to_what_was_drawn(self):
        image = pictures.draw(np.random.default_rng(2), [3], 37, 50)[0]
        with tempfile.TemporaryDirectory() as folder:
            for suffix in (".png", ".bmp"):
                image_files.write(f"{folder}/a{suffix}", image)
                np.testing.assert_array_equal(np.array(Image.open(f"{folder}/a{suffix}")), image)


class Preparation(unittest.TestCase):
    def test_flat_picture_stays_flat(self):
        for height, width in ((480, 640), (55, 55), (20, 31), (1, 1), (700, 90)):
            crop = prepare.crop(np.full((height, width, 3), (10, 128, 255), np.uint8))
            self.assertEqual(crop.shape, (48, 48, 3))
            np.testing.assert_allclose(crop, np.broadcast_to([10, 128, 255], crop.shape), atol=1e-3)

    def test_whole_factor_is_a_block_average(self):
        image = np.random.default_rng(3).integers(0, 256, (110, 165, 3), dtype=np.uint8)
        # 110 x 165 shrinks to 55 x 82.5, rounded up; along the rows it is exactly half.
        crop = prepare.crop(np.repeat(image[:, :1], 165, 1))
        blocks = image[:, 0].reshape(55, 2, 3).mean(1)[3:51]
        np.testing.assert_allclose(crop[:, 0], blocks, atol=1e-3)


class Classifier(unittest.TestCase):
    def test_files(self):
        for name in ("shapes.onnx", "shapes-0000.params"):
            self.assertLessEqual((EMBEDDED / name).stat().st_size, 2_000_000)
        self.assertEqual((EMBEDDED / "synset.txt").read_text().split("\n"), shapes.NAMES + [""])
        self.assertEqual({path.stem for path in (EMBEDDED / "samples").iterdir()}, set(shapes.NAMES))

    def _accuracy(self, classifier):
        labels, predictions = evaluate.classify(classifier, draw.whole_pictures(4_000_000, 216))
        return (labels == predictions).mean()

    def test_accuracy_of_mxnet_files(self):
        self.assertGreaterEqual(self._accuracy(evaluate.numpy_classifier(EMBEDDED)), 0.98)

    @unittest.skipUnless(onnxruntime, "onnxruntime is not installed")
    def test_onnx_file_computes_the_same(self):
        batch = np.stack([prepare.network_input(image) for _, image in draw.whole_pictures(5, 12)])
        ours, theirs = evaluate.numpy_classifier(EMBEDDED)(batch), evaluate.onnx_classifier(EMBEDDED)(batch)
        np.testing.assert_allclose(theirs, ours, rtol=1e-4, atol=1e-5)
        self.assertGreaterEqual(self._accuracy(evaluate.onnx_classifier(EMBEDDED)), 0.98)

    @unittest.skipUnless(Image, "PIL is not installed")
    def test_samples(self):
        classifier = evaluate.numpy_classifier(EMBEDDED)
        for path in evaluate.sample_paths():
            found = classifier(prepare.network_input(np.array(Image.open(path).convert("RGB")))[None]).argmax()
            self.assertEqual(shapes.NAMES[found], path.stem)


class Network(unittest.TestCase):
    def test_layers(self):
        graph = network.build()
        kinds = {layer.kind for layer in graph.layers}
        self.assertEqual(kinds, {"conv", "batchnorm", "relu", "maxpool", "add", "globalpool", "flatten", "fc",
                                 "softmax"})
        self.assertEqual(graph.shapes[graph.output], (len(shapes.NAMES),))


if __name__ == "__main__":
    unittest.main()
