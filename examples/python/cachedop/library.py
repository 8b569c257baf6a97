# SPDX-License-Identifier: Apache-2.0
"""The library as ctypes sees it, by what api.json says: its structs, its functions, an exception for each status."""
import ctypes
import json
import os
import pathlib


def _description(library):
    """The api.json that belongs to a loaded library: of its installation, or of its build tree."""
    if "CACHEDOP_API" in os.environ:
        return pathlib.Path(os.environ["CACHEDOP_API"])
    # The loader's record of a library begins with its address and its file.
    file = ctypes.c_char_p.from_address(library._handle + ctypes.sizeof(ctypes.c_void_p)).value
    for folder in pathlib.Path(os.fsdecode(file)).resolve().parents:
        for place in ("share/cachedop/api.json", "include/cachedop/api.json"):
            if (folder / place).exists():
                return folder / place
    raise ImportError(f"there is no api.json for {os.fsdecode(file)}; name it in CACHEDOP_API")


_SCALARS = {"bool": ctypes.c_bool, "char": ctypes.c_char, "int": ctypes.c_int, "size_t": ctypes.c_size_t,
            "int64_t": ctypes.c_int64, "uint64_t": ctypes.c_uint64}


class Api:
    """Everything that api.json describes, as ctypes has it."""

    def __init__(self):
        try:  # CDLL lets go of the GIL for each call
            self.library = ctypes.CDLL(os.environ.get("CACHEDOP_LIBRARY", "libcachedop.so.0"))
        except OSError as error:
            raise ImportError(f"{error} (CACHEDOP_LIBRARY may name the library)") from None
        self.described = json.loads(_description(self.library).read_text(encoding="utf-8"))
        if self.described["schema"] != 1:
            raise ImportError(f"api.json has schema {self.described['schema']}, this module reads 1")
        self.enums = {name: {value: item["value"] for value, item in enum["values"].items()}
                      for name, enum in self.described["enums"].items()}
        self.structs, self.defaults = {}, {}
        for name, struct in self.described["structs"].items():
            self.structs[name] = self._struct(name, struct)
            if struct["init"]:
                self.defaults[name] = self._filled(name, struct["init"]["values"])
        for name, function in self.described["functions"].items():
            entry = getattr(self.library, name)
            entry.restype = self._type(function["returns"]["type"])
            entry.argtypes = [self._type(item["type"]) for item in function["parameters"].values()]
            setattr(self, name, entry)
        version = self.cop_version().decode()
        if version != self.described["version"]:
            raise ImportError(f"the library is {version}, its api.json {self.described['version']}")

    def _struct(self, name, struct):
        made = type(name, (ctypes.Structure,), {"_fields_": [
            (key, self._type(item["type"]) * item["length"] if "length" in item else self._type(item["type"]))
            for key, item in struct["members"].items()]})
        if ctypes.sizeof(made) != struct["size"]:
            raise ImportError(f"{name} has {ctypes.sizeof(made)} bytes here, {struct['size']} in api.json")
        return made

    def _type(self, described):
        """Handles are addresses, texts bytes; what a call fills in is a pointer."""
        base, kind, pointers = described["base"], described["kind"], described["pointers"]
        if kind in ("void", "opaque"):
            made, pointers = (ctypes.c_void_p, pointers - 1) if pointers else (None, 0)
        elif base == "char" and pointers:
            made, pointers = ctypes.c_char_p if described["const"] else ctypes.c_void_p, pointers - 1
        elif kind == "callback":  # none is given by this module
            made = ctypes.c_void_p
        else:
            made = _SCALARS.get(base) or self.structs.get(base) or ctypes.c_int
        for _ in range(pointers):
            made = ctypes.POINTER(made)
        return made

    def number(self, enum, word):
        """The number of an enumerator by the end of its name in small letters, such as "fast_run"."""
        values = self.enums[enum]
        for value, number in values.items():
            if word == number or (isinstance(word, str) and value.endswith("_" + word.upper())):
                return number
        raise ValueError(f"{word!r}: must be one of {', '.join(value.lower() for value in values)}")

    def _filled(self, name, values):
        """A struct with such values, of which some are structs."""
        members = self.described["structs"][name]["members"]
        return self.structs[name](*[
            self._filled(members[key]["type"]["base"], value) if isinstance(value, dict) else value
            for key, value in values.items()])

    def options(self, name, **keywords):
        """An options struct: its defaults, and what the keywords say."""
        members = self.described["structs"][name]["members"]
        options = self.structs[name].from_buffer_copy(self.defaults[name])
        for key, value in keywords.items():
            if key not in members:
                raise TypeError(f"{name} has no '{key}'; it has {', '.join(members)}")
            if members[key]["type"]["kind"] == "enum":
                value = self.number(members[key]["type"]["base"], value)
            setattr(options, key, value)
            if isinstance(value, int) and getattr(options, key) != value:
                raise OverflowError(f"{key}: {value} does not fit")
        return options


api = Api()

# --- errors ---


class Error(Exception):
    """A call failed. Its class, and `status`, such as "TIMEOUT", say what can be done; the text what is wrong."""
    status = ""


errors = {}
for _name, _number in api.enums["cop_status"].items():
    _status = _name[len("COP_STATUS_"):]
    _also = {"INVALID_ARGUMENT": ValueError, "OUT_OF_MEMORY": MemoryError, "NOT_FOUND": LookupError, "IO": OSError,
             "TIMEOUT": TimeoutError}.get(_status)
    _class = type(_status.title().replace("_", ""), (Error, _also) if _also else (Error,), {
        "status": _status, "__module__": __package__, "__doc__": api.cop_status_text(_number).decode() + "."})
    errors[_number] = globals()[_class.__name__] = _class


def error_of(error):
    return errors[error.status](error.message.decode(errors="replace"))


def call(name, *arguments):
    """Calls what returns a status, and raises it where it is not OK. The arguments live until it returns."""
    error = api.structs["cop_error"]()
    if getattr(api, name)(*arguments, ctypes.byref(error)):
        raise error_of(error)


# --- objects ---


class Reference:
    """One reference to an object of the library, given back when Python drops this: after the last call that uses it,
    and before what it `keeps`, whose memory the object may lie in."""
    __slots__ = ("_as_parameter_", "_release", "keeps")

    def __init__(self, type_, pointer, keeps=None):
        self._as_parameter_, self._release, self.keeps = pointer, getattr(api, type_ + "_release"), keeps

    def __del__(self):
        self._release(self._as_parameter_)

    @property
    def handle(self):
        """For a member of a struct, or of an array; unlike an argument it does not keep this alive."""
        return self._as_parameter_.value


def make(type_, name, *arguments, keeps=None):
    """Calls what makes an object, and returns the reference."""
    pointer = ctypes.c_void_p()
    call(name, *arguments, ctypes.byref(pointer))
    return Reference(type_, pointer, keeps)


class Object:
    """What has a reference. close(), a `with` block or the collector drop it; calls of other threads that have begun
    go on undisturbed, and the library keeps what it needs."""

    def __init__(self, reference):
        self._held = reference

    @property
    def reference(self):
        held = self._held
        if held is None:
            raise ValueError(f"this {type(self).__name__} is closed")
        return held

    def close(self):
        self._held = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
