#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the networks of networks.py with seeded random weights, in ONNX and MXNet form.

    python3 bench/generate_models.py --out DIR [--models resnet50,vgg16] [--formats onnx,mxnet] [--batch 8]

Files that are already there and were written by the same code with the same options stay as they are. Needs numpy;
--check runs each model once through onnxruntime and fails where the output is not that of a working classifier.
"""
import argparse
import hashlib
import json
import pathlib
import sys
import time

import numpy as np

import networks
import random_weights

from cachedop_models import files, mxnet_writer, onnx_writer

FORMATS = ("onnx", "mxnet")
HERE = pathlib.Path(__file__).resolve().parent
RECORD = "generated.json"


def _code_digest():
    """Changes with anything that decides the bytes of a model."""
    digest = hashlib.sha256(np.__version__.encode())
    for folder in (HERE, HERE.parent / "scripts" / "cachedop_models"):
        for source in sorted(folder.glob("*.py")):
            if folder != HERE or source.name in ("networks.py", "random_weights.py", "generate_models.py"):
                digest.update(source.read_bytes())
    return digest.hexdigest()


def _paths(folder, name, form):
    if form == "onnx":
        return [folder / f"{name}.onnx"]
    return [folder / f"{name}-symbol.json", folder / f"{name}-0000.params"]


class Record:
    """What was written to a folder, by which code and with which options."""

    def __init__(self, folder):
        self.path = folder / RECORD
        try:
            self.entries = json.loads(self.path.read_text())
        except (OSError, ValueError):
            self.entries = {}

    def is_current(self, paths, key):
        sizes = {path.name: path.stat().st_size for path in paths if path.is_file()}
        return all(self.entries.get(path.name) == [key, sizes.get(path.name)] for path in paths)

    def add(self, paths, key):
        self.entries.update({path.name: [key, path.stat().st_size] for path in paths})
        files.replace(self.path, [json.dumps(self.entries, indent=1).encode() + b"\n"])


def _write(graph, folder, form, batch):
    if form == "onnx":
        onnx_writer.write(graph, folder / f"{graph.name}.onnx", batch="N" if batch is None else batch)
    else:
        # MXNet files name no size unless one is needed: a batch of one is what a reader assumes.
        mxnet_writer.write(graph, folder / graph.name, declare_shape=batch not in (None, 1), batch=batch or 0)


def generate(name, folder, formats, batch, seed, record):
    """Writes one model where it is missing or out of date; returns the formats written."""
    key = hashlib.sha256(f"{_code_digest()} {batch} {seed}".encode()).hexdigest()[:16]
    due = [form for form in formats if not record.is_current(_paths(folder, name, form), key)]
    if due:
        graph = networks.NETWORKS[name]()
        random_weights.fill(graph, seed)
        for form in due:
            _write(graph, folder, form, batch)
            record.add(_paths(folder, name, form), key)
    return due


def check(path, batch):
    """Runs two inputs through onnxruntime; returns a line about the probabilities or raises ValueError."""
    import onnxruntime
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    images = np.random.default_rng(0).standard_normal((2, batch or 1) + networks.INPUT, dtype=np.float32)
    # One picture of pure noise, one of smooth patches.
    images[1] = np.kron(images[1, :, :, :14, :14], np.ones((1, 1, 16, 16), np.float32))
    outputs = [session.run(None, {session.get_inputs()[0].name: image})[0][0] for image in images]
    for output in outputs:
        if not np.isfinite(output).all() or abs(output.sum() - 1) > 1e-4:
            raise ValueError(f"{path}: the output is no distribution")
        if not 0.003 < output.max() < 0.9:
            raise ValueError(f"{path}: the largest of {output.size} probabilities is {output.max():.4g}")
    change = float(np.abs(outputs[0] - outputs[1]).sum()) / 2
    if change < 0.01:
        raise ValueError(f"{path}: the output hardly depends on the input ({change:.4g})")
    return f"largest probability {outputs[0].max():.4f} and {outputs[1].max():.4f}, " \
           f"{100 * change:.0f} % differ between two inputs"


def _arguments():
    def batch(text):
        if text == "symbolic":
            return None
        if not text.isdigit() or not 1 <= int(text) <= 4096:
            raise argparse.ArgumentTypeError(f"'{text}' is neither a number from 1 to 4096 nor 'symbolic'")
        return int(text)

    def names(allowed):
        def parse(text):
            chosen = [name for name in text.split(",") if name]
            unknown = [name for name in chosen if name not in allowed]
            if unknown or not chosen:
                raise argparse.ArgumentTypeError(f"'{text}' is not a list out of {', '.join(allowed)}")
            return chosen
        return parse

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder for the files")
    parser.add_argument("--models", type=names(list(networks.NETWORKS)), default=list(networks.NETWORKS),
                        help=f"comma-separated, out of {', '.join(networks.NETWORKS)}; all by default")
    parser.add_argument("--formats", type=names(FORMATS), default=list(FORMATS), help="onnx, mxnet or both")
    parser.add_argument("--batch", type=batch, default=1, help="a number or 'symbolic'; default 1")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--check", action="store_true", help="run every ONNX file through onnxruntime")
    return parser.parse_args()


def main():
    options = _arguments()
    options.out.mkdir(parents=True, exist_ok=True)
    record = Record(options.out)
    for name in options.models:
        began = time.monotonic()
        written = generate(name, options.out, options.formats, options.batch, options.seed, record)
        print(f"{name}: {'wrote ' + ' and '.join(written) if written else 'current'}, "
              f"{time.monotonic() - began:.1f} s", flush=True)
        if options.check and "onnx" in options.formats:
            print(f"{name}: {check(options.out / f'{name}.onnx', options.batch)}", flush=True)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (OSError, ValueError, ImportError) as error:
        sys.exit(f"generate_models.py: {error}")
