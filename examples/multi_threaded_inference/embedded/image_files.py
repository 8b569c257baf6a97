# SPDX-License-Identifier: Apache-2.0
"""Writes 8-bit RGB pictures (uint8 [height, width, 3]) as PNG or BMP, and as JPEG where PIL is installed."""
import pathlib
import struct
import zlib


def _png_chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(image, level=9):
    height, width, _ = image.shape
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)  # 8 bits, RGB, no interlace
    # Filter 1 stores each pixel's difference to its left neighbour, which drawn pictures compress well under.
    left = image.copy()
    left[:, 1:] -= image[:, :-1]
    rows = b"".join(b"\1" + row.tobytes() for row in left)
    return b"\x89PNG\r\n\x1a\n" + _png_chunk(b"IHDR", header) + _png_chunk(b"IDAT", zlib.compress(rows, level)) + \
        _png_chunk(b"IEND", b"")


def bmp(image):
    height, width, _ = image.shape
    padding = b"\0" * (-3 * width % 4)
    pixels = b"".join(row[:, ::-1].tobytes() + padding for row in image[::-1])  # BGR, bottom row first
    information = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, len(pixels), 2835, 2835, 0, 0)
    offset = 14 + len(information)
    return struct.pack("<2sIHHI", b"BM", offset + len(pixels), 0, 0, offset) + information + pixels


def jpeg(image):
    import io

    from PIL import Image
    encoded = io.BytesIO()
    Image.fromarray(image).save(encoded, "JPEG", quality=90)
    return encoded.getvalue()


ENCODERS = {".png": png, ".bmp": bmp, ".jpg": jpeg}


def write(path, image):
    path = pathlib.Path(path)
    path.write_bytes(ENCODERS[path.suffix](image))
