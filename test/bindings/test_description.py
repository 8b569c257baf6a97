#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""api.json describes the library: test_description.py PROJECT

Everything here is called by what api.json says, without a line that knows a signature.
"""
import ctypes
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

from binding_case import SHAPES
from cachedop.library import api

OK, INVALID_ARGUMENT = (api.enums["cop_status"]["COP_STATUS_" + name] for name in ("OK", "INVALID_ARGUMENT"))
FUNCTIONS = api.described["functions"]
FLOAT32, CPU = api.enums["cop_dtype"]["COP_DTYPE_FLOAT32"], api.structs["cop_device"](0, 0)
# Calls that change the process: their NULLs are checked, not what they do.
ONCE = {"cop_set_allocator", "cop_set_log"}
# What these need to succeed; all else follows from the types.
GIVEN = {
    ("cop_ndarray_create", "rank"): 0, ("cop_ndarray_create", "shape"): None,
    ("cop_ndarray_wrap", "memory"): None, ("cop_cached_op_print_plan", "format"): 0,
    ("cop_model_load", "path"): os.fsencode(SHAPES), ("cop_load_module", "path"): b"/nonexistent.so",
    ("cop_model_load_bytes", "format"): 1, ("cop_model_load_bytes", "weights"): None,
    ("cop_cached_op_find_input", "name"): b"data", ("cop_cached_op_find_output", "name"): b"softmax",
    ("cop_set_worker_threads", "count"): 1, ("cop_cached_op_warm_up", "contexts"): 1,
    ("cop_invoke_async", "options"): None}


class Object:
    """Makes, by the description, one object of each kind."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory()
        self.graph = SHAPES.read_bytes()
        self.handles = {}
        for kind in ("cop_model", "cop_cached_op", "cop_cancel", "cop_completion_queue", "cop_profile", "cop_trace",
                     "cop_ndarray"):
            maker = api.described["opaque"][kind]["makers"][0]
            status, out = self.call(maker, {("cop_ndarray_create", "rank"): 4,
                                            ("cop_ndarray_create", "shape"): (ctypes.c_int64 * 4)(1, 3, 48, 48)})
            assert status == OK, maker
            self.handles[kind], = [out[key] for key, item in FUNCTIONS[maker]["parameters"].items()
                                   if item["ownership"] == "new"]
        options = api.options("cop_invoke_options", profile=self.handles["cop_profile"])
        assert self.call("cop_invoke", {("cop_invoke", "options"): options})[0] == OK

    def argument(self, function, name, item):
        """A value for a parameter, and what it receives."""
        type_ = item["type"]
        if (function, name) in GIVEN:
            return GIVEN[function, name]
        if type_["kind"] == "opaque":
            return self.handle(function, item)
        if name == "path":
            return os.fsencode(pathlib.Path(self.folder.name) / "trace.json")
        if type_["kind"] == "struct":
            return self.struct(type_, item) if type_["pointers"] else CPU
        if type_["base"] == "int64_t" and type_["pointers"]:
            return (ctypes.c_int64 * 1)(0)
        if type_["pointers"]:
            return None if item["direction"] == "in" else (ctypes.c_size_t() if type_["base"] == "size_t" else ctypes.c_void_p())
        return {"dtype": FLOAT32, "rank": 1, "timeout_ns": 10**9, "src_count": 1, "dst_count": 1, "count": 1,
                "shape_count": 1}.get(name, 0)

    def handle(self, function, item):
        kind = item["type"]["base"]
        if item["type"]["pointers"] == 1:
            if function == "cop_ndarray_copy" and item is FUNCTIONS[function]["parameters"]["dst"]:
                return self.call("cop_ndarray_create", {
                    ("cop_ndarray_create", "rank"): 4,
                    ("cop_ndarray_create", "shape"): (ctypes.c_int64 * 4)(1, 3, 48, 48)})[1]["array"]
            return self.handles[kind]
        if item["ownership"] == "borrowed":
            return (ctypes.c_void_p * 1)(self.handles[kind].value)
        return (ctypes.c_void_p * 1)() if "count" in item else ctypes.c_void_p()

    def struct(self, type_, item):
        name = type_["base"]
        made = api.structs[name]()
        if name in api.defaults:
            made = api.defaults[name]
        elif api.described["structs"][name]["versioned"]:
            made.struct_size = ctypes.sizeof(made)
        if name == "cop_bytes":
            made.data, made.size = ctypes.cast(self.graph, ctypes.c_void_p), len(self.graph)
        elif name == "cop_input_shape":
            made.rank, made.shape[:4] = 4, (2, 3, 48, 48)
        elif name == "cop_parameter_value":
            return self.parameter_value()
        return made

    def parameter_value(self):
        """The bias of the last layer, by another array of zeros."""
        desc = api.structs["cop_tensor_desc"]()
        model = self.handles["cop_model"]
        for i in range(api.cop_model_parameter_count(model)):
            assert api.cop_model_parameter(model, i, desc, None) == OK
            shape = (ctypes.c_int64 * desc.rank)(*desc.shape[:desc.rank])
            array = self.call("cop_ndarray_create", {("cop_ndarray_create", "rank"): desc.rank,
                                                     ("cop_ndarray_create", "shape"): shape})[1]["array"]
            if desc.dtype == FLOAT32:
                return api.structs["cop_parameter_value"](desc.name, array)
        raise AssertionError("no parameter")

    def call(self, function, given):
        """Calls with valid values, but those given; the result and what was received."""
        parameters = FUNCTIONS[function]["parameters"]
        values = {name: given[function, name] if (function, name) in given else self.argument(function, name, item)
                  for name, item in parameters.items()}
        return getattr(api, function)(*values.values()), values


class Description(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.object = Object()

    def test_it_has_every_function_the_library_exports_and_no_other(self):
        lines = subprocess.run(["nm", "-D", "--defined-only", "--with-symbol-versions", os.environ["CACHEDOP_LIBRARY"]],
                               check=True, capture_output=True, text=True).stdout.splitlines()
        exported = {line.split()[-1].split("@")[0] for line in lines if line.endswith("@COP_0") and " A " not in line}
        self.assertEqual(exported, set(FUNCTIONS))

    def test_every_parameter_and_result_has_a_direction_and_an_owner(self):
        owners = {"value", "borrowed", "filled", "kept", "new", "bound_or_new", "released"}
        for name, function in FUNCTIONS.items():
            self.assertTrue(function["doc"], name)
            for key, item in function["parameters"].items():
                self.assertIn(item["direction"], ("in", "out", "inout"), f"{name}, {key}")
                self.assertIn(item["ownership"], owners, f"{name}, {key}")
                self.assertEqual("nullable" in item, bool(item["type"]["pointers"]) or item["type"]["kind"] == "callback")
            if function["returns"]["type"]["pointers"]:
                self.assertIn(function["returns"]["ownership"], ("new", "static", "borrowed"), name)
        self.assertEqual({key: item["ownership"] for key, item in FUNCTIONS["cop_invoke"]["parameters"].items()}, {
            "op": "borrowed", "src_count": "value", "src": "borrowed", "dst_count": "value", "dst": "bound_or_new",
            "options": "borrowed", "error": "filled"})

    def test_every_handle_is_released_by_the_function_it_names(self):
        for kind, item in api.described["opaque"].items():
            parameter, = FUNCTIONS[item["release"]]["parameters"].values()
            self.assertEqual((parameter["type"]["base"], parameter["ownership"]), (kind, "released"))
            self.assertTrue(item["makers"], kind)

    def test_what_calls_make_is_released_and_set_to_null(self):
        for name, function in FUNCTIONS.items():
            for key, item in function["parameters"].items():
                if item["ownership"] != "new":
                    continue
                _, values = self.object.call(name, {})
                self.assertIsNotNone(values[key].value, name)
                release = "cop_text_release" if item["type"]["base"] == "char" else \
                    api.described["opaque"][item["type"]["base"]]["release"]
                getattr(api, release)(values[key])
                self.assertIsNone(values[key].value)
                getattr(api, release)(values[key])  # accepts a pointer to NULL

    def test_null_is_taken_where_it_says_so_and_refused_elsewhere(self):
        tried = 0
        for name, function in FUNCTIONS.items():
            if function["returns"]["type"]["base"] != "cop_status":
                continue
            status, _ = self.object.call(name, {})
            if name not in ONCE:
                self.assertNotEqual(status, INVALID_ARGUMENT, name)
            for key, item in function["parameters"].items():
                if "nullable" in item and not (name in ONCE and item["nullable"]):
                    with self.subTest(function=name, parameter=key):
                        status, _ = self.object.call(name, {(name, key): None})
                        self.assertEqual(status == INVALID_ARGUMENT, not item["nullable"], status)
                    tried += 1
        self.assertGreater(tried, 100)

    def test_getters_of_null_return_what_the_comments_say(self):
        for name, function in FUNCTIONS.items():
            for item in function["parameters"].values():
                if function["returns"]["type"]["base"] != "cop_status" and item.get("nullable") and \
                        item["type"]["kind"] == "opaque":
                    result = getattr(api, name)(None)
                    self.assertIn(result, (None, 0, -1), name)

    def test_a_failing_call_leaves_its_text(self):
        error = api.structs["cop_error"]()
        model = ctypes.c_void_p(1)
        self.assertEqual(api.cop_model_load(b"/nonexistent.onnx", None, model, error), error.status)
        self.assertIsNone(model.value)
        self.assertIn(b"/nonexistent.onnx", error.message)

    def test_an_options_struct_without_its_size_is_refused(self):
        options = api.structs["cop_invoke_options"]()
        status, _ = self.object.call("cop_invoke", {("cop_invoke", "options"): options})
        self.assertEqual(status, INVALID_ARGUMENT)

    def test_the_texts_in_it_are_those_of_the_library(self):
        for enum, name_of in (("cop_status", "cop_status_name"), ("cop_dtype", "cop_dtype_name")):
            for value, item in api.described["enums"][enum]["values"].items():
                text = getattr(api, name_of)(item["value"]).decode()
                self.assertEqual(text.upper(), re.sub(r"^COP_(STATUS|DTYPE)_", "", value))
        for item in api.described["enums"]["cop_dtype"]["values"].values():
            self.assertEqual(api.cop_dtype_bytes(item["value"]), item.get("columns", {"bytes": 0})["bytes"])


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]], verbosity=2)
