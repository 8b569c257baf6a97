#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks scripts/gpu-check without a GPU: test_gpu_check.py PROJECT BUILD [MODULE LIBRARIES]

In its shortest form it finds nothing wrong on the reference device (and, given the module of the emulated GPU
and the folder of its libraries, only there),
and it names programs that fail, die and never end. Leaves PyTorch out.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest

PROJECT, BUILD, MODULE, LIBRARIES = pathlib.Path(), pathlib.Path(), "", ""
PHASES = "facts,models,conformance,networks,threads,example,throughput,layers,sanitizer,peaks"


class GpuCheck(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.out = self.folder / "out"

    def run_check(self, *options, tree=None, device="ref"):
        command = [sys.executable, PROJECT / "scripts" / "gpu-check", "--tree", tree or BUILD, "--dry-run", "--device", device,
                   "--out", self.out, *options]
        if "--phases" not in options:
            command += ["--phases", PHASES]
        return subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, timeout=400)

    def tree_with(self, program, script):
        """The build, where one program is a shell script."""
        tree = self.folder / "tree"
        for path in ("bench", "test/conformance", "examples/multi_threaded_inference", "lib"):
            (tree / path).mkdir(parents=True)
            for file in (BUILD / path).iterdir():
                if file.is_file():
                    (tree / path / file.name).symlink_to(file)
        (tree / program).unlink()
        (tree / program).write_text("#!/bin/sh\n" + script + "\n")
        (tree / program).chmod(0o755)
        return tree

    def test_all_is_right_on_ref(self):
        result = self.run_check()
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertEqual(sorted(path.name for path in self.out.iterdir()),
                         ["log.txt", "report.md", "report.txt", "results.jsonl"])
        text = (self.out / "report.txt").read_text()
        self.assertIn("correctness held: 6 checks right, 0 wrong, 0 late", text)
        self.assertIn("images a second by threads", text)
        records = [json.loads(line) for line in (self.out / "results.jsonl").read_text().splitlines()]
        self.assertEqual({record["bench"] for record in records}, {"startup", "gpu", "gpu_layers", "gpu_peaks"})
        self.assertTrue(all(record["device"] == "ref" for record in records))

    def test_a_program_that_fails_is_named_and_the_rest_goes_on(self):
        tree = self.tree_with("bench/bench_gpu", "echo the output is wrong: 0.5 >&2; exit 1")
        result = self.run_check("--phases", "facts,models,networks,peaks", tree=tree)
        self.assertEqual(result.returncode, 1)
        text = (self.out / "report.txt").read_text()
        self.assertRegex(text, r"shapes, auto, fp32 +wrong +exit status 1: the output is wrong: 0.5")
        self.assertIn("Measured GB/s", text)
        self.assertIn("correctness NOT held", text)

    def test_a_program_that_dies_is_named(self):
        tree = self.tree_with("test/conformance/device_operators", "kill -SEGV $$")
        result = self.run_check("--phases", "models,conformance", tree=tree)
        self.assertEqual(result.returncode, 1)
        self.assertIn("killed by SIGSEGV", (self.out / "report.txt").read_text())

    def test_a_program_that_never_ends_takes_the_budget_and_no_more(self):
        tree = self.tree_with("test/conformance/device_operators", "sleep 600 & sleep 600")
        begin = time.monotonic()
        result = self.run_check("--phases", "models,conformance,networks", "--budget", 6, tree=tree)
        self.assertLess(time.monotonic() - begin, 60)
        self.assertEqual(result.returncode, 1)
        text = (self.out / "report.txt").read_text()
        self.assertRegex(text, r"operators, auto, fp32 +late")
        self.assertRegex(text, r"networks +skipped +no time left")

    def test_a_measurement_that_the_budget_ends_is_no_finding(self):
        tree = self.tree_with("bench/bench_gpu", "sleep 600")
        result = self.run_check("--phases", "models,conformance,throughput", "--budget", 20, tree=tree)
        self.assertEqual(result.returncode, 0, result.stdout)
        text = (self.out / "report.txt").read_text()
        self.assertRegex(text, r"batch 1, fp32, auto, device +skipped +not done within")

    def test_without_the_programs_nothing_is_tried(self):
        (self.folder / "empty").mkdir()
        result = self.run_check(tree=self.folder / "empty")
        self.assertEqual(result.returncode, 2)
        self.assertIn("not in the tree", result.stdout)

    def test_a_device_that_is_not_there_is_wrong(self):
        result = self.run_check("--phases", "facts,models", "--module", self.folder / "none.so", device="gpu:0")
        self.assertEqual(result.returncode, 1)
        text = (self.out / "report.txt").read_text()
        self.assertRegex(text, r"classifies the embedded model +wrong")
        self.assertIn("nothing else was tried", text)

    @unittest.skipUnless(len(sys.argv) > 3, "no module of an emulated GPU is given")
    def test_all_is_right_on_the_emulated_gpu(self):
        result = self.run_check("--phases", "facts,models,networks,threads,example", "--module", MODULE, "--cudnn", LIBRARIES,
                                device="gpu:0")
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertRegex(result.stdout, r"correctness held: \d\d checks right, 0 wrong, 0 late")


if __name__ == "__main__":
    PROJECT, BUILD = (pathlib.Path(argument).resolve() for argument in sys.argv[1:3])
    MODULE, LIBRARIES = sys.argv[3:5] if len(sys.argv) > 4 else ("", "")
    os.environ.pop("OUT", None)
    unittest.main(argv=[sys.argv[0]] + (["GpuCheck.test_all_is_right_on_the_emulated_gpu"] if MODULE else []), verbosity=2)
