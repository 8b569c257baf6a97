#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the headers of this folder with the real ones: every enumerator, macro, size and offset
is asserted, and every prototype declared again, where the real headers are included.

usage: check_headers.py <C compiler> <folder of the real headers>; status 77: there are none."""

import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
HEADERS = ['cuda_runtime_api.h', 'cudnn.h', 'cublasLt.h']


def read(header):
    with open(os.path.join(HERE, header)) as file:
        text = re.sub(r'/\*.*?\*/|//[^\n]*', '', file.read(), flags=re.S)
    return text.replace('TEST_CUDA_OR(NULL)', '').replace('TEST_CUDA_OR(0)', '')


def constants(text):
    """Enumerators, and macros that are numbers."""
    names = re.findall(r'^\s+(\w+) = [^,]+,', text, re.M)
    return names + [name for name, value in re.findall(r'^#define (\w+)\s+(.+)$', text, re.M)
                    if re.match(r'[\d(]', value) and 'Stream_t' not in value]


def structs(text):
    """(type, members) of every structure whose members are declared."""
    found = []
    for tag, body, name in re.findall(r'struct (\w*) ?\{([^}]*)\}\s*(\w*);', text):
        members = re.findall(r'(\w+)(?:\[[^\]]*\])?;', body)
        found.append((name if name else 'struct ' + tag, members))
    return found


def prototypes(text):
    """Every function, declared as here."""
    return re.findall(r'^(?:cudaError_t|cudnnStatus_t|cublasStatus_t|const char \*|size_t|void)'
                      r'\s?\w+\([^;{]*\);', text, re.M)


def compile_c(compiler, include, source, program=None):
    with tempfile.NamedTemporaryFile('w', suffix='.c', delete=False) as file:
        file.write(source)
    command = [*compiler, '-std=gnu11', '-I', include, file.name]
    command += ['-o', program] if program else ['-fsyntax-only']
    done = subprocess.run(command, capture_output=True, text=True)
    os.unlink(file.name)
    return done


def assertions(compiler, header, text, folder):
    """What our header says, as assertions in C."""
    values = [f'(long long)({name})' for name in constants(text)]
    for type_name, members in structs(text):
        values.append(f'(long long)sizeof({type_name})')
        values += [f'(long long)offsetof({type_name}, {member})' for member in members]
    lines = [f'    printf("_Static_assert(%s == %lld, \\"%s\\");\\n", "{value}", {value}, "{value}");'
             for value in values]
    program = os.path.join(folder, 'print')
    source = f'#include <{header}>\n#include <stdio.h>\nint main(void)\n{{\n' + '\n'.join(lines) + '\n}\n'
    done = compile_c(compiler, HERE, source, program)
    if done.returncode != 0:
        sys.exit(done.stderr)
    return subprocess.run([program], capture_output=True, text=True, check=True).stdout


def main():
    compiler, real = sys.argv[1].split(), sys.argv[2]
    failures, count = 0, 0
    with tempfile.TemporaryDirectory() as folder:
        for header in HEADERS:
            if not os.path.exists(os.path.join(real, header)):
                print(f'{header}: not installed')
                continue
            text = read(header)
            declared = prototypes(text)
            asserted = assertions(compiler, header, text, folder)
            source = f'#include <{header}>\n#include <stddef.h>\n{asserted}' + '\n'.join(declared) + '\n'
            done = compile_c(compiler, real, source)
            print(f'{header}: {asserted.count("_Static_assert")} values, {len(declared)} functions')
            print(done.stderr, end='')
            failures += done.returncode != 0
            count += 1
    return 77 if count == 0 else 1 if failures else 0


if __name__ == '__main__':
    sys.exit(main())
