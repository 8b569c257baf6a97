# SPDX-License-Identifier: Apache-2.0
"""Turns a picture into the network's input the way the example program does, with numpy.

Short side to 256/224 of the input, long side rounded to nearest; area average when shrinking, bilinear when
enlarging; the middle is cut out; RGB / 255 minus mean over standard deviation.
"""
import functools

import numpy as np

import network
import pictures


@functools.lru_cache(maxsize=64)
def _resampling(source, target):
    """Matrix [target, source] whose rows say which source pixels make a target pixel, and in what share."""
    matrix = np.zeros((target, source), np.float32)
    scale = source / target
    for i in range(target):
        if target < source:
            low, high = i * scale, (i + 1) * scale
            for j in range(int(low), min(int(np.ceil(high)), source)):
                matrix[i, j] = (min(high, j + 1) - max(low, j)) / scale
        else:
            centre = min(max((i + 0.5) * scale - 0.5, 0), source - 1)
            j = min(int(centre), source - 2) if source > 1 else 0
            matrix[i, j] += 1 - (centre - j)
            if source > 1:
                matrix[i, j + 1] += centre - j
    return matrix


def crop(image):
    """uint8 [height, width, 3] to float32 [48, 48, 3], values 0 to 255."""
    height, width, _ = image.shape
    short = pictures.SHORT_SIDE
    tall = short if height <= width else int(height * short / width + 0.5)
    wide = short if width <= height else int(width * short / height + 0.5)
    size = pictures.INPUT
    top, left = (tall - size) // 2, (wide - size) // 2
    rows = _resampling(height, tall)[top:top + size]
    columns = _resampling(width, wide)[left:left + size]
    narrow = np.einsum("xw,hwc->hxc", columns, image.astype(np.float32), optimize=True)
    return np.einsum("yh,hxc->yxc", rows, narrow, optimize=True)


def network_input(image):
    """float32 [3, 48, 48]"""
    normalised = (crop(image) / 255 - np.array(network.MEAN, np.float32)) / np.array(network.STD, np.float32)
    return np.ascontiguousarray(normalised.transpose(2, 0, 1), np.float32)
