# SPDX-License-Identifier: Apache-2.0
"""What a binding has to know beyond C: directions, ownership, counts, NULLs. Follows from the rules that hold for the
whole API (cachedop.h) and, where these leave a choice, from the words of the comments."""
import re

from header_parser import Misunderstood

ACCEPTS_NULL = re.compile(r"(?:^|[.;:] )NULL(?:$|[:,;]| for | and )|may be NULL|: NULL, or ", re.S)


def parameter_docs(doc):
    """The texts of `@param NAME  text`."""
    texts = re.findall(r"^@param (\w+)\s+(.*?)(?=^@|^$|\Z)", doc, flags=re.S | re.M)
    return {name: " ".join(text.split()) for name, text in texts}


def counter_of(name, siblings):
    """What holds the number of elements of `name`; None: it is no array."""
    singular = name[:-1] if name.endswith("s") else name
    candidates = [f"{name}_count", f"{singular}_count", *{"shape": ["rank"], "data": ["size"]}.get(name, [])]
    names = list(siblings)
    if name in names[:-1] and names[names.index(name) + 1] == "count":
        candidates.append("count")
    for candidate in candidates:
        if candidate in siblings and candidate != name and not siblings[candidate]["type"]["pointers"]:
            return candidate
    return None


def is_filled(type_):
    """Whether a pointer is to something of the caller's that a call writes."""
    return type_["pointers"] == 1 and not type_["const"] and type_["kind"] in ("struct", "scalar", "enum")


def describe_type(item, structs):
    """Direction and ownership by the type alone."""
    type_ = item["type"]
    if type_["kind"] == "callback":
        return "in", "kept"
    if not type_["pointers"]:
        return "in", "value"
    if is_filled(type_):
        versioned = type_["kind"] == "struct" and structs[type_["base"]]["versioned"]
        return ("inout" if versioned else "out"), "filled"
    if type_["pointers"] == 2 and not type_["const"] and "const" not in type_["c"]:
        return "out", "new"
    return "in", "borrowed"


def describe_parameter(function, name, item, structs):
    siblings, doc = function["parameters"], function["doc"]
    direction, ownership = describe_type(item, structs)
    own_text = parameter_docs(doc).get(name, "")
    item["doc"] = own_text
    count = counter_of(name, siblings) if item["type"]["pointers"] else None
    if count:
        item["count"] = count
    if ownership == "new" and count:
        direction, ownership = "inout", "bound_or_new"
    if ownership == "new" and function["name"].endswith("_release"):
        direction, ownership = "inout", "released"
    if item["type"]["kind"] == "void" and not item["type"]["const"] and "must stay valid" in doc + own_text:
        ownership = "kept"
    if item["type"]["kind"] == "void" and name == "user":
        ownership = "kept"
    item.update(direction=direction, ownership=ownership)
    if item["type"]["pointers"] or item["type"]["kind"] == "callback":
        item["nullable"] = parameter_is_nullable(name, item, siblings, doc, own_text)


def parameter_is_nullable(name, item, siblings, doc, own_text):
    type_ = item["type"]
    if type_["base"] == "cop_error" or (type_["base"].endswith("_options") and type_["const"]):
        return True
    if type_["kind"] == "void" and name == "user":
        return True
    if own_text and item["ownership"] != "new" and ACCEPTS_NULL.search(own_text):
        return True
    if re.search(rf"`\*?{name}` \(may be NULL\)", doc):
        return True
    handles = [key for key, other in siblings.items() if other["type"]["kind"] == "opaque"]
    return handles == [name] and type_["pointers"] == 1 and \
        bool(re.search(r"\bfor NULL\b|with NULL, does nothing", doc))


def describe_result(function, enums):
    result, doc = function["returns"], function["doc"]
    type_ = result["type"]
    if type_["base"] == "cop_status":
        last = list(function["parameters"].values())[-1:]
        if not result["must_use"] or not last or last[0]["type"]["c"] != "cop_error *":
            raise Misunderstood(f"{function['name']}: a status is marked COP_MUST_USE and comes with a cop_error last")
    if not type_["pointers"]:
        return
    if function["name"].endswith("_retain"):
        result["ownership"] = "new"
    else:
        result["ownership"] = "static" if "Static storage" in doc else "borrowed"
    if type_["base"] != "char" and type_["const"]:
        by_function = re.match(r"`(cop_\w+)` ", doc)
        result["count"] = by_function.group(1) if by_function else "count"
        if not by_function and "count" not in function["parameters"]:
            raise Misunderstood(f"{function['name']}: how many elements does the result have?")


def describe_function(name, function, structs, enums):
    function["name"] = name
    for key in parameter_docs(function["doc"]):
        if key not in function["parameters"]:
            raise Misunderstood(f"{name}: the comment speaks of a parameter '{key}', which it has not")
    for key, item in function["parameters"].items():
        describe_parameter(function, key, item, structs)
    describe_result(function, enums)
    del function["name"]


def describe_callback(callback):
    for name, item in callback["parameters"].items():
        pointers = item["type"]["pointers"]
        item.update(direction="in", ownership="borrowed" if pointers and name != "user" else "value", doc="")
        if pointers:
            item["nullable"] = name == "user"


def describe_struct(name, struct, initialiser):
    for key, item in struct["members"].items():
        count = counter_of(key, struct["members"]) if item["type"]["pointers"] or "length" in item else None
        if count:
            item["count"] = count
        if item["type"]["pointers"] or item["type"]["kind"] == "callback":
            item["nullable"] = (bool(initialiser) and initialiser["values"][key] is None) or \
                bool(ACCEPTS_NULL.search(item["doc"].split("@")[0])) or key == "user"
    struct["init"] = initialiser
    if initialiser and not struct["versioned"]:
        raise Misunderstood(f"{name}: has {initialiser['macro']}, but does not begin with struct_size")


class InitialiserReader:
    """Reads `{ value, {value, value}, ... }` along the members of a struct."""

    def __init__(self, parser, struct, body, token):
        self.parser, self.token = parser, token
        self.words = re.findall(r"sizeof\(\w+\)|[\w-]+|[{},]", body)
        if re.sub(r"\s", "", "".join(self.words)) != re.sub(r"\s", "", body):
            parser.fail(f"unknown initialiser: {body}", token)
        self.values = self.struct(struct)
        if self.words:
            parser.fail(f"unknown rest of an initialiser: {' '.join(self.words)}", token)

    def word(self, expected=None):
        word = self.words.pop(0) if self.words else ""
        if expected and word != expected:
            self.parser.fail(f"in an initialiser: {expected!r} expected, not {word!r}", self.token)
        return word

    def struct(self, name):
        struct, values = self.parser.structs[name], {}
        self.word("{")
        for i, (key, member) in enumerate(struct["members"].items()):
            if i:
                self.word(",")
            type_ = member["type"]
            if type_["kind"] == "struct" and not type_["pointers"]:
                values[key] = self.struct(type_["base"])
            elif key == "struct_size":
                self.word(f"sizeof({name})")
                values[key] = struct["size"]
            else:
                values[key] = self.value(self.word(), type_)
        self.word("}")
        return values

    def value(self, word, type_):
        value = self.parser.value_of(word, self.token)
        is_address = type_["pointers"] > 0 or type_["kind"] == "callback"
        if is_address != (value is None) or (type_["base"] == "bool") != isinstance(value, bool):
            self.parser.fail(f"in an initialiser: {word} is no {type_['c']}", self.token)
        return value


def initialisers(parser):
    """Of each struct that has one: the macro and its values."""
    made = {}
    for macro, (body, token) in parser.initialisers.items():
        struct = macro[:-len("_INIT")].lower()
        if struct not in parser.structs:
            parser.fail(f"{macro}: there is no struct {struct}", token)
        made[struct] = {"macro": macro, "values": InitialiserReader(parser, struct, body, token).values}
    return made


def describe_opaque(name, opaque, functions):
    for verb in ("release", "retain"):
        function = f"{name}_{verb}"
        opaque[verb] = function if function in functions else None
    if not opaque["release"]:
        raise Misunderstood(f"{name}: no function releases it")
    opaque["makers"] = [key for key, function in functions.items()
                        if any(item["type"]["base"] == name and item["ownership"] in ("new", "bound_or_new")
                               for item in function["parameters"].values())]


def describe(parser, version):
    """Everything, as it goes to the file."""
    initial = initialisers(parser)
    for name, struct in parser.structs.items():
        describe_struct(name, struct, initial.get(name))
    for callback in parser.callbacks.values():
        describe_callback(callback)
    for name, function in parser.functions.items():
        describe_function(name, function, parser.structs, parser.enums)
    for name, opaque in parser.opaque.items():
        describe_opaque(name, opaque, parser.functions)
    numbers = [parser.constants[f"COP_VERSION_{part}"]["value"] for part in ("MAJOR", "MINOR", "PATCH")]
    if version != ".".join(map(str, numbers)):
        raise Misunderstood(f"the headers are of version {numbers}, the build of {version}")
    return {
        "schema": 1, "library": "cachedop", "version": version, "pointer_bytes": parser.pointer_bytes,
        "headers": parser.headers, "constants": parser.constants, "enums": parser.enums, "opaque": parser.opaque,
        "callbacks": parser.callbacks, "structs": parser.structs, "functions": parser.functions}
