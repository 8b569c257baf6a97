#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""scripts/describe_api refuses headers that it does not understand: test_headers.py PROJECT"""
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import unittest

PROJECT = pathlib.Path(sys.argv[1])
HEADERS = sorted((PROJECT / "include" / "cachedop").glob("*.h"))
VERSION = ".".join(re.findall(r"#define COP_VERSION_\w+ (\d+)", (PROJECT / "include" / "cachedop" / "library.h").read_text()))


def copy_headers(folder, header="", old="", new=""):
    """The headers, one text in one of them replaced."""
    for path in HEADERS:
        text = path.read_text()
        if path.name == header:
            assert old in text, old
            text = text.replace(old, new, 1)
        (folder / path.name).write_text(text)
    return [folder / path.name for path in HEADERS]


def describe(folder, paths):
    return subprocess.run([sys.executable, "-B", PROJECT / "scripts" / "describe_api", "--json", folder / "api.json",
                           "--check", folder / "api_check.c", "--version", VERSION, *paths],
                          capture_output=True, text=True, check=False)


class Headers(unittest.TestCase):
    def describe(self, header="", old="", new=""):
        """Of the headers with one text replaced: the exit status, what was said, and the description."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        folder = pathlib.Path(folder.name)
        result = describe(folder, copy_headers(folder, header, old, new))
        made = folder / "api.json"
        return result.returncode, result.stderr, json.loads(made.read_text()) if made.exists() else None

    def refused(self, header, old, new, reason):
        status, said, description = self.describe(header, old, new)
        self.assertNotEqual(status, 0, new)
        self.assertIsNone(description)
        self.assertIn(reason, said)
        self.assertNotIn("Traceback", said)

    def test_the_headers_as_they_are_understood(self):
        status, said, description = self.describe()
        self.assertEqual((status, said), (0, ""))
        self.assertGreater(len(description["functions"]), 70)

    def test_what_is_not_understood_is_refused_with_its_place(self):
        member = "    int max_contexts; "
        for new in ("    int max_contexts : 4; ", "    unsigned max_contexts; ", "    union {int a; float b;} max_contexts; ",
                    "    int max_contexts, more; ", "    int max_contexts[2][3]; ", "    long max_contexts; "):
            self.refused("cached_op.h", member, new, "cached_op.h:")
        self.refused("cached_op.h", "COP_API void cop_text_release", "extern int cop_number;\nCOP_API void cop_text_release",
                     "unknown declaration")
        self.refused("cancel.h", "COP_API void cop_cancel_request(", "COP_API inline void cop_cancel_request(", "cancel.h:")
        self.refused("cancel.h", "cop_cancel_request(cop_cancel *cancel)", "cop_cancel_request(cop_cancel *cancel, ...)",
                     "unknown characters")

    def test_directives_and_macros_that_are_not_understood_are_refused(self):
        place = "typedef struct cop_model cop_model;"
        for new, reason in (("#pragma pack(1)", "unknown directive"), ("#if COP_X\n#endif", "unknown condition"),
                            ("#define COP_TWICE (2 * 2)", "unknown value"), ("#error no", "unknown directive")):
            self.refused("model.h", place, new + "\n" + place, reason)
        self.refused("dtype.h", 'X(BOOL, 13, "bool", 1)', 'Y(BOOL, 13, "bool", 1)', "unknown rows")
        self.refused("dtype.h", 'X(BOOL, 13, "bool", 1)', 'X(BOOL, 13, "bool")', "4 values expected")
        self.refused("dtype.h", "COP_DTYPE_LIST(COP_DTYPE_ENUM)", "COP_DTYPE_LIST(COP_OTHER)", "unknown macro")

    def test_initialisers_that_do_not_fit_their_struct_are_refused(self):
        start = "sizeof(cop_model_options), COP_MODEL_FORMAT_AUTO, COP_FILE_ACCESS_READ, NULL"
        for new, reason in ((start + ", 0", "'}' expected"), (start.replace(", NULL", ""), "',' expected"),
                            (start.replace("NULL", "0"), "is no const char *"),
                            (start.replace("sizeof(cop_model_options)", "sizeof(cop_bytes)"), "expected"),
                            (start.replace("COP_MODEL_FORMAT_AUTO", "COP_MODEL_FORMAT_ANY"), "unknown value")):
            self.refused("model.h", start, new, reason)

    def test_the_rules_of_the_api_are_enforced(self):
        self.refused("cancel.h", "COP_API COP_MUST_USE cop_status cop_cancel_create", "COP_API cop_status cop_cancel_create",
                     "COP_MUST_USE")
        self.refused("cancel.h", "@param cancel  receives", "@param token  receives", "speaks of a parameter 'token'")
        self.refused("cancel.h", "/** Whether cop_cancel_request was called; false for NULL. */", "", "has no comment")
        self.refused("cancel.h", "COP_API void cop_cancel_release(", "COP_API void cop_cancel_drop(", "no function releases it")
        self.refused("library.h", "#define COP_VERSION_PATCH ", "#define COP_VERSION_PATCH 9", "the build of")

    def test_the_description_follows_the_headers(self):
        _, _, description = self.describe("cached_op.h", "    int max_contexts; ", "    int64_t max_contexts; ")
        struct = description["structs"]["cop_cached_op_options"]
        self.assertEqual((struct["members"]["max_contexts"]["offset"], struct["size"]), (72, 128))
        self.assertEqual(struct["init"]["values"]["struct_size"], 128)
        _, _, description = self.describe("invoke.h", "COP_PRIORITY_LOW = 1", "COP_PRIORITY_LOW = 7")
        self.assertEqual(description["enums"]["cop_priority"]["values"]["COP_PRIORITY_LOW"]["value"], 7)


class CheckProgram(unittest.TestCase):
    """The C program beside the description, built where the headers are others than the description's."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        (self.folder / "cachedop").mkdir()
        self.assertEqual(describe(self.folder, HEADERS).returncode, 0)

    def outcome(self, *change):
        """What the compiler complains about, or what the program prints, and its exit status."""
        copy_headers(self.folder / "cachedop", *change)
        program = self.folder / "program"
        built = subprocess.run([*shlex.split(os.environ.get("CC", "cc")), "-std=gnu11", "-I" + str(self.folder),
                                self.folder / "api_check.c", "-o", program], capture_output=True, text=True, check=False)
        if built.returncode:
            return "not compiled", built.stderr
        result = subprocess.run([program], capture_output=True, text=True, check=False)
        return result.returncode, result.stdout

    def test_it_agrees_with_the_headers_it_was_made_of(self):
        self.assertEqual(self.outcome(), (0, ""))

    def test_other_layouts_values_and_signatures_do_not_compile(self):
        for header, old, new, named in (
                ("cached_op.h", "    int max_contexts; ", "    int64_t max_contexts; ", "max_contexts"),
                ("cached_op.h", "    int max_contexts; ", "    unsigned max_contexts; ", "type of"),
                ("cached_op.h", "    const char *name; /**< NULL: the only input */", "    char *name;", "type of"),
                ("invoke.h", "COP_PRIORITY_LOW = 1", "COP_PRIORITY_LOW = 7", "COP_PRIORITY_LOW"),
                ("dtype.h", "#define COP_MAX_RANK 8", "#define COP_MAX_RANK 9", "COP_MAX_RANK"),
                ("invoke.h", "void (*on_done)(void *user,", "int (*on_done)(void *user,", "on_done"),
                ("hooks.h", "(*cop_log_function)(void *user,", "(*cop_log_function)(const void *user,", "cop_log_function"),
                ("cancel.h", "void cop_cancel_request(cop_cancel *", "void cop_cancel_request(const cop_cancel *",
                 "cop_cancel_request")):
            outcome, text = self.outcome(header, old, new)
            self.assertEqual(outcome, "not compiled", new)
            self.assertIn(named, text)

    def test_other_initial_values_are_found_when_it_runs(self):
        self.assertEqual(self.outcome("invoke.h", "COP_NO_TIMEOUT, NULL, NULL", "0, NULL, NULL")[0], 1)
        outcome, text = self.outcome("model.h", "COP_FILE_ACCESS_READ, NULL", "COP_FILE_ACCESS_MAP, NULL")
        self.assertEqual((outcome, text), (1, "cop_model_options.file_access is not 0\n"))


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]], verbosity=2)
