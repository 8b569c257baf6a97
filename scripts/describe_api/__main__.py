#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Describes the public headers in JSON, for programs that make bindings of them; docs/bindings.md explains it.

The C program that it writes beside fails to compile, or to run, where the JSON says anything else than the compiler.
"""
import argparse
import json
import pathlib
import sys

import check_program
import facts
from header_parser import Misunderstood, Parser, in_order


def main():
    arguments = argparse.ArgumentParser(prog="describe_api", description=__doc__)
    arguments.add_argument("--json", type=pathlib.Path, required=True, help="receives the description")
    arguments.add_argument("--check", type=pathlib.Path, required=True, help="receives the C program")
    arguments.add_argument("--version", required=True, help="must be that of the headers")
    arguments.add_argument("--pointer-bytes", type=int, default=8)
    arguments.add_argument("--int64-alignment", type=int, default=8, help="inside a struct")
    arguments.add_argument("headers", type=pathlib.Path, nargs="+")
    options = arguments.parse_args()
    parser = Parser(options.pointer_bytes, options.int64_alignment)
    try:
        for path in in_order(options.headers):
            parser.read(path)
        api = facts.describe(parser, options.version)
    except Misunderstood as reason:
        return f"describe_api: {reason}"
    options.json.write_text(json.dumps(api, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    options.check.write_text(check_program.check_program(api), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
