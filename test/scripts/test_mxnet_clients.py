#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Does scripts/mxnet-clients find what it should? Without MXNet: on trees made up for it.

    python3 test/scripts/test_mxnet_clients.py LIBRARY     the MXNet library of a build directory
"""
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

PROJECT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT / "scripts"))

from mxnet_clients import examples, predict  # noqa: E402
from mxnet_clients.stage import Failure  # noqa: E402

LIBRARY = ""
OTHER_HEADERS = ("base.h", "op_util.h", "operator.h", "shape.h")


class Script(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="mxnet-clients-test-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.headers = self.folder / "include"
        for name in ("dmlc/optional.h", "dmlc/logging.h", "nnvm/tuple.h"):
            (self.headers / name).parent.mkdir(parents=True, exist_ok=True)
            (self.headers / name).write_text("")
        (self.headers / "dmlc" / "logging.h").write_text(
            "#include <string>\nnamespace dmlc { struct CustomLogMessage { static void Log(const std::string &); }; }\n")
        self.package = self.folder / "mxnet" / "cpp-package" / "include" / "mxnet-cpp"
        self.package.mkdir(parents=True)
        for name in OTHER_HEADERS:
            (self.package / name).write_text("")

    def run_script(self, *arguments):
        return subprocess.run([sys.executable, PROJECT / "scripts" / "mxnet-clients", *arguments], capture_output=True, text=True,
                              check=False)

    def check(self, check, *arguments):
        return self.run_script(self.folder / "mxnet", "--headers", self.headers, "--library", LIBRARY, "--only", check, *arguments)

    def write_package(self, body):
        (self.package / "MxNetCpp.h").write_text('#include <dmlc/logging.h>\n#include "mxnet/c_api.h"\n#include "mxnet-cpp/op.h"\n'
                                                 + body)

    def test_a_folder_that_is_not_mxnet_is_said(self):
        result = self.run_script(self.folder, "--library", LIBRARY)
        self.assertEqual(result.returncode, 2)
        self.assertIn("MxNetCpp.h is not there", result.stderr)

    def test_an_unknown_check_is_said(self):
        self.write_package("")
        result = self.check("everything")
        self.assertEqual(result.returncode, 2)
        self.assertIn("'everything' is none of signatures", result.stderr)

    def test_headers_that_cannot_be_found_are_said(self):
        self.write_package("")
        shutil.rmtree(self.headers / "dmlc")
        result = self.check("cpp-package")
        self.assertEqual(result.returncode, 2)
        self.assertIn("--headers", result.stderr)

    def test_a_header_that_does_not_compile_fails(self):
        self.write_package("this is no C++\n")
        result = self.check("cpp-package")
        self.assertEqual(result.returncode, 1)
        self.assertIn("FAIL cpp-package: include_all.cc does not build", result.stdout)

    def test_a_function_that_the_library_does_not_have_fails(self):
        self.write_package('extern "C" int MXNoSuchFunction();\ninline int call() { return MXNoSuchFunction(); }\n')
        result = self.check("cpp-package")
        self.assertEqual(result.returncode, 1)
        self.assertIn("MXNoSuchFunction", result.stdout)

    def test_headers_with_other_functions_than_expected_fail(self):
        self.write_package("inline int call() { return MXNDArrayWaitAll(); }\n")
        result = self.check("cpp-package")
        self.assertEqual(result.returncode, 1)
        self.assertIn("refer to 1 functions instead of 80", result.stdout)

    def test_another_type_of_a_function_fails(self):
        self.write_package("")
        for name, text in (("mxnet/c_api.h", "int MXNDArrayWaitAll(int);\n"), ("mxnet/c_predict_api.h", ""), ("nnvm/c_api.h", "")):
            (self.headers / name).parent.mkdir(exist_ok=True)
            (self.headers / name).write_text(text)
        result = self.check("signatures")
        self.assertEqual(result.returncode, 1)
        self.assertIn("MXNDArrayWaitAll", result.stdout)
        (self.headers / "mxnet" / "c_api.h").write_text("int MXNDArrayWaitAll(void);\n")
        result = self.check("signatures")
        self.assertEqual((result.returncode, result.stdout), (0, "ok   signatures: 1 functions have MXNet's types\n"))

    def test_what_is_not_there_is_skipped(self):
        self.write_package("")
        result = self.check("multi-threaded,predict,python,benchmark,examples,signatures")
        self.assertEqual(result.returncode, 0)
        self.assertEqual([line[:5] for line in result.stdout.splitlines()], ["skip "] * 6)


class Parts(unittest.TestCase):
    def test_an_example_that_is_another_version_is_not_ported(self):
        with tempfile.NamedTemporaryFile("w", suffix=".cc") as file:
            file.write("#include <mxnet/ndarray.h>\nint main() { return 0; }\n")
            file.flush()
            with self.assertRaisesRegex(Failure, "is there 0 times"):
                examples.port(pathlib.Path(file.name))

    def test_a_wrong_class_and_a_missing_result_fail(self):
        photographs = [(pathlib.Path("dog.jpg"), 7, 8), (pathlib.Path("cat.jpg"), 9, 9)]
        output = "Best Result: dog (id=7, accuracy=0.5)\nBest Result: cat (id=9, accuracy=0.25)\n"
        examples.compare_classes(examples.best_results(output), photographs, output)
        with self.assertRaisesRegex(Failure, "cat.jpg is class 9, not 1"):
            examples.compare_classes([7, 1], photographs, output)
        with self.assertRaisesRegex(Failure, "1 results instead of 2"):
            examples.compare_classes([7], photographs, output)

    def test_the_mean_picture_has_a_value_for_each_channel(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "mean.nd"
            predict.write_mean(path)
            data = path.read_bytes()
        self.assertEqual(len(data), 24 + 48 + 3 * 224 * 224 * 4 + 24)
        self.assertEqual(data[:8], b"\x12\x01" + bytes(6))
        self.assertTrue(data.endswith(b"mean_img"))


if __name__ == "__main__":
    LIBRARY = sys.argv.pop(1)
    unittest.main()
