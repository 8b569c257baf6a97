#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The library runs nothing of its own when it is loaded, unloaded or the process exits: it registers no handler with
the C library, and its lists of constructors and destructors hold the C runtime's one entry each."""
import re
import subprocess
import sys

HANDLERS = {"atexit", "__cxa_atexit", "at_quick_exit", "__cxa_at_quick_exit", "on_exit", "__cxa_thread_atexit",
            "__cxa_thread_atexit_impl"}
RUNTIME_ENTRIES = {"init_array": "frame_dummy", "fini_array": "__do_global_dtors_aux"}
POINTER_BYTES = 8


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def main(library):
    wrong = []
    imported = {line.split()[-1].split("@")[0] for line in run("nm", "-D", "--undefined-only", library).splitlines()}
    wrong += [f"imports {name}" for name in sorted(HANDLERS & imported)]
    sections = dict(re.findall(r"\]\s+\.(\S+)\s+\S+\s+[0-9a-f]+\s+[0-9a-f]+\s+([0-9a-f]+)", run("readelf", "-SW",
                                                                                                     library)))
    for name, entry in RUNTIME_ENTRIES.items():
        count = int(sections.get(name, "0"), 16) // POINTER_BYTES
        if count > 1:
            wrong.append(f".{name} has {count} entries, {entry} is to be the only one")
    wrong += [f"has a section .{name}" for name in ("ctors", "dtors") if name in sections]
    for line in wrong:
        print(line)
    if not wrong:
        print("no constructors, destructors or exit handlers")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
