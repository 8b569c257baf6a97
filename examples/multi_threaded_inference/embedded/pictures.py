# SPDX-License-Identifier: Apache-2.0
"""Draws labelled pictures of the figures in shapes.py, many at a time, with numpy alone.

The same drawing serves two sizes. `draw(..., height, width)` gives whole pictures as a camera would, of any size;
`draw_crops` gives what is left of them after the example's preparation (short side to 256/224 of the network's
input, centre crop): 48 x 48 pixels drawn directly, which is what the network trains on.
Everything follows from the numpy Generator that is passed in: the same seed draws the same pictures.
"""
from collections import namedtuple

import numpy as np

import shapes

INPUT = 48  # pixels a side of the network's input
SHORT_SIDE = 55  # 48 * 256 / 224, rounded: the short side before the centre crop
OVERSAMPLING = 2  # samples a side of each pixel of a training crop

# Coordinates: the centre crop spans [-1, 1] on both axes, x to the right, y down.
Scene = namedtuple("Scene", "label rotation radius stretch centre proportions background waves speckle "
                            "figure_colours outline occluder softness noise")


def _colours(random, n):
    """RGB in [0, 1], every fourth a grey and some of those black or white."""
    colour = random.random((n, 3), dtype=np.float32)
    grey = random.random(n) < 0.25
    level = np.clip(random.random(n, dtype=np.float32) * 1.3 - 0.15, 0, 1)
    return np.where(grey[:, None], level[:, None], colour).astype(np.float32)


def _contrasting(random, others, least):
    """Colours [n, 3] at an RGB distance of at least `least` from every array in `others` (each [n, 3])."""
    n = others[0].shape[0]
    colour = _colours(random, n)
    for _ in range(200):
        close = np.zeros(n, bool)
        for other in others:
            close |= np.linalg.norm(colour - other, axis=1) < least
        if not close.any():
            break
        colour[close] = _colours(random, int(close.sum()))
    return colour


def _uniform(random, low, high, shape):
    return (low + (high - low) * random.random(shape, dtype=np.float32)).astype(np.float32)


def compose(random, labels):
    """Everything about the pictures but their size: one Scene of arrays, a row per picture."""
    n = len(labels)
    labels = np.asarray(labels)
    fine = np.isin(labels, [shapes.NAMES.index(name) for name in ("spiral", "checkerboard", "hexagon")])
    radius = _uniform(random, np.where(fine, 0.58, 0.48), 0.9, n)
    room = 0.98 - radius
    base = _colours(random, n)
    graded = random.random(n) < 0.5
    drift = np.where(graded[:, None], _uniform(random, -0.3, 0.3, (n, 3)), 0)
    shade = _contrasting(random, [base, np.clip(base + drift, 0, 1), np.clip(base - drift, 0, 1)], 0.45)
    second = _contrasting(random, [shade], 0.5)
    keep = random.random(n) < 0.5  # the fields between a checkerboard's show the background
    second = np.where(keep[:, None], base, second)
    rough = random.random(n) < 0.45
    waves = dict(
        amplitude=np.where(rough, _uniform(random, 0.02, 0.07, n), 0)[:, None] * np.ones((1, 4), np.float32),
        direction=_uniform(random, 0, 2 * np.pi, (n, 4)),
        frequency=_uniform(random, 2, 22, (n, 4)),
        phase=_uniform(random, 0, 2 * np.pi, (n, 4)),
        tint=_uniform(random, 0.3, 1, (n, 3)))
    hidden = random.random(n) < 0.25
    occluder = dict(
        active=hidden,
        bar=random.random(n) < 0.5,
        centre=_uniform(random, -0.6, 0.6, (n, 2)),
        angle=_uniform(random, 0, np.pi, n),
        size=_uniform(random, 0.04, 0.09, n),
        colour=_contrasting(random, [base], 0.4))
    lined = random.random(n) < 0.3
    return Scene(
        label=labels,
        rotation=_uniform(random, 0, 2 * np.pi, n),
        radius=radius.astype(np.float32),
        stretch=_uniform(random, 0.93, 1.07, n),
        centre=_uniform(random, -1, 1, (n, 2)) * room[:, None],
        proportions=random.random((n, 2), dtype=np.float32),
        background=dict(base=base, drift=drift.astype(np.float32), angle=_uniform(random, 0, 2 * np.pi, n)),
        waves=waves,
        speckle=np.where(random.random(n) < 0.15, _uniform(random, 0.002, 0.02, n), 0),
        figure_colours=dict(first=shade, second=second, drift=_uniform(random, -0.12, 0.12, (n, 3))),
        outline=dict(width=np.where(lined, _uniform(random, 0.03, 0.06, n), 0).astype(np.float32),
                     factor=_uniform(random, 0.35, 0.8, n)),
        occluder=occluder,
        softness=np.where(random.random(n) < 0.3, _uniform(random, 1, 2.2, n), 1).astype(np.float32),
        noise=np.where(random.random(n) < 0.6, _uniform(random, 0, 0.07, n), 0).astype(np.float32))


def _rows(scene, rows):
    """The part of a scene that belongs to the given pictures."""
    def pick(value):
        return {key: pick(item) for key, item in value.items()} if isinstance(value, dict) else value[rows]
    return Scene(*[pick(value) for value in scene])


def _per_pixel(values):
    return values.astype(np.float32)[:, None, None]


def _blend(image, colour, alpha):
    """Lays `colour` ([n, 3] or [n, h, w, 3]) over the image with opacity alpha [n, h, w], in place."""
    if colour.ndim == 2:
        colour = colour[:, None, None, :]
    image += (colour - image) * alpha[..., None]


def _paint_background(scene, x, y):
    ramp = x * _per_pixel(np.cos(scene.background["angle"])) + y * _per_pixel(np.sin(scene.background["angle"]))
    image = scene.background["base"][:, None, None, :] + \
        np.clip(ramp, -1, 1)[..., None] * scene.background["drift"][:, None, None, :]
    rough = np.flatnonzero(scene.waves["amplitude"][:, 0] > 0)
    if rough.size:
        texture = np.zeros((rough.size,) + np.broadcast_shapes(x.shape[1:], y.shape[1:]), np.float32)
        for k in range(scene.waves["phase"].shape[1]):
            wave = {key: _per_pixel(scene.waves[key][rough, k])
                    for key in ("amplitude", "direction", "frequency", "phase")}
            along = x * np.cos(wave["direction"]) + y * np.sin(wave["direction"])
            texture += wave["amplitude"] * np.sin(wave["frequency"] * along + wave["phase"])
        image[rough] += texture[..., None] * scene.waves["tint"][rough][:, None, None, :]
    return image


def _paint_figures(scene, image, x, y, pixel):
    """Paints every picture's figure; `pixel` is the width of one sample in crop coordinates."""
    for label, figure in enumerate(shapes.CLASSES):
        rows = np.flatnonzero(scene.label == label)
        if not rows.size:
            continue
        part = _rows(scene, rows)
        dx, dy = x - _per_pixel(part.centre[:, 0]), y - _per_pixel(part.centre[:, 1])
        cosine, sine = _per_pixel(np.cos(part.rotation)), _per_pixel(np.sin(part.rotation))
        scale = _per_pixel(part.radius)
        local_x = (dx * cosine + dy * sine) / (scale * _per_pixel(part.stretch))
        local_y = (dy * cosine - dx * sine) / scale
        width = pixel * _per_pixel(part.softness) / scale

        def coverage(distance):
            return np.clip(np.float32(0.5) - distance / width, 0, 1)

        canvas = image[rows]
        if figure is shapes.checkerboard:
            _blend(canvas, part.figure_colours["second"],
                   coverage(shapes.checkerboard_outline(local_x, local_y, part.proportions)))
        distance = figure(local_x, local_y, part.proportions)
        shade = part.figure_colours["first"][:, None, None, :] + \
            local_y[..., None] * part.figure_colours["drift"][:, None, None, :]
        edge = coverage(np.abs(distance) - _per_pixel(part.outline["width"])) * \
            (_per_pixel(part.outline["width"]) > 0)
        shade *= (1 - edge * (1 - _per_pixel(part.outline["factor"])))[..., None]
        _blend(canvas, shade, coverage(distance))
        image[rows] = canvas


def _paint_occluders(scene, image, x, y, pixel):
    rows = np.flatnonzero(scene.occluder["active"])
    if not rows.size:
        return
    part = {key: value[rows] for key, value in scene.occluder.items()}
    dx, dy = x - _per_pixel(part["centre"][:, 0]), y - _per_pixel(part["centre"][:, 1])
    size = _per_pixel(part["size"])
    bar = np.abs(dx * _per_pixel(np.cos(part["angle"])) + dy * _per_pixel(np.sin(part["angle"]))) - size / 2
    blob = np.hypot(dx, dy) - 2 * size
    distance = np.where(_per_pixel(part["bar"]) > 0, bar, blob)
    canvas = image[rows]
    _blend(canvas, part["colour"], np.clip(np.float32(0.5) - distance / pixel, 0, 1))
    image[rows] = canvas


def _paint(scene, x, y, pixel):
    image = _paint_background(scene, x, y)
    _paint_figures(scene, image, x, y, np.float32(pixel))
    _paint_occluders(scene, image, x, y, np.float32(pixel))
    return image


def _expose(random, scene, image, noise_gain=1.0):
    """Adds sensor noise and speckles and quantises to bytes."""
    noise = random.standard_normal(image.shape, dtype=np.float32)
    image = image + noise * (scene.noise * np.float32(noise_gain))[:, None, None, None]
    spots = random.random(image.shape[:3], dtype=np.float32) < _per_pixel(scene.speckle)
    image = np.where(spots[..., None], random.random(image.shape, dtype=np.float32), image)
    return (np.clip(image, 0, 1) * 255 + np.float32(0.5)).astype(np.uint8)


def draw_crops(random, labels, batch=256):
    """Network inputs: uint8 [n, 48, 48, 3], RGB."""
    labels = np.asarray(labels)
    samples = INPUT * OVERSAMPLING
    axis = ((np.arange(samples, dtype=np.float32) + 0.5) / samples * 2 - 1)[None, :]
    x, y = axis[:, None, :], axis[:, :, None]
    crops = np.empty((len(labels), INPUT, INPUT, 3), np.uint8)
    for start in range(0, len(labels), batch):
        scene = compose(random, labels[start:start + batch])
        fine = _paint(scene, x, y, 2.0 / samples)
        coarse = fine.reshape(-1, INPUT, OVERSAMPLING, INPUT, OVERSAMPLING, 3).mean(axis=(2, 4))
        crops[start:start + batch] = _expose(random, scene, coarse)
    return crops


def draw(random, labels, height, width):
    """Whole pictures: uint8 [n, height, width, 3], RGB. The figure lies within the centre crop."""
    half_crop = min(height, width) * INPUT / SHORT_SIDE / 2
    x = ((np.arange(width, dtype=np.float32) + 0.5 - width / 2) / half_crop).astype(np.float32)[None, None, :]
    y = ((np.arange(height, dtype=np.float32) + 0.5 - height / 2) / half_crop).astype(np.float32)[None, :, None]
    scene = compose(random, labels)
    image = _paint(scene, x, y, 1.0 / half_crop)
    # Shrinking averages noise away: a large picture gets as much more as keeps some of it.
    return _expose(random, scene, image, np.sqrt(max(min(height, width) / SHORT_SIDE, 1.0)))
