#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Asks cachedop's MXNet interface and MXNet itself the same: many threads, one CachedOp, one program for both.

    python3 bench/compare_mxnet.py PREFIX[:BATCH,C,H,W] [...] [--threads 20] [--rounds 9] [--seconds 2]

PREFIX is an MXNet model: PREFIX-symbol.json beside PREFIX-0000.params. Needs a build (--build, default build) with
bench/mxnet_threads, and puts mxnet 1.9.1 with an old numpy from PyPI into a virtual environment (--venv, default
.venv-bench-mxnet) when it is not there. MXNet first tries every one of its settings for a while: flags of the operator,
worker threads of its engine, threads of OpenMP, its oneDNN backend; the best one is what is compared. Outputs are
compared before anything is measured. In each round both are measured once, in turns; what counts is the median of the
ratio within one round. Memory is the peak of the process, which held the same threads.
"""
import argparse
import array
import itertools
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import venv

NUMPY = "numpy==1.23.5"  # the newest that mxnet 1.9.1 can be imported with
STATIC = ["static_alloc=true", "static_shape=true"]
FLAGS = ([], ["static_alloc=true"], STATIC, [*STATIC, "backend=MKLDNN"])


def library_of(folder):
    """libmxnet.so in the virtual environment."""
    python = folder / "bin" / "python3"
    if not python.exists():
        venv.create(folder, with_pip=True)
    find = "import mxnet.libinfo as l; print(l.find_lib_path()[0])"
    if subprocess.run([python, "-c", find], capture_output=True, check=False).returncode:
        print("installing mxnet 1.9.1 into", folder, file=sys.stderr)
        subprocess.run([python, "-m", "pip", "install", "--quiet", NUMPY, "requests", "graphviz"], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--no-deps", "mxnet==1.9.1"], check=True)
    return subprocess.run([python, "-c", find], capture_output=True, check=True, text=True).stdout.strip()


class Subject:
    """One process with one library, one model and one setting."""

    def __init__(self, program, library, model, flags, environment):
        self.name = " ".join([*flags, *(f"{key}={value}" for key, value in environment.items())]) or "defaults"
        prefix, shape = model
        command = [program, library, f"{prefix}-symbol.json", f"{prefix}-0000.params", shape, *flags]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        stderr=subprocess.DEVNULL, env=dict(os.environ, **environment))
        if self.line() != "ready":
            raise RuntimeError(f"{library} ({self.name}) did not start")

    def line(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.name}: the process ended")
        return line.strip()

    def ask(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return self.line()

    def run(self, seconds, threads):
        rate, peak = self.ask(f"run {seconds} {threads}").split()
        return float(rate), int(peak)

    def output(self):
        with tempfile.NamedTemporaryFile() as file:
            count = int(self.ask(f"output {file.name}"))
            elements = array.array("f")
            elements.fromfile(open(file.name, "rb"), count)
        return elements

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def difference(found, expected):
    """The largest difference, as a share of the largest value."""
    largest = max(abs(value) for value in expected)
    return max(abs(a - b) for a, b in zip(found, expected, strict=True)) / largest


def settings():
    """What MXNet's documentation offers to a program of many threads."""
    for flags, workers, openmp in itertools.product(FLAGS, ("1", "2"), ("1", "2")):
        yield flags, {"MXNET_CPU_WORKER_NTHREADS": workers, "OMP_NUM_THREADS": openmp}


def find_best(options, program, library, model):
    best, best_rate = None, 0.0
    for flags, environment in settings():
        subject = Subject(program, library, model, flags, environment)
        rate = statistics.median(subject.run(options.seconds / 2, options.threads)[0] for _ in range(3))
        print(f"   mxnet {subject.name}: {rate:.1f}/s", file=sys.stderr)
        subject.end()
        if rate > best_rate:
            best, best_rate = (flags, environment), rate
    return best


def compare(options, program, ours_library, mxnet_library, model):
    flags, environment = find_best(options, program, mxnet_library, model)
    ours = Subject(program, ours_library, model, [], {})
    mxnet = Subject(program, mxnet_library, model, flags, environment)
    error = difference(ours.output(), mxnet.output())
    if error > 1e-4:
        raise RuntimeError(f"{model[0]}: outputs differ by {error:.2e} of the largest value")
    rounds = []
    for number in range(options.rounds):
        pair = [(subject, subject.run(options.seconds, options.threads))
                for subject in ((ours, mxnet) if number % 2 == 0 else (mxnet, ours))]
        rounds.append({subject is ours: result for subject, result in pair})
    ratio = statistics.median(r[True][0] / r[False][0] for r in rounds)
    rates = [statistics.median(r[which][0] for r in rounds) for which in (True, False)]
    peaks = [max(r[which][1] for r in rounds) for which in (True, False)]
    ours.end()
    mxnet.end()
    print(f"{model[0].name} {model[1]}, {options.threads} threads: {rates[0]:.1f}/s against {rates[1]:.1f}/s, ratio "
          f"{ratio:.2f}; peak {peaks[0] / 1e6:.0f} MB against {peaks[1] / 1e6:.0f} MB; outputs differ by {error:.1e}; "
          f"mxnet with {mxnet.name}")
    print(json.dumps({"question": "mxnet_threads", "model": model[0].name, "shape": model[1],
                      "threads": options.threads, "rate": rates[0], "mxnet_rate": rates[1], "ratio": ratio,
                      "peak_bytes": peaks[0], "mxnet_peak_bytes": peaks[1], "difference": error,
                      "mxnet_setting": mxnet.name}))
    return ratio


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="+")
    parser.add_argument("--threads", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--build", type=pathlib.Path, default=pathlib.Path("build"))
    parser.add_argument("--venv", type=pathlib.Path, default=pathlib.Path(".venv-bench-mxnet"))
    options = parser.parse_args()
    mxnet_library = library_of(options.venv)
    for text in options.models:
        prefix, _, shape = text.partition(":")
        model = (pathlib.Path(prefix), shape or "1,3,224,224")
        compare(options, options.build / "bench" / "mxnet_threads",
                str(options.build / "lib" / "mxnet" / "libcachedop-mxnet.so"), mxnet_library, model)


if __name__ == "__main__":
    main()
