#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures the embedded classifier on pictures it never saw, and on the samples.

    python3 evaluate.py                      # numpy alone, on shapes-0000.params
    python3 evaluate.py --onnx               # onnxruntime, on shapes.onnx
    python3 evaluate.py --example build/examples/multi_threaded_inference/multi_threaded_inference

Whole pictures of many sizes are drawn and prepared as the example prepares them (with --example: by it, from
files). Fails below --least per cent or where a sample picture is taken for something else.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

import draw
import network
import prepare
import shapes

from cachedop_models import forward, mxnet_reader

HERE = pathlib.Path(__file__).resolve().parent
SEED = 3_000_000


def numpy_classifier(folder):
    graph = network.build()
    mxnet_reader.load_weights(graph, folder / "shapes-0000.params")
    return lambda batch: forward.run(graph, batch)


def onnx_classifier(folder):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(folder / "shapes.onnx"), options, providers=["CPUExecutionProvider"])
    return lambda batch: session.run(None, {"data": batch})[0]


def classify(classifier, labelled):
    """(labels, predictions) of (label, picture) pairs, a hundred at a time."""
    labels, predictions, batch = [], [], []

    def flush():
        if batch:
            predictions.extend(classifier(np.stack(batch)).argmax(1).tolist())
            batch.clear()

    for label, image in labelled:
        labels.append(label)
        batch.append(prepare.network_input(image))
        if len(batch) == 100:
            flush()
    flush()
    return np.array(labels), np.array(predictions)


def classify_files(example, model, paths):
    """Top classes the example program reports for picture files."""
    command = [str(example), "--json", "--preset", "imagenet", "--threads", "2", "--labels",
               str(HERE / "synset.txt"), str(model)] + [str(path) for path in paths]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode not in (0, 1):  # 1: some pictures failed, the others are reported
        raise OSError(f"{example} ended with {run.returncode}: {run.stderr.strip()}")
    reports = [json.loads(line) for line in run.stdout.splitlines()]
    found = {report["file"]: report["top"][0]["class"] for report in reports if "top" in report}
    return np.array([found.get(str(path), -1) for path in paths])  # -1: failed


def sample_paths():
    return sorted((HERE / "samples").iterdir())


def sample_labels():
    return np.array([shapes.NAMES.index(path.stem) for path in sample_paths()])


def with_example(options):
    model = options.models / ("shapes.onnx" if options.onnx else "shapes")
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        draw.draw_many(folder, options.seed, options.count)
        rows = [line.split("\t") for line in (folder / "labels.tsv").read_text().splitlines()]
        predictions = classify_files(options.example, model, [folder / row[0] for row in rows])
    samples = classify_files(options.example, model, sample_paths())
    return np.array([int(row[1]) for row in rows]), predictions, samples


def in_process(options):
    from PIL import Image  # decodes the samples
    classifier = (onnx_classifier if options.onnx else numpy_classifier)(options.models)
    labels, predictions = classify(classifier, draw.whole_pictures(options.seed, options.count))
    files = [(0, np.array(Image.open(path).convert("RGB"))) for path in sample_paths()]
    return labels, predictions, classify(classifier, files)[1]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", type=pathlib.Path, default=HERE, help="folder of the model files")
    parser.add_argument("--onnx", action="store_true", help="the ONNX file instead of the MXNet files")
    parser.add_argument("--example", type=pathlib.Path, help="let this program classify")
    parser.add_argument("--count", type=int, default=6000)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--least", type=float, default=98.0, help="per cent that must be right")
    options = parser.parse_args()
    labels, predictions, samples = (with_example if options.example else in_process)(options)
    for label, name in enumerate(shapes.NAMES):
        rows = labels == label
        print(f"{name:13} {int((predictions[rows] == label).sum()):5} of {int(rows.sum())}")
    share = 100 * float((labels == predictions).mean())
    print(f"{share:.2f} % of {len(labels)} whole pictures, seed {options.seed}")
    wrong = [path.name for path, right, got in zip(sample_paths(), sample_labels(), samples) if right != got]
    print(f"samples: {len(samples) - len(wrong)} of {len(samples)} right{', not ' + ', '.join(wrong) if wrong else ''}")
    return 1 if wrong or share < options.least else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (OSError, ValueError, ImportError) as error:
        sys.exit(f"evaluate.py: {error}")
