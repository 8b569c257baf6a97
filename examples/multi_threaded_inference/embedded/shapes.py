# SPDX-License-Identifier: Apache-2.0
"""The twelve figures, each as a signed distance over the plane.

A figure lives in its own frame: it fills the disc of radius 1 around the origin. Every function takes the
coordinates x, y (float32 arrays [n, h, w]) and v, two uniform numbers per picture (float32 [n, 2], in [0, 1))
that vary its proportions, and returns the distance to the outline in the same unit: negative inside. Distances
need only be right near the outline, where they blend figure and background.
"""
import numpy as np


def _column(values):
    """One number per picture, ready to broadcast over its pixels."""
    return values.astype(np.float32)[:, None, None]


def _disc(x, y, centre_x, centre_y, radius):
    return np.hypot(x - centre_x, y - centre_y) - radius


def _box(x, y, half_width, half_height):
    return np.maximum(np.abs(x) - half_width, np.abs(y) - half_height)


def _polygon(x, y, sides, circumradius):
    """Regular polygon: the largest of the distances to its sides."""
    apothem = circumradius * np.cos(np.pi / sides)
    distance = None
    for k in range(sides):
        angle = 2 * np.pi * k / sides
        side = x * np.float32(np.cos(angle)) + y * np.float32(np.sin(angle)) - np.float32(apothem)
        distance = side if distance is None else np.maximum(distance, side)
    return distance


def circle(x, y, v):
    return _disc(x, y, 0, 0, np.float32(0.92))


def ring(x, y, v):
    half_width = _column(0.12 + 0.10 * v[:, 0])
    return np.abs(np.hypot(x, y) - (0.94 - half_width)) - half_width


def crescent(x, y, v):
    offset = _column(0.42 + 0.14 * v[:, 0])
    cut = _disc(x, y, offset, 0, _column(0.74 + 0.08 * v[:, 1]))
    return np.maximum(_disc(x, y, 0, 0, np.float32(0.94)), -cut)


def heart(x, y, v):
    """A square on its corner with a disc on each of the two upper sides; y points down."""
    half = _column(0.60 + 0.06 * v[:, 0])
    y = y - np.float32(0.22)
    corner = (np.abs(x) + np.abs(y) - half) * np.float32(np.sqrt(0.5))
    lobe = np.hypot(np.abs(x) - half / 2, y + half / 2) - half * np.float32(np.sqrt(0.5))
    return np.minimum(corner, lobe)


def triangle(x, y, v):
    return _polygon(x, y * _column(0.9 + 0.25 * v[:, 0]), 3, 0.96)


def square(x, y, v):
    return _box(x, y * _column(0.95 + 0.1 * v[:, 0]), np.float32(0.67), np.float32(0.67))


def hexagon(x, y, v):
    return _polygon(x, y, 6, 0.95)


def star(x, y, v):
    """Five points: fold the plane into one half of one point, then one straight side is left."""
    sector = np.float32(2 * np.pi / 5)
    angle = np.arctan2(y, x)
    angle = np.abs(angle - sector * np.round(angle / sector))
    radius = np.hypot(x, y)
    fold_x, fold_y = radius * np.cos(angle), radius * np.sin(angle)
    inner = _column(0.38 + 0.10 * v[:, 0])
    tip = np.float32(0.97)
    side_x, side_y = inner * np.float32(np.cos(np.pi / 5)) - tip, inner * np.float32(np.sin(np.pi / 5))
    return (fold_y * -side_x + (fold_x - tip) * side_y) / np.hypot(side_x, side_y)


def cross(x, y, v):
    arm = _column(0.22 + 0.10 * v[:, 0])
    return np.minimum(_box(x, y, np.float32(0.9), arm), _box(x, y, arm, np.float32(0.9)))


def arrow(x, y, v):
    """Points along +x: a shaft and a triangular head."""
    shaft = _box(x + np.float32(0.35), y, np.float32(0.55), _column(0.13 + 0.07 * v[:, 0]))
    slope = _column(0.85 + 0.25 * v[:, 1])
    head = np.maximum((np.abs(y) + (x - np.float32(0.94)) * slope) / np.hypot(1, slope), -x - np.float32(0.02))
    return np.minimum(shaft, np.maximum(head, np.hypot(x, y) - np.float32(0.97)))


def spiral(x, y, v):
    turns = _column(1.8 + 0.6 * v[:, 0])
    pitch = np.float32(0.95) / turns
    phase = np.hypot(x, y) / pitch - np.arctan2(y, x) / np.float32(2 * np.pi)
    line = np.abs(phase - np.floor(phase) - np.float32(0.5)) - _column(0.24 + 0.06 * v[:, 1])
    return np.maximum(line * pitch, np.hypot(x, y) - np.float32(0.95))


def checkerboard(x, y, v):
    """Four or five fields a side; the fields between show the second colour, so this is one parity only."""
    fields = _column(np.where(v[:, 0] < 0.5, 4.0, 5.0))
    half = np.float32(0.69)
    field = 2 * half / fields

    def to_edge(t):
        position = (t + half) / field
        inside = np.floor(position)
        return field * (np.float32(0.5) - np.abs(position - inside - np.float32(0.5))), inside

    edge_x, column = to_edge(x)
    edge_y, row = to_edge(y)
    odd = np.mod(column + row, 2) >= 1
    parity = np.minimum(edge_x, edge_y) * np.where(odd, np.float32(1), np.float32(-1))
    return np.maximum(parity, _box(x, y, half, half))


def checkerboard_outline(x, y, v):
    return _box(x, y, np.float32(0.69), np.float32(0.69))


# The order is the class number the network learns.
CLASSES = [circle, ring, crescent, heart, triangle, square, hexagon, star, cross, arrow, spiral, checkerboard]
NAMES = [figure.__name__ for figure in CLASSES]
