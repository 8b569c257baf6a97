#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Classifies pictures from several threads through one cached operator.

    classify.py photo.jpg other.png                              # twelve drawn figures
    classify.py --model resnet50.onnx --labels synset.txt --threads 8 photos/*.jpg

Does what examples/multi_threaded_inference does, in Python: the same pixels, the same scores. Needs numpy and Pillow.
"""
import argparse
import concurrent.futures
import pathlib
import sys
import threading

import numpy as np
from PIL import Image

import cachedop

EMBEDDED = pathlib.Path(__file__).resolve().parents[1] / "multi_threaded_inference" / "embedded"
# element = (pixel * scale - mean) / std; blue first where `bgr` is set.
PRESETS = {"imagenet": dict(scale=1 / 255, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225), bgr=False),
           "caffe": dict(scale=1, mean=(104, 117, 123), std=(1, 1, 1), bgr=True),
           "unit": dict(scale=1 / 127.5, mean=(1, 1, 1), std=(1, 1, 1), bgr=False),
           "mxnet": dict(scale=1, mean=(117, 117, 117), std=(1, 1, 1), bgr=False),
           "none": dict(scale=1, mean=(0, 0, 0), std=(1, 1, 1), bgr=False)}


def axis_weights(source, target, start, count):
    """How much of each of `source` pixels is in the results start, start + 1, ... of `target`: [count, source].

    Where it shrinks a result is the mean of what it covers; where it grows, it lies between two pixel centres.
    """
    scale, pixel = source / target, np.arange(source)
    result = np.arange(start, start + count)[:, None]
    if scale > 1:
        covered = np.minimum((result + 1) * scale, pixel + 1) - np.maximum(result * scale, pixel)
        return np.maximum(covered / scale, 0).astype(np.float32)
    centre = np.clip((result + 0.5) * scale - 0.5, 0, source - 1)
    return np.maximum(1 - np.abs(pixel - centre), 0).astype(np.float32)


def divided(a, b):
    """Rounded to the nearest."""
    return (2 * a + b) // (2 * b)


def resized_middle(pixels, height, width):
    """The middle of a picture whose short side became 256/224 of the model's input, its proportions kept."""
    had_height, had_width, _ = pixels.shape
    new_height, new_width = divided(height * 256, 224), divided(width * 256, 224)
    if had_width * new_height < had_height * new_width:
        new_height = divided(had_height * new_width, had_width)
    else:
        new_width = divided(had_width * new_height, had_height)
    rows = axis_weights(had_height, new_height, (new_height - height) // 2, height)
    columns = axis_weights(had_width, new_width, (new_width - width) // 2, width)
    pixels = columns @ np.tensordot(rows, pixels.astype(np.float32), 1)
    return np.clip(np.floor(pixels + 0.5), 0, 255)


def load(path, tensor, preset):
    """A picture file as the model's input."""
    batch, channels, height, width = tensor.shape
    if (batch, channels, tensor.dtype) != (1, 3, "float32"):
        raise ValueError(f"{tensor} is no input of one picture: 1 x 3 x height x width, float32")
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("RGB"))
    pixels = resized_middle(pixels, height, width)[..., ::-1 if preset["bgr"] else 1]
    elements = (pixels * preset["scale"] - preset["mean"]) / preset["std"]
    return np.ascontiguousarray(elements.transpose(2, 0, 1)[None], np.float32)


def probabilities(scores):
    scores = scores.ravel().astype(np.float64)
    if (scores >= 0).all() and abs(scores.sum() - 1) <= 1e-3:
        return scores
    exponentials = np.exp(scores - scores.max())
    return exponentials / exponentials.sum()


class Classifier:
    """One operator for all threads."""

    def __init__(self, model, preset="imagenet", threads=1):
        self.preset, self.own = PRESETS[preset], threading.local()
        with cachedop.Model(model) as loaded:
            self.op = cachedop.CachedOp(loaded, max_contexts=threads)

    def classify(self, path, top=1):
        """(class, score) of the best. Each thread has an output array of its own, which is written again and again."""
        if not hasattr(self.own, "scores"):
            self.own.scores = np.empty(self.op.outputs[0].shape, np.float32)
        self.op.invoke(load(path, self.op.inputs[0], self.preset), out=self.own.scores)
        scores = probabilities(self.own.scores)
        return [(int(i), float(scores[i])) for i in np.argsort(-scores, kind="stable")[:top]]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", help="default: the figures that the C example has built in")
    parser.add_argument("--labels", help="a file with a class in each line")
    parser.add_argument("--preset", choices=PRESETS, default="imagenet")
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--top", type=int, default=1)
    parser.add_argument("images", nargs="+")
    options = parser.parse_args()
    labels_path = options.labels or (None if options.model else EMBEDDED / "synset.txt")
    labels = pathlib.Path(labels_path).read_text(encoding="utf-8").splitlines() if labels_path else []
    failed = 0
    try:
        classifier = Classifier(options.model or EMBEDDED / "shapes.onnx", options.preset, options.threads)
    except cachedop.Error as error:
        return f"classify.py: {error}"
    with concurrent.futures.ThreadPoolExecutor(options.threads) as pool:
        results = [pool.submit(classifier.classify, path, options.top) for path in options.images]
        for path, result in zip(options.images, results):
            try:
                best = result.result()
                print(path)
                for i, score in best:
                    print(f"{i:6} {score:8.4f}  {labels[i] if i < len(labels) else ''}")
            except (cachedop.Error, OSError, ValueError) as error:
                print(f"{path}: {error}", file=sys.stderr)
                failed = 1
    return failed


if __name__ == "__main__":
    sys.exit(main())
