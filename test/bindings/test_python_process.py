#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How the Python binding begins, forks and ends: test_python_process.py PROJECT

Each test runs programs of its own. Those of docs/bindings.md are among them.
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

from binding_case import PROJECT, SHAPES

import cachedop.library

START = """
import os, sys, threading, time
import numpy as np
import cachedop
model = cachedop.Model(sys.argv[1])
op = cachedop.CachedOp(model)
slow = cachedop.CachedOp(model, device="ref", shapes={"data": (16, 3, 48, 48)})
data, much = np.ones((1, 3, 48, 48), np.float32), np.ones((16, 3, 48, 48), np.float32)
"""


def run(program, *, cwd=None, **environment):
    return subprocess.run([sys.executable, "-X", "faulthandler", "-c", program, str(SHAPES)], capture_output=True, text=True,
                          timeout=120, check=False, cwd=cwd, env={**os.environ, **environment})


class Processes(unittest.TestCase):
    def ends(self, program, status=0, said=""):
        result = run(START + program)
        self.assertEqual((result.returncode, result.stderr), (status, said), program)
        return result.stdout


class Exit(Processes):
    PENDING = "for _ in range(50): slow.invoke_async(np.ones_like(much), out=[np.empty((16, 12), np.float32)])\n"

    def test_with_work_pending_that_nobody_waits_for(self):
        for _ in range(3):
            self.ends(self.PENDING)
            self.ends(self.PENDING + "sys.exit(3)", 3)

    def test_with_work_pending_that_the_program_holds(self):
        self.ends("held = [slow.invoke_async(much)[0] for _ in range(50)]\nviews = [op.invoke(data)[0].numpy()]\n")

    def test_with_work_that_has_tokens_deadlines_and_queues_of_the_caller(self):
        self.ends("""
queue, token = cachedop.CompletionQueue(), cachedop.Cancel()
for i in range(30):
    slow.invoke_async(much, completions=queue, user=i, cancel=token, timeout=0.02 * i)
queue.close()
""")

    def test_without_workers(self):
        self.ends("cachedop.set_worker_threads(0)\n" + self.PENDING)

    def test_with_daemon_threads_that_call(self):
        for _ in range(3):
            self.ends("""
def forever():
    while True:
        op(data)
for _ in range(4):
    threading.Thread(target=forever, daemon=True).start()
time.sleep(0.05)
""")

    def test_at_once(self):
        self.ends(self.PENDING + "os._exit(5)", 5)

    def test_by_an_exception(self):
        result = run(START + self.PENDING + "raise KeyError('mine')")
        self.assertEqual(result.returncode, 1)
        self.assertTrue(result.stderr.rstrip().endswith("KeyError: 'mine'"), result.stderr)

    def test_work_that_would_begin_at_exit_is_refused(self):
        said = self.ends("""
import atexit
def late():
    try:
        op.invoke_async(data)
    except RuntimeError as error:
        print(error)
# Handlers run backwards: this one after the binding's, which was registered on import.
import importlib
atexit.unregister(cachedop.pending._finish)
atexit.register(late)
atexit.register(cachedop.pending._finish)
""")
        self.assertEqual(said, "the interpreter exits: nothing new begins\n")

    def test_views_are_good_until_the_very_end(self):
        said = self.ends("""
import atexit
view = op(data)
expected = view.copy()
class Last:
    def __del__(self, view=view, expected=expected):
        os.write(1, b"same" if view.tobytes() == expected.tobytes() else b"other")
keep = Last()
sys.modules["last"] = keep
""")
        self.assertEqual(said, "same")


class Fork(Processes):
    def test_a_child_calls_with_what_it_inherited(self):
        said = self.ends("""
expected = op(data).tobytes()
for _ in range(20):
    slow.invoke_async(np.ones_like(much))
pending, = slow.invoke_async(much)
child = os.fork()
if child == 0:
    good = op(data).tobytes() == expected
    good &= op.invoke_async(data)[0].numpy(timeout=60).tobytes() == expected
    try:
        pending.numpy(timeout=60)
        good = False
    except cachedop.Cancelled:
        pass
    cachedop.CachedOp(model)(data)
    sys.exit(0 if good else 1)  # by way of the binding's handler
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), pending.numpy().shape)
""")
        self.assertEqual(said, "0 (16, 12)\n")

    def test_a_queue_of_the_parent_is_refused_in_the_child(self):
        said = self.ends("""
queue = cachedop.CompletionQueue()
child = os.fork()
if child == 0:
    for use in (lambda: list(queue), lambda: op.invoke_async(data, completions=queue)):
        try:
            use()
            os._exit(1)
        except cachedop.InvalidArgument:
            pass
    op.invoke_async(data)[0].wait()
    sys.exit(0)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
""")
        self.assertEqual(said, "0\n")

    def test_children_of_many_threads(self):
        said = self.ends("""
expected, over = op(data).tobytes(), threading.Event()
def calls():
    while not over.is_set():
        op(data)
        op.invoke_async(np.ones_like(data))
threads = [threading.Thread(target=calls) for _ in range(4)]
for thread in threads:
    thread.start()
codes = []
for _ in range(10):
    child = os.fork()
    if child == 0:
        good = op(data).tobytes() == expected and op.invoke_async(data)[0].numpy().tobytes() == expected
        os._exit(0 if good else 1)
    codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
over.set()
for thread in threads:
    thread.join()
print(codes)
""")
        self.assertEqual(said, f"{[0] * 10}\n")


class Beginning(unittest.TestCase):
    def test_a_library_that_is_not_there(self):
        result = run("import cachedop", CACHEDOP_LIBRARY="/nonexistent/libcachedop.so.0")
        self.assertIn("ImportError: /nonexistent/libcachedop.so.0", result.stderr)

    def test_a_description_of_something_else(self):
        described = cachedop.library.api.described
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "api.json"
            for change, reason in (({"schema": 2}, "schema 2"), ({"version": "9.9.9"}, "9.9.9")):
                path.write_text(json.dumps({**described, **change}))
                result = run("import cachedop", CACHEDOP_API=str(path))
                self.assertRegex(result.stderr, "ImportError: .*" + reason)
            described["structs"]["cop_dim"]["size"] += 8
            path.write_text(json.dumps(described))
            self.assertIn("ImportError: cop_dim has 16 bytes here, 24", run("import cachedop", CACHEDOP_API=str(path)).stderr)


class Document(unittest.TestCase):
    def test_the_programs_of_the_page_on_bindings_run(self):
        text = (PROJECT / "docs" / "bindings.md").read_text()
        blocks = re.findall(r"^```python\n(.*?)^```$", text, flags=re.S | re.M)
        self.assertGreater(len(blocks), 0)
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "shapes.onnx").write_bytes(SHAPES.read_bytes())
            for block in blocks:
                result = run(block, cwd=folder)
                self.assertEqual((result.returncode, result.stderr), (0, ""), block)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]], verbosity=2)
