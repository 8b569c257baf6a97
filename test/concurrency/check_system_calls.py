#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""In the steady state an invoke makes no system call: N and 2N invokes of several threads make as many futex calls.

Threads that start and end make a few of their own, and how many depends on timing; so what counts is the smallest
number seen in some runs of each, and that it does not grow by even one call for each hundred invokes more.
"""
import re
import shutil
import subprocess
import sys

SKIPPED = 77
RUNS, COUNT, THREADS = 5, 2000, 4


def count_calls(program, device, count):
    """Calls by name, the fewest of several runs."""
    fewest = {}
    for _ in range(RUNS):
        trace = subprocess.run(["strace", "-f", "-c", "-U", "name,calls", "-o", "/dev/stdout", program, device,
                                str(THREADS), str(count)], check=True, capture_output=True, text=True).stdout
        calls = {name: int(number) for name, number in re.findall(r"^\s*(\w+)\s+(\d+)\s*$", trace, re.M)}
        if not fewest or calls["total"] < fewest["total"]:
            fewest = calls
    return fewest


def main(program):
    if not shutil.which("strace") or subprocess.run(["strace", "-o", "/dev/null", "true"], check=False,
                                                    capture_output=True).returncode:
        print("SKIP: strace is not there, or may not trace here")
        return SKIPPED
    failed = False
    for device in ("ref", "cpu"):
        once, twice = (count_calls(program, device, COUNT * factor) for factor in (1, 2))
        for name in ("futex", "total"):
            more = twice.get(name, 0) - once.get(name, 0)
            print(f"{device}: {name} calls for {THREADS} x {COUNT} invokes: {once.get(name, 0)}, twice as many "
                  f"invokes: {more:+d}")
            failed |= more > THREADS * COUNT // 100
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
