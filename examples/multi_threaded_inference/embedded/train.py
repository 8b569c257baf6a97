#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Trains the embedded classifier on pictures it draws and writes it in both formats.

    python3 train.py                     # writes shapes-symbol.json, shapes-0000.params, shapes.onnx here
    python3 train.py --out DIR --epochs 1 --pictures 2000      # a quick look at the mechanics

Training needs torch (Debian: python3-torch); nothing else in the project does. The same seed, torch and machine
give the same weights.
"""
import argparse
import math
import pathlib
import time

import numpy as np
import torch
from torch.nn import functional

import network
import pictures
import shapes

from cachedop_models import mxnet_writer, onnx_writer

HERE = pathlib.Path(__file__).resolve().parent
TEST_SEED = 2_000_000  # far from any training seed


class Trainable(torch.nn.Module):
    """Runs a Graph's layers with torch; its parameters and statistics carry the graph's weight names."""

    def __init__(self, graph):
        super().__init__()
        self.graph = graph
        for layer in graph.layers:
            for key in layer.weights:
                value = torch.from_numpy(graph.weights[key].copy())
                if key.endswith(("_running_mean", "_running_var")):
                    self.register_buffer(key, value)
                    continue
                if key.endswith("_weight"):
                    torch.nn.init.kaiming_normal_(value, nonlinearity="relu")
                self.register_parameter(key, torch.nn.Parameter(value))

    def _layer(self, layer, xs):
        weights = [getattr(self, key) for key in layer.weights]
        a = layer.attributes
        if layer.kind == "conv":
            return functional.conv2d(xs[0], *weights, stride=a["stride"], padding=a["pad"], groups=a["groups"])
        if layer.kind == "batchnorm":
            gamma, beta, mean, var = weights
            return functional.batch_norm(xs[0], mean, var, gamma, beta, self.training, 0.1, a["epsilon"])
        if layer.kind == "maxpool":
            return functional.max_pool2d(xs[0], a["kernel"], a["stride"], a["pad"], ceil_mode=a["ceil"])
        if layer.kind == "fc":
            return functional.linear(xs[0], *weights)
        return {"relu": lambda: functional.relu(xs[0]), "add": lambda: xs[0] + xs[1],
                "globalpool": lambda: xs[0].mean((2, 3), keepdim=True),
                "flatten": lambda: xs[0].flatten(1),
                "softmax": lambda: xs[0]}[layer.kind]()  # the loss takes logits

    def forward(self, x):
        """Logits."""
        values = {self.graph.input: x}
        for layer in self.graph.layers:
            values[layer.name] = self._layer(layer, [values[name] for name in layer.inputs])
        return values[self.graph.output]

    def store(self):
        """Copies what was learned back into the graph."""
        for key in self.graph.weights:
            self.graph.weights[key] = getattr(self, key).detach().numpy().astype(np.float32)


def normalise(crops):
    """uint8 [n, h, w, 3] to the network's float32 [n, 3, h, w]."""
    mean, std = (torch.tensor(values, dtype=torch.float32) for values in (network.MEAN, network.STD))
    return ((torch.from_numpy(crops).float() / 255 - mean) / std).permute(0, 3, 1, 2).contiguous()


def vary(random, crops):
    """Mirrors, quarter turns, permuted and inverted colours: none of them changes the class."""
    crops = np.rot90(crops, int(random.integers(4)), (1, 2))
    if random.integers(2):
        crops = crops[:, :, ::-1]
    crops = crops[..., random.permutation(3)]
    if random.integers(2):
        crops = 255 - crops
    return np.ascontiguousarray(crops)


def labels_for(count):
    """Every class equally often."""
    return np.arange(count) % len(shapes.NAMES)


def accuracy(model, crops, labels):
    model.eval()
    right = 0
    with torch.no_grad():
        for start in range(0, len(labels), 500):
            best = model(normalise(crops[start:start + 500])).argmax(1).numpy()
            right += int((best == labels[start:start + 500]).sum())
    return right / len(labels)


def train(model, crops, labels, test, options):
    random = np.random.default_rng(options.seed + 1)
    decayed = [p for name, p in model.named_parameters() if name.endswith("_weight")]
    others = [p for name, p in model.named_parameters() if not name.endswith("_weight")]
    optimiser = torch.optim.SGD([{"params": decayed, "weight_decay": 5e-4}, {"params": others}],
                                lr=options.rate, momentum=0.9, nesterov=True)
    batches = len(labels) // options.batch
    total = batches * options.epochs
    step = 0
    for epoch in range(options.epochs):
        began, losses = time.time(), []
        model.train()
        order = random.permutation(len(labels))
        for rows in np.split(order[:batches * options.batch], batches):
            warm = min(1.0, (step + 1) / 200)
            for group in optimiser.param_groups:
                group["lr"] = options.rate * warm * 0.5 * (1 + math.cos(math.pi * step / total))
            logits = model(normalise(vary(random, crops[rows])))
            loss = functional.cross_entropy(logits, torch.from_numpy(labels[rows]), label_smoothing=0.02)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            losses.append(float(loss))
            step += 1
        print(f"epoch {epoch + 1}/{options.epochs}: loss {np.mean(losses):.4f}, "
              f"held-out {100 * accuracy(model, *test):.2f} %, {time.time() - began:.0f} s", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=pathlib.Path, default=HERE)
    parser.add_argument("--pictures", type=int, default=60000, help="training pictures drawn")
    parser.add_argument("--test-pictures", type=int, default=6000)
    parser.add_argument("--epochs", type=int, default=14)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--rate", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()

    torch.manual_seed(options.seed)
    torch.set_num_threads(1)
    began = time.time()
    labels = labels_for(options.pictures)
    crops = pictures.draw_crops(np.random.default_rng(options.seed), labels)
    test_labels = labels_for(options.test_pictures)
    test = pictures.draw_crops(np.random.default_rng(TEST_SEED), test_labels), test_labels
    print(f"drew {len(labels)} + {len(test_labels)} pictures in {time.time() - began:.0f} s", flush=True)

    graph = network.build()
    model = Trainable(graph)
    train(model, crops, labels, test, options)
    model.store()
    options.out.mkdir(parents=True, exist_ok=True)
    onnx_writer.write(graph, options.out / "shapes.onnx")
    mxnet_writer.write(graph, options.out / "shapes", declare_shape=True)
    print(f"held-out accuracy {100 * accuracy(model, *test):.2f} % of {len(test_labels)} pictures, "
          f"seed {TEST_SEED}; wrote {options.out}/shapes*")


if __name__ == "__main__":
    main()
