#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes a C table of every function that the MXNet library's headers declare: list_mx_functions.py INCLUDE OUTPUT

Each entry has the parameters as text and a wrapper that calls the function with arguments of one common type, so that a
test can call what it knows only from the table. A function that is added is in it without anybody's doing.
"""
import pathlib
import re
import sys


def read(include):
    headers = [*sorted((include / "mxnet").rglob("*.h")), *sorted((include / "nnvm").rglob("*.h"))]
    text = "".join(re.sub(r"/\*.*?\*/", "", header.read_text(), flags=re.S) for header in headers)
    text = re.sub(r"\s*DEFAULT\(\w+\)(?!\s*=)", "", re.sub(r"^#.*$", "", text, flags=re.M))
    found = {}
    for result, name, parameters in re.findall(r"(?:MXNET_DLL|NNVM_DLL)\s([^;(]*?)\b((?:MX|NN)\w+)\s*\(([^;]*?)\);", text):
        parts = [" ".join(part.split()) for part in parameters.split(",")]
        found[name] = (" ".join(result.split()), [split(part) for part in parts if part not in ("", "void")])
    return found


def split(parameter):
    kind, name = re.fullmatch(r"(.*?)(\w+)", parameter).groups()
    return kind.strip(), name


def is_pointer(kind):
    kind = kind.replace("const ", "").strip()
    return "*" in kind or kind.endswith(("Handle", "Creator", "Callback", "Updater", "Controller"))


def argument(index, kind):
    if kind.endswith(("MonitorCallback",)):
        return f"({kind})(uintptr_t)a[{index}].pointer"
    if kind.startswith("MXKVStore"):
        return f"({kind} *)(uintptr_t)a[{index}].pointer"
    return f"({kind})a[{index}].pointer" if is_pointer(kind) else f"({kind.replace('const ', '')})a[{index}].number"


def write(functions, out):
    out.write("/* Made by list_mx_functions.py. */\n")
    for name, (result, parameters) in functions.items():
        call = f"{name}({', '.join(argument(i, kind) for i, (kind, _) in enumerate(parameters))})"
        out.write(f"static int call_{name}(const union mx_argument *a)\n{{\n    (void)a;\n")
        out.write(f"    return {call};\n}}\n" if result == "int" else f"    (void){call};\n    return 0;\n}}\n"
                  if result != "void" else f"    {call};\n    return 0;\n}}\n")
        out.write(f"static const struct mx_parameter parameters_{name}[] = {{")
        out.write("".join(f'{{"{kind}", "{own}", {int(is_pointer(kind))}}}, ' for kind, own in parameters) + "{0}};\n")
    out.write("static const struct mx_function mx_functions[] = {\n")
    for name, (_, parameters) in functions.items():
        out.write(f'    {{"{name}", {len(parameters)}, parameters_{name}, call_{name}}},\n')
    out.write("};\n")


def main(include, output):
    with open(output, "w", encoding="utf-8") as out:
        write(read(pathlib.Path(include)), out)


if __name__ == "__main__":
    main(*sys.argv[1:])
