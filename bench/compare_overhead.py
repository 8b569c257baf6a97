#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What an empty invoke costs next to onnxruntime's Run: a relu of 16 floats, so that the library is all there is.

    python3 bench/compare_overhead.py [--build build-release] [--rounds 15] [--device cpu|ref]

Both are called from C, one thread, input and output bound; in each round each is measured for 0.3 s, in turns. What
counts is the median of the ratios within a round. onnxruntime comes from PyPI into a virtual environment (--venv).
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import venv

HERE = pathlib.Path(__file__).resolve().parent


def find_onnxruntime(folder):
    """Its shared library, in the virtual environment."""
    python = folder / "bin" / "python3"
    if not python.exists():
        venv.create(folder, with_pip=True)
    libraries = sorted(folder.glob("lib/python3*/site-packages/onnxruntime/capi/libonnxruntime.so*"))
    if not libraries:
        print("installing onnxruntime into", folder, file=sys.stderr)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "onnxruntime"], check=True)
        libraries = sorted(folder.glob("lib/python3*/site-packages/onnxruntime/capi/*onnxruntime*.so*"),
                           key=lambda path: "pybind11" in path.name)
    return libraries[0]


def field(number, value):
    """A protobuf field: a number below 128, or bytes of less than 128."""
    if isinstance(value, int):
        return bytes([number << 3, value])
    return bytes([number << 3 | 2, len(value)]) + value


def relu_model():
    """An ONNX file: data [1,16] -> Relu -> relu [1,16]."""
    shape = field(1, field(1, 1)) + field(1, field(1, 16))
    value_type = field(2, field(1, field(1, 1) + field(2, shape)))
    node = field(1, b"data") + field(2, b"relu") + field(3, b"relu") + field(4, b"Relu")
    graph = (field(1, node) + field(2, b"overhead") + field(11, field(1, b"data") + value_type) +
             field(12, field(1, b"relu") + value_type))
    return field(1, 7) + field(7, graph) + field(8, field(2, 13))


class Peer:
    """A process that answers each line with the nanoseconds of one call."""

    def __init__(self, *command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.greeting = self.process.stdout.readline().strip()
        if not self.greeting.startswith("ready"):
            raise RuntimeError(f"{command[0]} did not start")

    def measure(self):
        self.process.stdin.write("measure\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=60)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=pathlib.Path("build-release"))
    parser.add_argument("--venv", type=pathlib.Path, default=HERE.parent / ".venv-bench")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--device", choices=("cpu", "ref"), default="ref")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        model = pathlib.Path(folder) / "relu.onnx"
        model.write_bytes(relu_model())
        ours = Peer(arguments.build / "bench" / "bench_overhead", arguments.device, "--answer")
        theirs = Peer(arguments.build / "bench" / "overhead_onnxruntime", find_onnxruntime(arguments.venv), model)
        pairs = []
        for turn in range(arguments.rounds):
            order = (ours, theirs) if turn % 2 == 0 else (theirs, ours)
            results = {peer: peer.measure() for peer in order}
            pairs.append((results[ours], results[theirs]))
        ours.close()
        theirs.close()
    row = {"bench": "compare-overhead", "device": arguments.device, "peer": "onnxruntime " + theirs.greeting.split()[1],
           "cachedop_ns": round(statistics.median(a for a, _ in pairs), 1),
           "onnxruntime_ns": round(statistics.median(b for _, b in pairs), 1),
           "ratio": round(statistics.median(a / b for a, b in pairs), 4)}
    print(json.dumps(row))


if __name__ == "__main__":
    main()
