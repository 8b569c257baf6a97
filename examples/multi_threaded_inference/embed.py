# SPDX-License-Identifier: Apache-2.0
"""Writes an assembler file that puts files into the program: embed.py OUTPUT NAME=FILE..."""
import sys

SYMBOL = """\
    .globl {name}
    .globl {name}_size
    .balign 64
{name}:
    .incbin "{path}"
0:
    .balign 8
{name}_size:
    .quad 0b - {name}
"""


def main():
    output, *pairs = sys.argv[1:]
    with open(output, "w", encoding="utf-8") as file:
        file.write("/* Made by embed.py. */\n    .section .rodata\n")
        for pair in pairs:
            name, path = pair.split("=", 1)
            escaped = path.replace("\\", "\\\\").replace('"', '\\"')
            file.write(SYMBOL.format(name=name, path=escaped))
        # Marks the stack as not executable, which assembler files must say for themselves.
        file.write('    .section .note.GNU-stack,"",%progbits\n')


if __name__ == "__main__":
    main()
