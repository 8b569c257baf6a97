#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The library exports what its public headers declare, what headers of lib/ mark for the libraries
beside it under a version of its own, and nothing else."""
import pathlib
import re
import subprocess
import sys

# The marker of a declaration, and the version node that its symbol must be in.
VERSIONS = {"COP_API": "COP_0", "COP_SHARED": "COP_PRIVATE"}


def declared(headers, marker):
    text = "".join(header.read_text() for header in headers)
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    return {(name, VERSIONS[marker]) for name in re.findall(marker + r"\b[^;]*?\b(cop_\w+)\s*\(", text)}


def exported(library):
    lines = subprocess.run(["nm", "-D", "--defined-only", "--with-symbol-versions", library], check=True,
                           capture_output=True, text=True).stdout.splitlines()
    symbols = [line.split()[-1] for line in lines if " A " not in line]
    return {(name, version) for name, _, version in (symbol.replace("@@", "@").partition("@") for symbol in symbols)}


def main(library, include, lib):
    want = declared(sorted(pathlib.Path(include).glob("*.h")), "COP_API")
    want |= declared(sorted(pathlib.Path(lib).rglob("*.h")), "COP_SHARED")
    have = exported(library)
    for name, version in sorted(want - have):
        print(f"declared, not exported: {name} in {version}")
    for name, version in sorted(have - want):
        print(f"exported, not declared: {name} in {version or 'no version'}")
    if want == have:
        print(f"{len(have)} functions, as declared")
    return 0 if want == have else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
