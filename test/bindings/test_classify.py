#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""examples/python/classify.py says what the example in C says: test_classify.py PROJECT PROGRAM"""
import concurrent.futures
import importlib.util
import json
import subprocess
import sys
import unittest

from binding_case import EMBEDDED, PROJECT, SHAPES, skip

if not importlib.util.find_spec("PIL"):
    skip("python3-pil is not installed")

import classify  # noqa: E402
import numpy as np  # noqa: E402

PROGRAM = sys.argv[2]
SAMPLES = sorted(map(str, (EMBEDDED / "samples").iterdir()))
LABELS = (EMBEDDED / "synset.txt").read_text().splitlines()


def of_the_program(*options):
    """For each picture the scores by class."""
    result = subprocess.run([PROGRAM, "--json", "--top", "12", *options, *SAMPLES], capture_output=True, text=True, check=True)
    return [{entry["class"]: entry["score"] for entry in json.loads(line)["top"]} for line in result.stdout.splitlines()[:12]]


class Samples(unittest.TestCase):
    def same_scores(self, mine, theirs):
        """Pillow's JPEG decoder rounds otherwise than stb_image."""
        for path, own, other in zip(SAMPLES, mine, theirs):
            own = dict(own)
            self.assertEqual(max(own, key=own.get), max(other, key=other.get), path)
            most = max(abs(own[i] - other[i]) for i in other)
            self.assertLess(most, 1e-3 if path.endswith(".jpg") else 1e-5, path)

    def test_eight_threads_over_one_operator_see_what_is_drawn(self):
        classifier = classify.Classifier(SHAPES, threads=8)
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            rounds = list(pool.map(lambda path: classifier.classify(path, 12), SAMPLES * 8))
        for path, scores in zip(SAMPLES * 8, rounds):
            self.assertEqual(LABELS[scores[0][0]], path.split("/")[-1].split(".")[0])
        self.assertEqual(rounds[:12] * 8, rounds)
        self.same_scores(rounds[:12], of_the_program())

    def test_every_preset_makes_the_same_of_pixels(self):
        for preset in classify.PRESETS:
            classifier = classify.Classifier(SHAPES, preset)
            self.same_scores([classifier.classify(path, 12) for path in SAMPLES if not path.endswith(".jpg")],
                             [scores for path, scores in zip(SAMPLES, of_the_program("--preset", preset))
                              if not path.endswith(".jpg")])

    def test_pictures_of_every_size_become_the_same_size(self):
        for height, width in ((1, 1), (1, 500), (500, 1), (47, 49), (54, 54), (300, 200)):
            pixels = np.random.default_rng(height).integers(0, 256, (height, width, 3)).astype(np.uint8)
            self.assertEqual(classify.resized_middle(pixels, 48, 48).shape, (48, 48, 3))
            same = classify.resized_middle(np.full((height, width, 3), 77, np.uint8), 48, 48)
            np.testing.assert_array_equal(same, 77)

    def test_the_program_prints_labels_and_goes_on_after_a_broken_file(self):
        result = subprocess.run([sys.executable, PROJECT / "examples" / "python" / "classify.py", *SAMPLES, str(SHAPES)],
                                capture_output=True, text=True, check=False)
        self.assertEqual(result.returncode, 1)
        self.assertIn("shapes.onnx: ", result.stderr)
        printed = [line.split()[-1] for line in result.stdout.splitlines() if line.startswith(" ")]
        self.assertEqual(printed, [path.split("/")[-1].split(".")[0] for path in SAMPLES])

    def test_a_model_that_is_not_there_is_named(self):
        result = subprocess.run([sys.executable, PROJECT / "examples" / "python" / "classify.py", "--model", "/none.onnx",
                                 SAMPLES[0]], capture_output=True, text=True, check=False)
        self.assertEqual(result.returncode, 1)
        self.assertIn("/none.onnx", result.stderr)
        self.assertNotIn("Traceback", result.stderr)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]], verbosity=2)
