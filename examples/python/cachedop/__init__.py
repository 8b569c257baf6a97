# SPDX-License-Identifier: Apache-2.0
"""cachedop for Python: one compiled model, any number of threads, no copies.

    import cachedop
    op = cachedop.CachedOp(cachedop.Model("resnet18.onnx"))
    scores = op(pixels)                        # numpy in, numpy out; from any thread, without the GIL
    pending, = op.invoke_async(pixels)         # returns at once
    scores = pending.numpy(timeout=0.5)        # waits; a view of the library's memory

Needs numpy alone. Types, options and signatures are those of api.json, which is installed with the library. The
library is looked for as programs look for it; CACHEDOP_LIBRARY names another, such as a build tree's
build/lib/libcachedop.so.0, and CACHEDOP_API its api.json where that is not beside it.

What fails raises `Error`, a class for each status (`InvalidArgument`, `NotFound`, `Timeout`, ...), with the library's
text. Arrays are never copied in silence: what is not C-contiguous is refused. No code of Python runs in threads of the
library. Work that is pending when the interpreter exits is cancelled and waited for.
"""
import ctypes
import os

import numpy as np

from .library import (Busy, Cancelled, DeviceFailed, Error, Internal, InvalidArgument, Io, MalformedModel, NotFound,
                      Object, OutOfDeviceMemory, OutOfMemory, Reference, Timeout, Unsupported, api, call, make)
from .ndarray import NDArray, array_of, handles, is_writable
from .pending import Cancel, CompletionQueue, begin, forget, nanoseconds, wait_all

__all__ = ["Busy", "CachedOp", "Cancel", "Cancelled", "CompletionQueue", "DeviceFailed", "Error", "Internal",
           "InvalidArgument", "Io", "MalformedModel", "Model", "NDArray", "NotFound", "OutOfDeviceMemory",
           "OutOfMemory", "Tensor", "Timeout", "Unsupported", "set_worker_threads", "stats", "version", "wait_all"]


class Tensor:
    """An input, output or parameter. The shape is None, or a dimension -1, where the model leaves it open."""

    def __init__(self, desc):
        self.name, self.dtype = desc.name.decode(), api.cop_dtype_name(desc.dtype).decode()
        self.shape = None if desc.rank < 0 else tuple(desc.shape[:desc.rank])

    def __repr__(self):
        return f"Tensor({self.name!r}, {self.dtype}, {self.shape})"


def _tensors(reference, count, describe):
    made = []
    for i in range(getattr(api, count)(reference)):
        desc = api.structs["cop_tensor_desc"]()
        call(describe, reference, i, ctypes.byref(desc))
        made.append(Tensor(desc))
    return made


def _array_structs(struct, pairs):
    """C structs of a name and an array, and the references that have to live as long."""
    references = [array_of(value).reference for value in pairs.values()]
    made = [(name.encode(), held.handle) for name, held in zip(pairs, references)]
    return (api.structs[struct] * len(made))(*made), references


def _shapes(shapes):
    made = (api.structs["cop_input_shape"] * len(shapes))()
    for item, (name, shape) in zip(made, shapes.items()):
        if len(shape) > len(item.shape):
            raise ValueError(f"input '{name}': {len(shape)} dimensions are too many")
        item.name, item.rank, item.shape[:len(shape)] = name.encode(), len(shape), shape
    return made


class Model(Object):
    """A model file: `x.onnx`; of MXNet `PREFIX-symbol.json`, or PREFIX. Options: those of cop_model_options."""

    def __init__(self, path, **options):
        if options.get("params_path") is not None:
            options["params_path"] = os.fsencode(options["params_path"])
        self._set(make("cop_model", "cop_model_load", os.fsencode(path),
                       ctypes.byref(api.options("cop_model_options", **options))))

    @classmethod
    def from_bytes(cls, graph, weights=None, format="onnx"):
        """The contents of the file, or of MXNet's two; they are copied."""
        files = [None if held is None else api.structs["cop_bytes"](ctypes.cast(held, ctypes.c_void_p), len(held))
                 for held in (graph, weights)]
        model = cls.__new__(cls)
        model._set(make("cop_model", "cop_model_load_bytes", api.number("cop_model_format", format), *files, None))
        return model

    def _set(self, reference):
        super().__init__(reference)
        self.inputs = _tensors(reference, "cop_model_input_count", "cop_model_input")
        self.outputs = _tensors(reference, "cop_model_output_count", "cop_model_output")

    @property
    def parameters(self):
        return _tensors(self.reference, "cop_model_parameter_count", "cop_model_parameter")

    def update_weights(self, values):
        """New elements by the parameters' names: calls that start afterwards see all of them, in all operators."""
        structs, _references = _array_structs("cop_parameter_value", values)
        call("cop_model_update_weights", self.reference, structs, len(structs))


class CachedOp(Object):
    """A model compiled for fixed shapes on one device. Any number of threads call one at once.

    `shapes` and `constants` go by the inputs' names, `dims` by the names of dimensions; `device` is "cpu", "ref" or
    "gpu:0". Other options: those of cop_cached_op_options, enumerators by their words (precision="fp16").
    """

    def __init__(self, model, device="cpu", shapes=None, dims=None, constants=None, extra_outputs=(), **options):
        chosen, (kind, _, index) = api.options("cop_cached_op_options", **options), device.partition(":")
        chosen.device = api.structs["cop_device"](api.number("cop_device_kind", kind), int(index or 0))
        chosen.input_shapes, chosen.input_shape_count = _shapes(shapes or {}), len(shapes or {})
        pairs = [(name.encode(), value) for name, value in (dims or {}).items()]
        chosen.dims, chosen.dim_count = (api.structs["cop_dim"] * len(pairs))(*pairs), len(pairs)
        chosen.constants, _references = _array_structs("cop_constant", constants or {})
        chosen.constant_count = len(_references)
        names = [name.encode() for name in extra_outputs]
        chosen.extra_outputs, chosen.extra_output_count = (ctypes.c_char_p * len(names))(*names), len(names)
        self._set(make("cop_cached_op", "cop_cached_op_create", model.reference, ctypes.byref(chosen)))

    def _set(self, reference):
        super().__init__(reference)
        self.inputs = _tensors(reference, "cop_cached_op_input_count", "cop_cached_op_input")
        self.outputs = _tensors(reference, "cop_cached_op_output_count", "cop_cached_op_output")

    def reshape(self, shapes):
        """An operator for other shapes of some or all inputs, on the same weights."""
        pointer, op = ctypes.c_void_p(), CachedOp.__new__(CachedOp)
        call("cop_cached_op_reshape", self.reference, _shapes(shapes), len(shapes), ctypes.byref(pointer), None)
        op._set(Reference("cop_cached_op", pointer))
        return op

    def _sources(self, inputs):
        """References in the operator's order: of one array, of a list of them, or of a dict by name."""
        if isinstance(inputs, dict):
            names = [tensor.name for tensor in self.inputs]
            if set(inputs) != set(names):
                raise InvalidArgument(f"inputs {sorted(inputs)} were given, the operator has {sorted(names)}")
            inputs = [inputs[name] for name in names]
        elif isinstance(inputs, (np.ndarray, NDArray)):
            inputs = [inputs]
        return [array_of(value).reference for value in inputs]

    def _destinations(self, out, count):
        """NDArrays to write; None where the library is to make one."""
        if out is None:
            return [None] * count
        arrays = [array_of(out)] if isinstance(out, (np.ndarray, NDArray)) else \
            [value if value is None else array_of(value) for value in out]
        if not all(is_writable(array.reference) for array in arrays if array):
            raise ValueError("an output is a read-only array")
        return arrays

    def _index(self, output):
        if not isinstance(output, str):
            return output
        index = ctypes.c_size_t()
        call("cop_cached_op_find_output", self.reference, output.encode(), ctypes.byref(index))
        return index.value

    def _run(self, name, inputs, out, outputs, options, prepare):
        """`prepare` gets the references that the invocation needs; they live here until the call returns."""
        held, sources = self.reference, self._sources(inputs)
        wanted = None if outputs is None else [self._index(output) for output in outputs]
        if wanted is not None:
            options.outputs, options.output_count = (ctypes.c_size_t * max(1, len(wanted)))(*wanted), len(wanted)
        arrays = self._destinations(out, len(self.outputs if wanted is None else wanted))
        bound = [array and array.reference for array in arrays]
        key, dst = prepare([held, *sources, *bound]), handles(bound)
        try:
            call(name, held, len(sources), handles(sources), len(arrays), dst, ctypes.byref(options))
        except Error:
            forget(key)
            raise
        return [array or NDArray.of(Reference("cop_ndarray", ctypes.c_void_p(made)))
                for array, made in zip(arrays, dst)]

    def invoke(self, inputs, out=None, outputs=None, timeout=None, cancel=None):
        """Runs in this thread and returns a list of NDArrays: new ones, or `out`, written in place.

        `inputs` and `out` are numpy arrays or NDArrays: one, a list in the operator's order, or (inputs) a dict by
        name. `outputs` chooses among the outputs, by name or index. `timeout` is in seconds.
        """
        token = cancel and cancel.reference
        options = api.options("cop_invoke_options", timeout_ns=nanoseconds(timeout), cancel=token and token.handle)
        return self._run("cop_invoke", inputs, out, outputs, options, lambda _: None)

    def __call__(self, inputs, **keywords):
        """As invoke, but returns numpy arrays: one, or a tuple where there are more outputs."""
        results = tuple(array.numpy() for array in self.invoke(inputs, **keywords))
        return results[0] if len(results) == 1 else results

    def invoke_async(self, inputs, out=None, outputs=None, timeout=None, cancel=None, priority="normal",
                     completions=None, user=None):
        """As invoke, but returns when the work is queued: wait for the results, or let `completions` tell of `user`.

        All arrays live until it is done, whatever becomes of them here; do not change the inputs before.
        """
        options = api.options("cop_invoke_options", timeout_ns=nanoseconds(timeout), priority=priority)
        return self._run("cop_invoke_async", inputs, out, outputs, options,
                         lambda references: begin(options, completions, user, cancel, references))

    def warm_up(self, contexts):
        """Makes contexts before the first calls need them."""
        call("cop_cached_op_warm_up", self.reference, contexts)

    def trim(self, keep_contexts=0):
        """Frees contexts that are not in use; how many bytes."""
        freed = ctypes.c_size_t()
        call("cop_cached_op_trim", self.reference, keep_contexts, ctypes.byref(freed))
        return freed.value

    def stats(self):
        return _stats("cop_cached_op_stats", "cop_cached_op_get_stats", self.reference)

    def plan(self, format="text"):
        """What an invocation does, as "text", "dot" or "json"."""
        text = ctypes.c_void_p()
        call("cop_cached_op_print_plan", self.reference, api.number("cop_plan_format", format), ctypes.byref(text))
        try:
            return ctypes.string_at(text.value).decode()
        finally:
            api.cop_text_release(text)


def _stats(struct, function, *arguments):
    counters = api.structs[struct](ctypes.sizeof(api.structs[struct]))
    call(function, *arguments, ctypes.byref(counters))
    return {name: getattr(counters, name) for name, _ in counters._fields_[1:]}


def set_worker_threads(count):
    """How many threads of the library run asynchronous work; 0: only those that wait."""
    call("cop_set_worker_threads", count)


def stats():
    """Counters of the process."""
    return _stats("cop_library_stats", "cop_library_get_stats")


def version():
    return api.cop_version().decode()
