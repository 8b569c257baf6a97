#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The documentation is true: check_docs.py LIBRARY PROJECT

Every public function is named in docs/threads.md, and every name and file that the documents mention exists. Every
block of C compiles against the public headers: a block with a main is a program, which also runs, in a folder with a
small model; any other is put into a function that has what the text speaks of.
"""
import os
import pathlib
import re
import shlex
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest

LIBRARY, PROJECT = pathlib.Path(), pathlib.Path()
DOCUMENTS = ("README.md", "docs/threads.md", "docs/gpu.md", "docs/bindings.md")
PICTURE_BYTES, CLASSES = 3 * 48 * 48 * 4, 12

# What a block without a main may use.
AROUND = """
#include <stdio.h>
#include <cachedop/cachedop.h>
void block(cop_cached_op *op, cop_cached_op *first, cop_cached_op *second, cop_ndarray *a, cop_ndarray *b,
           cop_ndarray *c, cop_ndarray *dst, cop_cancel *cancel);
void block(cop_cached_op *op, cop_cached_op *first, cop_cached_op *second, cop_ndarray *a, cop_ndarray *b,
           cop_ndarray *c, cop_ndarray *dst, cop_cancel *cancel)
{
    cop_error error;
    %s
}
"""


def text_of(document):
    return (PROJECT / document).read_text()


def headers():
    return sorted((PROJECT / "include" / "cachedop").glob("*.h"))


def without_comments(text):
    return re.sub(r"/\*.*?\*/", "", text, flags=re.S)


def functions():
    text = "".join(without_comments(header.read_text()) for header in headers())
    return set(re.findall(r"COP_API[^;]*?\b(cop_\w+)\s*\(", text))


def blocks(document):
    """The C blocks of a document, each with the line it begins in."""
    text = text_of(document)
    return [(text.count("\n", 0, found.start()) + 1, found.group(1))
            for found in re.finditer(r"^```c\n(.*?)^```$", text, flags=re.S | re.M)]


def is_program(block):
    return "int main(" in block


def compile_block(block, out):
    """Compiles, and links what is a program; what the compiler says, empty: all is well."""
    source = out.with_suffix(".c")
    source.write_text(block if is_program(block) else AROUND % block)
    command = [*shlex.split(os.environ.get("CC", "cc")), "-std=gnu11", "-Wall", "-Wextra", "-Werror",
               "-I" + str(PROJECT / "include"), str(source), "-o", str(out)]
    command += ["-lpthread", str(LIBRARY), "-Wl,-rpath," + str(LIBRARY.parent)] if is_program(block) else \
        ["-c", "-Wno-unused-parameter"]
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return "" if result.returncode == 0 else result.stdout


class Documents(unittest.TestCase):
    def test_every_public_function_is_in_the_table(self):
        named = set(re.findall(r"`(cop_\w+)`", text_of("docs/threads.md")))
        self.assertGreater(len(functions()), 50)
        self.assertEqual(sorted(functions() - named), [])

    def test_every_name_exists(self):
        declared = set(re.findall(r"\b(?:cop|COP)_\w+", "".join(header.read_text() for header in headers())))
        lists = "".join(header.read_text() for header in headers())
        declared |= {"COP_STATUS_" + name for name in re.findall(r"X\((\w+), \d+, \"", lists)}
        declared |= {"COP_DTYPE_" + name for name in re.findall(r"X\((\w+), \d+, \"\w+\", \d", lists)}
        for document in DOCUMENTS:
            mentioned = set(re.findall(r"\b(?:cop|COP)_\w+", text_of(document))) - {"COP_TEST_DATA"}
            self.assertEqual(sorted(mentioned - declared), [], document)

    def test_every_file_exists(self):
        for document in DOCUMENTS:
            for path in re.findall(r"[`(]((?:test|docs|lib|examples|bench|include|scripts)/[\w./]+\w/?)[` )]",
                                   text_of(document)):
                self.assertTrue((PROJECT / path).exists(), f"{document}: {path}")

    def test_the_pages_stay_short(self):
        for document, most in (("docs/threads.md", 300), ("docs/gpu.md", 150), ("docs/bindings.md", 250)):
            self.assertLessEqual(text_of(document).count("\n"), most, document)


class Blocks(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        model = PROJECT / "examples" / "multi_threaded_inference" / "embedded" / "shapes.onnx"
        (self.folder / "shapes.onnx").write_bytes(model.read_bytes())

    def build(self, block):
        """Compiles a program and returns how to start it."""
        program = self.folder / "program"
        self.assertEqual(compile_block(block, program), "")
        return [str(program)]

    def test_every_block_compiles(self):
        for document in DOCUMENTS:
            found = blocks(document)
            self.assertGreater(len(found), 0, document)
            for line, block in found:
                self.assertEqual(compile_block(block, self.folder / "block"), "", f"{document}:{line}")

    def test_the_program_of_the_main_header_compiles(self):
        text = (PROJECT / "include" / "cachedop" / "cachedop.h").read_text()
        lines = re.findall(r"^ \*(?:     (.*))?$", text[text.index("#include"):text.index("Rules that hold")], flags=re.M)
        program = "#include <stdio.h>\n" + "\n".join(lines)
        self.assertIn("int main(", program)
        self.assertEqual(compile_block(program, self.folder / "block"), "")

    def test_the_first_program_classifies_in_eight_threads(self):
        program = next(block for _, block in blocks("README.md") if is_program(block))
        result = subprocess.run(self.build(program), cwd=self.folder, capture_output=True, text=True, timeout=120,
                                check=False)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        lines = result.stdout.splitlines()
        self.assertEqual(len(lines), 8)
        self.assertEqual(len(set(lines)), 1)
        self.assertRegex(lines[0], r"^score of class 0: -?\d")

    def test_the_program_for_gpus_classifies_without_one(self):
        """Where there is a GPU it uses that; the score is printed either way."""
        program = next(block for _, block in blocks("docs/gpu.md") if is_program(block))
        result = subprocess.run(self.build(program), cwd=self.folder, capture_output=True, text=True, timeout=120,
                                check=False)
        self.assertIn(result.returncode, (0, 1), result.stderr)
        self.assertTrue(result.stdout.startswith("score of class 0:") or "gpu:0" in result.stderr, result.stderr)

    def ask(self, path, message):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as client:
            client.settimeout(60)
            client.connect(str(path))
            client.send(message)
            return client.recv(4096)

    def test_the_server_answers_many_clients_and_refuses_nonsense(self):
        program = next(block for _, block in blocks("docs/threads.md") if is_program(block))
        path = self.folder / "server.socket"
        clients = []
        with subprocess.Popen(self.build(program), cwd=self.folder) as server:
            try:
                until = time.monotonic() + 60
                while time.monotonic() < until and server.poll() is None:
                    try:
                        self.assertEqual(self.ask(path, b"short"), b"a picture has 3 x 48 x 48 floats")
                        break
                    except OSError:  # it does not listen yet
                        time.sleep(0.02)
                for i in range(16):
                    clients.append(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET))
                    clients[i].settimeout(60)
                    clients[i].connect(str(path))
                pictures = [struct.pack("f", i % 2) * (PICTURE_BYTES // 4) for i in range(16)]
                for client, picture in zip(clients, pictures):
                    client.send(picture)
                answers = [client.recv(4096) for client in clients]
            finally:
                server.kill()
                for client in clients:
                    client.close()
        self.assertEqual({len(answer) for answer in answers}, {CLASSES * 4})
        self.assertEqual((len(set(answers[0::2])), len(set(answers[1::2])), len(set(answers))), (1, 1, 2))


if __name__ == "__main__":
    LIBRARY, PROJECT = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2])
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]], verbosity=2)
