#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The library exports exactly what its public headers declare, and needs no execution of static constructors of ours."""
import pathlib
import re
import subprocess
import sys


def declared(headers):
    text = "".join(header.read_text() for header in headers)
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    return set(re.findall(r"COP_API[^;]*?\b(cop_\w+)\s*\(", text))


def exported(library):
    lines = subprocess.run(["nm", "-D", "--defined-only", library], check=True, capture_output=True,
                           text=True).stdout.splitlines()
    return {line.split()[-1].split("@")[0] for line in lines if " A " not in line}


def main(library, include):
    want = declared(sorted(pathlib.Path(include).glob("*.h")))
    have = exported(library)
    for name in sorted(want - have):
        print(f"declared, not exported: {name}")
    for name in sorted(have - want):
        print(f"exported, not declared: {name}")
    if want == have:
        print(f"{len(have)} functions, as declared")
    return 0 if want == have else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
