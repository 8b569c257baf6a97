# SPDX-License-Identifier: Apache-2.0
"""Arrays: memory that numpy and the library share."""
import ctypes

import numpy as np

from .library import Object, Reference, api, call, make
from .pending import nanoseconds, reap

_NUMBERS = {item["columns"]["name"]: item["value"]
            for item in api.described["enums"]["cop_dtype"]["values"].values() if "columns" in item}
_NUMPY = {number: np.dtype("uint16" if name == "bfloat16" else name) for name, number in _NUMBERS.items()}


def _number(dtype):
    """Of a name, "bfloat16" included, or of what numpy takes for a dtype."""
    name = dtype if dtype in _NUMBERS else np.dtype(dtype).name
    if name not in _NUMBERS:
        raise TypeError(f"{name}: the library has no such elements")
    return _NUMBERS[name]


def _dimensions(shape):
    return len(shape), (ctypes.c_int64 * len(shape))(*shape)


class _Memory:
    """The library's memory as numpy sees it: the base of the views, which keeps the array."""

    def __init__(self, reference, dtype, shape):
        self._reference = reference
        self.__array_interface__ = {"version": 3, "typestr": dtype.str, "shape": shape,
                                    "data": (api.cop_ndarray_data(reference) or 0, not is_writable(reference))}


def is_writable(reference):
    """False: it lies in a numpy array that is read-only."""
    while isinstance(reference.keeps, Reference):
        reference = reference.keeps
    return reference.keeps is None or reference.keeps.flags.writeable


class NDArray(Object):
    """An array of the library. NDArray(array) has the memory of a numpy array; those of `zeros` and of invokes have
    memory of their own.

    Wrap memory once and use the NDArray many times: the library puts work on one NDArray in order, and knows nothing
    of two that share memory. bfloat16 is uint16 in numpy: NDArray(bits, dtype="bfloat16").
    """

    def __init__(self, array, dtype=None):
        if not isinstance(array, np.ndarray):
            raise TypeError(f"a numpy array is needed, not {type(array).__name__}")
        if not array.flags.c_contiguous:
            raise ValueError("the array is not C-contiguous: pass numpy.ascontiguousarray(array), which copies it")
        number = _number(dtype or array.dtype)
        if _NUMPY[number] != array.dtype:
            raise TypeError(f"elements of {array.dtype.str} cannot be used as {dtype or array.dtype.name}")
        super().__init__(make("cop_ndarray", "cop_ndarray_wrap", array.ctypes.data, number, *_dimensions(array.shape),
                              None, keeps=array))

    @classmethod
    def of(cls, reference):
        """What the library made."""
        array = cls.__new__(cls)
        Object.__init__(array, reference)
        return array

    @classmethod
    def zeros(cls, shape, dtype="float32"):
        """Memory of the library, 64-byte aligned."""
        return cls.of(make("cop_ndarray", "cop_ndarray_create", _number(dtype), *_dimensions(shape)))

    def view(self, shape, dtype=None, offset_bytes=0):
        """Another array in the same memory; the library knows that it is the same."""
        held = self.reference
        return self.of(make("cop_ndarray", "cop_ndarray_view", held, offset_bytes, _number(dtype or self.dtype),
                            *_dimensions(shape), keeps=held))

    @property
    def shape(self):
        held = self.reference
        return tuple(api.cop_ndarray_shape(held)[:api.cop_ndarray_rank(held)])

    @property
    def dtype(self):
        """The name, such as "float32"."""
        return api.cop_dtype_name(api.cop_ndarray_dtype(self.reference)).decode()

    def wait(self, timeout=None, cancel=None):
        """Until what writes it is done; raises why that failed, or Timeout after so many seconds: then it goes on."""
        call("cop_ndarray_wait", self.reference, nanoseconds(timeout), cancel and cancel.reference)
        reap()

    def numpy(self, timeout=None):
        """Waits, and returns the elements where they lie. The view keeps the memory, also when this is closed."""
        held = self.reference
        self.wait(timeout)
        if api.cop_ndarray_memory(held) == api.number("cop_memory", "device"):
            raise ValueError("the array lies in a device's memory: copy_to() one that does not")
        shape = tuple(api.cop_ndarray_shape(held)[:api.cop_ndarray_rank(held)])
        return np.asarray(_Memory(held, _NUMPY[api.cop_ndarray_dtype(held)], shape))

    def copy_to(self, other):
        """Copies the elements, wherever either lies, after earlier work on both."""
        call("cop_ndarray_copy", self.reference, other.reference)


def array_of(value):
    return value if isinstance(value, NDArray) else NDArray(value)


def handles(references):
    """An array of handles; None is NULL."""
    return (ctypes.c_void_p * len(references))(*[held and held.handle for held in references])
