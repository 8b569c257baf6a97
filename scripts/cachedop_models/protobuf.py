# SPDX-License-Identifier: Apache-2.0
"""The protobuf wire format, as much as writing a message needs.

A Message collects byte strings and views of arrays and knows its length, so that a file of hundreds of megabytes
is written without copying the weights. Source: the encoding chapter of the protocol buffers documentation.
"""
import struct

VARINT, LENGTH_DELIMITED, FIXED32 = 0, 2, 5


def varint(value):
    """An unsigned 64-bit number, seven bits a byte, lowest first; a negative number as its two's complement."""
    if not -2**63 <= value < 2**64:
        raise ValueError(f"{value} does not fit into 64 bits")
    value &= 2**64 - 1
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


class Message:
    """Fields in the order of the calls; every method returns the message, so calls chain."""

    def __init__(self):
        self.pieces = []
        self.size = 0

    def _append(self, piece, size):
        self.pieces.append(piece)
        self.size += size

    def _tag(self, number, wire_type, more=b""):
        tag = varint(number << 3 | wire_type) + more
        self._append(tag, len(tag))

    def integer(self, number, *values):
        """One unpacked field for each value."""
        for value in values:
            self._tag(number, VARINT, varint(value))
        return self

    def float32(self, number, value):
        self._tag(number, FIXED32, struct.pack("<f", value))
        return self

    def string(self, number, *values):
        for value in values:
            encoded = value.encode("utf-8")
            self._tag(number, LENGTH_DELIMITED, varint(len(encoded)) + encoded)
        return self

    def array(self, number, values):
        """The array's little-endian bytes; the array must not change until the message is written."""
        values = values.astype(values.dtype.newbyteorder("<"), order="C", copy=False)
        self._tag(number, LENGTH_DELIMITED, varint(values.nbytes))
        self._append(values.reshape(-1).view("u1").data, values.nbytes)
        return self

    def message(self, number, *messages):
        for inner in messages:
            self._tag(number, LENGTH_DELIMITED, varint(inner.size))
            self.pieces += inner.pieces
            self.size += inner.size
        return self
