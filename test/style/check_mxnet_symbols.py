#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The MXNet library exports what its headers declare and nothing else, needs the core as a library, and imports of it only
what that offers: check_mxnet_symbols.py LIBRARY INCLUDE"""
import pathlib
import re
import subprocess
import sys


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def declared(include):
    headers = [*sorted((include / "mxnet").rglob("*.h")), *sorted((include / "nnvm").rglob("*.h"))]
    text = "".join(re.sub(r"/\*.*?\*/", "", header.read_text(), flags=re.S) for header in headers)
    return set(re.findall(r"(?:MXNET_DLL|NNVM_DLL)\s[^;(]*?\b((?:MX|NN)\w+)\s*\(", text))


def symbols(library, which):
    lines = run("nm", "-D", which, library).splitlines()
    return {line.split()[-1].split("@")[0] for line in lines if " A " not in line}


def main(library, include):
    want, have = declared(pathlib.Path(include)), symbols(library, "--defined-only")
    wrong = [f"declared, not exported: {name}" for name in sorted(want - have)]
    wrong += [f"exported, not declared: {name}" for name in sorted(have - want)]
    needed = re.findall(r"\(NEEDED\).*\[(.*)\]", run("readelf", "-d", library))
    if "libcachedop.so.0" not in needed:
        wrong.append(f"needs {', '.join(needed)}, and not libcachedop.so.0")
    for line in wrong:
        print(line)
    if not wrong:
        print(f"{len(have)} functions, as declared")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
