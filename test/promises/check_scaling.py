#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Callers in one process against processes: how the throughput of one operator grows with its callers.

    check_scaling.py BENCH_WORKER MODEL [--rounds N] [--seconds S] [--callers T]

Two processes hold the same model. In each round every way is measured once: one caller, T callers of one process, and
one caller in each of T processes at once; the order turns. What counts is the median of the ratios within a round.
"""
import argparse
import concurrent.futures
import json
import os
import statistics
import subprocess
import sys


class Worker:
    """A process with one operator that answers one line for each command."""

    def __init__(self, program, model):
        environment = dict(os.environ, OMP_NUM_THREADS="1")
        self.process = subprocess.Popen([program, "--no-check", model], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, env=environment)
        if self.process.stdout.readline().strip() != "ready":
            raise RuntimeError(f"{program} {model} did not start")

    def run(self, callers, seconds):
        self.process.stdin.write(f"run {callers} {seconds}\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=60)


def measure(workers, callers, rounds, seconds):
    """Invocations a second of one caller, of `callers` in one process and of as many processes, by round."""

    def one():
        return workers[0].run(1, seconds)

    def threads():
        return workers[0].run(callers, seconds)

    def processes():
        with concurrent.futures.ThreadPoolExecutor(callers) as pool:
            return sum(pool.map(lambda worker: worker.run(1, seconds), workers[:callers]))

    ways = [("one", one), ("threads", threads), ("processes", processes)]
    results = []
    for way in ways:  # warm-up
        way[1]()
    for turn in range(rounds):
        order = ways[turn % 3:] + ways[:turn % 3]
        results.append({name: run() for name, run in order})
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("worker")
    parser.add_argument("model")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.4)
    parser.add_argument("--callers", type=int, default=len(os.sched_getaffinity(0)))
    arguments = parser.parse_args()
    workers = [Worker(arguments.worker, arguments.model) for _ in range(arguments.callers)]
    rounds = measure(workers, arguments.callers, arguments.rounds, arguments.seconds)
    for worker in workers:
        worker.close()
    to_one = statistics.median(r["threads"] / r["one"] for r in rounds)
    to_processes = statistics.median(r["threads"] / r["processes"] for r in rounds)
    medians = {name: round(statistics.median(r[name] for r in rounds), 2) for name in rounds[0]}
    print(json.dumps({"bench": "scaling", "model": os.path.basename(arguments.model), "callers": arguments.callers,
                      "per_second": medians, "to_one": round(to_one, 3), "to_processes": round(to_processes, 3)}))
    # 1.85 of two: the same share of what T cores could give
    is_held = to_processes >= 0.95 and to_one >= 0.925 * arguments.callers
    return 0 if is_held else 1


if __name__ == "__main__":
    sys.exit(main())
