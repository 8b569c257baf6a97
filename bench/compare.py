#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the same model, callers and threads through cachedop and its peers, in turns, and reports the ratios.

    python3 bench/compare.py MODEL.onnx [...] [--callers 1,2] [--rounds 9] [--seconds 1] [--plot FILE.svg]

Needs a build (--build, default build) and puts onnxruntime and openvino from PyPI into a virtual environment
(--venv, default .venv-bench) when they are not there. Every peer runs in a process of its own with one thread inside
each invocation; in each round every one of them is measured once, in turns, for --seconds. The outputs are compared
first. What counts is the median over the rounds of the ratio within one round.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
import venv

import plot_svg

HERE = pathlib.Path(__file__).resolve().parent
PEERS = ("onnxruntime", "openvino")


def prepare_venv(folder):
    python = folder / "bin" / "python3"
    if not python.exists():
        venv.create(folder, with_pip=True)
    missing = [name for name in ("numpy", *PEERS)
               if subprocess.run([python, "-c", f"import {name}"], capture_output=True, check=False).returncode]
    if missing:
        print("installing into", folder, ":", *missing, file=sys.stderr)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *missing], check=True)
    return python


class Worker:
    """One process that holds one model and answers one line for each command."""

    def __init__(self, name, command):
        self.name = name
        environment = dict(os.environ, OMP_NUM_THREADS="1")
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env=environment)
        line = self.process.stdout.readline().strip()
        if line != "ready":
            raise RuntimeError(f"{name} did not start: {line!r}")

    def ask(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline().strip()
        if not line:
            raise RuntimeError(f"{self.name} died at {command!r}")
        return line

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=60)


def start_workers(model, arguments, python):
    ours = [str(pathlib.Path(arguments.build) / "bench" / "bench_worker"), "--no-check",
            "--intra-op", str(arguments.intra_op), *(["--fast-run"] if arguments.fast_run else []), str(model)]
    workers = [Worker("cachedop", ours)]
    for peer in arguments.peers:
        workers.append(Worker(peer, [str(python), str(HERE / "peer_worker.py"), peer, str(model),
                                     str(arguments.intra_op)]))
    return workers


def compare_outputs(workers, model, python):
    """All outputs for one input agree with ours to 1e-4 of the largest value."""
    with tempfile.TemporaryDirectory() as folder:
        source = f"{folder}/input"
        subprocess.run([python, HERE / "peer_worker.py", "make-input", str(model), source], check=True)
        for worker in workers:
            for command in (f"input {source}", f"output {folder}/{worker.name}"):
                answer = worker.ask(command)
                if answer != "ok":
                    raise RuntimeError(f"{worker.name}: {command}: {answer}")
        for worker in workers[1:]:
            subprocess.run([python, HERE / "peer_worker.py", "compare", f"{folder}/cachedop",
                            f"{folder}/{worker.name}"], check=True)


def measure(workers, callers, arguments):
    """Rates by worker, one for each round; everybody once in each round, the order turning."""
    rates = {worker.name: [] for worker in workers}
    for worker in workers:
        worker.ask(f"run {callers} {arguments.seconds / 2}")
    for turn in range(arguments.rounds):
        order = workers[turn % len(workers):] + workers[:turn % len(workers)]
        for worker in order:
            rates[worker.name].append(float(worker.ask(f"run {callers} {arguments.seconds}")))
    return rates


def report(model, callers, rates):
    row = {"bench": "compare", "model": model.name, "callers": callers, "per_second": {}, "ratio": {}}
    for name, values in rates.items():
        row["per_second"][name] = round(statistics.median(values), 3)
        if name != "cachedop":
            row["ratio"][name] = round(statistics.median(a / b for a, b in zip(rates["cachedop"], values)), 4)
    text = "  ".join(f"{name} {value:.1f}/s" for name, value in row["per_second"].items())
    ratios = "  ".join(f"{value:.3f} x {name}" for name, value in row["ratio"].items())
    print(f"{model.name:32} {callers:2} callers: {text} | {ratios}")
    return row


def measure_start(model, arguments, python):
    """Wall time and peak memory of whole processes from start to first result, in turns; medians of the ratios."""
    commands = {"cachedop": [str(pathlib.Path(arguments.build) / "bench" / "bench_startup"), "--no-check", str(model)]}
    for peer in arguments.peers:
        commands[peer] = [str(python), str(HERE / "peer_worker.py"), "start", peer, str(model)]
    results = {name: [] for name in commands}
    for _ in range(arguments.rounds):
        for name, command in commands.items():
            begin = time.monotonic()
            answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            result = json.loads(answer.strip().splitlines()[-1])
            if name == "cachedop":  # the whole process; of a peer only what its library does, without Python
                result["total_s"] = time.monotonic() - begin
            results[name].append(result)
    row = {"bench": "compare-start", "model": model.name}
    for field, unit, scale in (("total_s", "ms", 1e3), ("peak_bytes", "MB", 1e-6)):
        medians = {name: statistics.median(r[field] for r in rows) for name, rows in results.items()}
        ratios = {name: round(medians["cachedop"] / medians[name], 3) for name in arguments.peers}
        row[field] = {"median": medians, "ratio": ratios}
        text = "  ".join(f"{name} {value * scale:.1f} {unit}" for name, value in medians.items())
        print(f"{model.name:32} start, {field}: {text} | " +
              "  ".join(f"{value:.3f} x {name}" for name, value in ratios.items()))
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", type=pathlib.Path)
    parser.add_argument("--callers", default="1,2")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--intra-op", type=int, default=1)
    parser.add_argument("--fast-run", action="store_true", help="let us spend time at create on faster kernels")
    parser.add_argument("--build", default="build")
    parser.add_argument("--venv", type=pathlib.Path, default=pathlib.Path(".venv-bench"))
    parser.add_argument("--peers", default=",".join(PEERS))
    parser.add_argument("--start", action="store_true", help="also measure process start to first result")
    parser.add_argument("--plot", type=pathlib.Path, help="draw throughput against callers of the last model")
    parser.add_argument("--json", type=pathlib.Path, help="append one line for each measurement")
    arguments = parser.parse_args()
    arguments.peers = [name for name in arguments.peers.split(",") if name]
    python = prepare_venv(arguments.venv) if arguments.peers else sys.executable
    counts = [int(item) for item in arguments.callers.split(",")]
    rows, series = [], {}
    for model in arguments.models:
        workers = start_workers(model, arguments, python)
        compare_outputs(workers, model, python)
        series = {}
        for callers in counts:
            rates = measure(workers, callers, arguments)
            rows.append(report(model, callers, rates))
            for name, values in rates.items():
                series.setdefault(name, []).append((callers, statistics.median(values)))
        for worker in workers:
            worker.close()
        if arguments.start:
            rows.append(measure_start(model, arguments, python))
    if arguments.plot:
        title = f"{arguments.models[-1].stem}: invocations a second"
        arguments.plot.write_text(plot_svg.lines(title, "callers", "invocations / s", series))
    if arguments.json:
        with open(arguments.json, "a", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)


if __name__ == "__main__":
    main()
