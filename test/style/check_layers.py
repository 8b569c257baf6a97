#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads the #include lines of lib/ and kernels/ against the table of layers and names every violation."""
import pathlib
import re
import sys

# A layer may include itself and what stands beside it here.
ALLOWED = {
    "base": set(),
    "ir": {"base"},
    "graph": {"base", "ir"},
    "model": {"base", "ir", "graph"},
    "passes": {"base", "ir", "graph"},
    "backends": {"base", "ir"},
    "plan": {"base", "ir", "graph", "passes", "backends"},
    "runtime": {"base", "ir", "graph", "model", "passes", "backends", "plan"},
    "mxnet": {"base", "ir", "graph", "model"},
}
# Folders whose neighbours must not see each other: importers, backends.
SEPARATE = {"model", "backends"}
# The only folder that knows the CUDA kernels, which know nothing of the library.
LAUNCHES_KERNELS = "backends/cuda/"


def room(path):
    """The layer, and the folder inside it where folders are separate."""
    parts = path.split("/")
    inner = parts[1] if parts[0] in SEPARATE and len(parts) > 2 else None
    return parts[0], inner


def check_kernels(kernels):
    """Kernels include each other by name, CUDA's headers and the emulation's, and nothing of lib/."""
    violations = []
    for file in sorted(kernels.glob("*.[ch]*")):
        for number, line in enumerate(file.read_text().splitlines(), 1):
            found = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
            if found and "/" in found.group(1) and not found.group(1).startswith("emulation/"):
                violations.append(f"kernels/{file.name}:{number}: must not include {found.group(1)}")
    return violations


def main(lib):
    violations, names = check_kernels(lib.parent / "kernels"), {}
    for file in sorted(lib.rglob("*.[ch]")):
        relative = file.relative_to(lib).as_posix()
        names.setdefault(file.name, []).append(relative)
        layer, inner = room(relative)
        for number, line in enumerate(file.read_text().splitlines(), 1):
            found = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
            if not found:
                continue
            target = found.group(1)
            if target.endswith(".pb.h"):
                continue  # generated into the build folder
            if "/" not in target:
                violations.append(f"{relative}:{number}: \"{target}\" is not written from lib/")
                continue
            if target.startswith("kernels/"):
                if not relative.startswith(LAUNCHES_KERNELS):
                    violations.append(f"{relative}:{number}: only {LAUNCHES_KERNELS} includes {target}")
                continue
            to_layer, to_inner = room(target)
            if to_layer not in ALLOWED or to_layer != layer and to_layer not in ALLOWED[layer]:
                violations.append(f"{relative}:{number}: {layer} must not include {target}")
            elif to_layer == layer and inner and to_inner and inner != to_inner:
                violations.append(f"{relative}:{number}: {layer}/{inner} must not include {target}")
    for name, places in names.items():
        if len(places) > 1:
            violations.append(f"{name} is the name of several files: {', '.join(places)}")
    print("\n".join(violations) or f"{sum(map(len, names.values()))} files keep to their layers")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
