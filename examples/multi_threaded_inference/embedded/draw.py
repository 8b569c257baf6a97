#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Draws whole labelled pictures into a folder.

    python3 draw.py --out samples --samples             # the twelve pictures that are kept here
    python3 draw.py --out DIR --count 500 --seed 7      # as many more as wanted, with DIR/labels.tsv

Needs numpy, and for JPEG files python3-pil.
"""
import argparse
import pathlib

import numpy as np

import image_files
import pictures
import shapes

SIZES = [(320, 240), (240, 320), (640, 480), (200, 150), (256, 256), (400, 300), (300, 450), (480, 270), (96, 80)]
SAMPLES_SEED = 20
SAMPLES = [("circle.png", 320, 240), ("ring.jpg", 640, 480), ("crescent.png", 240, 320), ("heart.jpg", 480, 640),
           ("triangle.bmp", 200, 150), ("square.png", 256, 256), ("hexagon.jpg", 400, 300), ("star.png", 300, 225),
           ("cross.jpg", 600, 338), ("arrow.png", 320, 200), ("spiral.jpg", 500, 500), ("checkerboard.bmp", 180, 240)]


def whole_pictures(seed, count):
    """Yields (label, uint8 [h, w, 3]): every class equally often, sizes in turn."""
    random = np.random.default_rng(seed)
    classes = len(shapes.NAMES)
    for start in range(0, count, classes):
        width, height = SIZES[start // classes % len(SIZES)]
        labels = np.arange(min(classes, count - start))
        yield from zip(labels.tolist(), pictures.draw(random, labels, height, width))


def draw_samples(folder):
    random = np.random.default_rng(SAMPLES_SEED)
    for name, width, height in SAMPLES:
        label = shapes.NAMES.index(name.split(".")[0])
        image_files.write(folder / name, pictures.draw(random, [label], height, width)[0])


def draw_many(folder, seed, count):
    lines = []
    for number, (label, image) in enumerate(whole_pictures(seed, count)):
        name = f"{number:05d}.png"
        (folder / name).write_bytes(image_files.png(image, level=1))  # fast, nearly as small
        lines.append(f"{name}\t{label}\t{shapes.NAMES[label]}\n")
    (folder / "labels.tsv").write_text("".join(lines))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--samples", action="store_true", help="the kept sample pictures instead of --count new ones")
    parser.add_argument("--count", type=int, default=120)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    if options.samples:
        draw_samples(options.out)
    else:
        draw_many(options.out, options.seed, options.count)


if __name__ == "__main__":
    main()
