# SPDX-License-Identifier: Apache-2.0
"""Reads the public headers.

Small and strict: a declaration, directive or comment that it does not understand ends it with the place, so that
nothing is left out in silence.
"""
import json
import re

# Bytes of the types that a header may use; of "pointer" and the alignment of 8 bytes the build says what they are.
SCALARS = {"bool": 1, "char": 1, "int": 4, "float": 4, "double": 8, "size_t": None, "int8_t": 1, "uint8_t": 1,
           "int16_t": 2, "uint16_t": 2, "int32_t": 4, "uint32_t": 4, "int64_t": 8, "uint64_t": 8}
VALUES = {"INT64_MAX": 2**63 - 1, "INT64_MIN": -2**63, "INT32_MAX": 2**31 - 1, "UINT64_MAX": 2**64 - 1,
          "NULL": None, "true": True, "false": False}
CONDITIONS = {"ifdef __cplusplus": False, "if defined(__GNUC__)": True}
ATTRIBUTES = {"COP_API", "COP_MUST_USE", "COP_PRINTF"}

TOKEN = re.compile(r"""
    (?P<directive>^[ \t]*\#(?:\\\n|/\*.*?\*/|[^\n])*) | (?P<doc>/\*\*.*?\*/) | (?P<comment>/\*.*?\*/|//[^\n]*) |
    (?P<string>"(?:[^"\\\n]|\\.)*") | (?P<name>[A-Za-z_]\w*) | (?P<number>-?\d+) |
    (?P<mark>\#\#|[{}()\[\];,=*]) | (?P<space>\s+)""", re.S | re.M | re.X)


class Misunderstood(Exception):
    """The headers hold what this parser does not know."""


class Token:
    def __init__(self, kind, text, place):
        self.kind, self.text, self.place = kind, text, place


def tokens_of(text, name, line=1):
    """All tokens but space and plain comments; each knows its file and line."""
    at, tokens = 0, []
    while at < len(text):
        found = TOKEN.match(text, at)
        if not found:
            raise Misunderstood(f"{name}:{line}: unknown characters: {text[at:at + 30]!r}")
        if found.lastgroup not in ("space", "comment"):
            tokens.append(Token(found.lastgroup, found.group(), (name, line)))
        at = found.end()
        line += found.group().count("\n")
    return tokens


def doc_text(comment):
    """The text of a documentation comment, its lines without the stars in front."""
    body = re.sub(r"^/\*\*<?|\*/$", "", comment)
    lines = [re.sub(r"^\s*\* ?", "", line) if i else line.strip() for i, line in enumerate(body.split("\n"))]
    return "\n".join(line.rstrip() for line in lines).strip()


class Parser:
    """Reads headers, in an order in which what is used was declared before."""

    def __init__(self, pointer_bytes, int64_alignment):
        self.pointer_bytes, self.int64_alignment = pointer_bytes, int64_alignment
        self.headers, self.constants, self.enums, self.opaque = {}, {}, {}, {}
        self.structs, self.callbacks, self.functions = {}, {}, {}
        self.lists, self.macros, self.initialisers = {}, {}, {}

    # --- tokens ---

    def fail(self, message, token=None):
        token = token or (self.tokens[min(self.at, len(self.tokens) - 1)] if self.tokens else None)
        name, line = token.place if token else (self.header, 1)
        raise Misunderstood(f"{name}:{line}: {message}")

    def peek(self, ahead=0):
        at = self.at + ahead
        return self.tokens[at] if at < len(self.tokens) else Token("end", "", (self.header, 0))

    def take(self, text=None, kind=None):
        token = self.peek()
        if (text is not None and token.text != text) or (kind is not None and token.kind != kind):
            self.fail(f"{text or kind} expected, not {token.text!r}", token)
        self.at += 1
        return token

    def accept(self, text):
        if self.peek().text != text:
            return False
        self.at += 1
        return True

    def doc_before(self):
        """The comments in front of a declaration; the last is its own."""
        doc = ""
        while self.peek().kind == "doc":
            doc = doc_text(self.take().text)
        return doc

    def doc_after(self, item):
        if self.peek().text.startswith("/**<"):
            item["doc"] = doc_text(self.take().text)

    # --- the preprocessor ---

    def selected(self, tokens):
        """Carries out the conditions: what is left is what a C compiler sees."""
        stack, kept = [], []
        for token in tokens:
            directive = re.sub(r"\s+", " ", token.text.strip())[1:].strip() if token.kind == "directive" else ""
            word = directive.split(" ")[0]
            if word in ("if", "ifdef", "ifndef"):
                if not re.fullmatch(r"ifndef \w+_H", directive) and directive not in CONDITIONS:
                    self.fail(f"unknown condition: #{directive}", token)
                stack.append(CONDITIONS.get(directive, True))
            elif word == "else" and stack:
                stack[-1] = not stack[-1]
            elif word == "endif" and stack:
                stack.pop()
            elif all(stack):
                kept.append(token)
        if stack:
            self.fail("#endif is missing", tokens[-1])
        return kept

    def directive(self, doc):
        token = self.take()
        text = re.sub(r"/\*.*?\*/", " ", token.text.replace("\\\n", " "), flags=re.S).strip()
        found = re.fullmatch(r"#\s*define\s+(\w+)(?:\(([\w, ]*)\))?\s*(.*)", text, flags=re.S)
        if not found:
            if not re.fullmatch(r"#\s*(include\s+<[\w/.]+>|undef \w+)", text):
                self.fail(f"unknown directive: {text}", token)
            return
        name, parameters, body = found.groups()
        if name in ATTRIBUTES or (name.endswith("_H") and not body):
            return
        if parameters is None and name.endswith("_INIT"):
            self.initialisers[name] = (body, token)
        elif parameters is None:
            if not doc and "/**<" in token.text:
                doc = doc_text(re.search(r"/\*\*<.*?\*/", token.text, flags=re.S).group())
            self.constants[name] = {"header": self.header, "value": self.value_of(body, token), "doc": doc}
        elif name.endswith("_LIST"):
            self.lists[name] = (parameters, body, token)
        else:
            self.macros[name] = ([p.strip() for p in parameters.split(",")], body)

    def value_of(self, text, token):
        """A number, or the name of one."""
        if re.fullmatch(r"-?\d+", text):
            return int(text)
        if text in self.constants:
            return self.constants[text]["value"]
        for enum in self.enums.values():
            if text in enum["values"]:
                return enum["values"][text]["value"]
        if text not in VALUES:
            self.fail(f"unknown value: {text!r}", token)
        return VALUES[text]

    def expand_list(self, name, macro, place):
        """The tokens that LIST(MACRO) stands for, and of each what else its row says."""
        if name not in self.lists or macro not in self.macros:
            self.fail(f"unknown macro: {name}({macro})", place)
        x, rows, _ = self.lists[name]
        parameters, body = self.macros[macro]
        tokens, columns = [], {}
        left = re.sub(rf"\b{x}\(((?:\"[^\"]*\"|[^()\"])*)\)", "", rows).strip()
        if left:
            self.fail(f"{name}: unknown rows: {left}", place)
        for row in re.findall(rf"\b{x}\(((?:\"[^\"]*\"|[^()\"])*)\)", rows):
            values = re.findall(r"\"[^\"]*\"|[^\s,]+", row)
            if len(values) != len(parameters):
                self.fail(f"{name}: {row}: {len(parameters)} values expected", place)
            given = dict(zip(parameters, values))
            text = re.sub(r"\w+", lambda word: given.get(word.group(), word.group()), body)
            made = tokens_of(re.sub(r"\s*##\s*", "", text), *place.place)
            tokens += made
            columns[made[0].text] = {key: json.loads(value) for key, value in given.items()
                                     if not re.search(rf"\b{key}\b", body)}
        return tokens, columns

    # --- types ---

    def kind_of(self, base):
        for kind, known in (("scalar", SCALARS), ("enum", self.enums), ("struct", self.structs),
                            ("opaque", self.opaque), ("callback", self.callbacks)):
            if base in known:
                return kind
        return "void" if base == "void" else None

    def type(self):
        """A type and the stars behind it, without a name."""
        words, start = [], self.peek()
        while self.peek().kind == "name" and (not words or words == ["const"]):
            words.append(self.take().text)
        stars = ""
        while self.peek().text in ("*", "const"):
            stars += self.take().text if self.peek().text == "*" else " " + self.take().text + " "
        base = words[-1] if words else ""
        kind = self.kind_of(base)
        if kind is None:
            self.fail(f"unknown type: {base!r}", start)
        spelled = " ".join(words) + (" " if stars else "") + re.sub(r"\s+", " ", stars.rstrip())
        return {"c": spelled, "base": base, "kind": kind, "pointers": stars.count("*"),
                "const": words[0] == "const"}

    def layout(self, type_):
        """Bytes and alignment."""
        if type_["pointers"] or type_["kind"] == "callback":
            return self.pointer_bytes, self.pointer_bytes
        if type_["kind"] == "struct":
            struct = self.structs[type_["base"]]
            return struct["size"], struct["alignment"]
        if type_["kind"] == "enum":
            return 4, 4
        size = SCALARS.get(type_["base"], 0) or self.pointer_bytes
        return size, self.int64_alignment if size == 8 and type_["base"] != "size_t" else size

    def parameters(self):
        self.take("(")
        if self.peek().text == "void" and self.peek(1).text == ")":
            self.at += 1
        made = {}
        while not self.accept(")"):
            type_ = self.type()
            name = self.take(kind="name")
            if name.text in made or (type_["kind"] in ("opaque", "void") and not type_["pointers"]):
                self.fail(f"impossible parameter: {type_['c']} {name.text}", name)
            made[name.text] = {"type": type_}
            if self.peek().text != ")":
                self.take(",")
        return made

    def callback(self, name, doc, result):
        """The rest of `result (*name)(parameters)`, behind the name."""
        self.take(")")
        self.callbacks[name] = {"header": self.header, "returns": {"type": result}, "parameters": self.parameters(),
                                "doc": doc}
        return {"c": name, "base": name, "kind": "callback", "pointers": 0, "const": False}

    # --- declarations ---

    def enum(self, doc):
        self.take("enum")
        name = self.take(kind="name").text
        self.take("{")
        values, following = {}, 0
        columns = {}
        while not self.accept("}"):
            while self.peek().kind == "directive":
                self.directive("")
            item_doc = self.doc_before()
            token = self.take(kind="name")
            if self.accept("("):
                made, more = self.expand_list(token.text, self.take(kind="name").text, token)
                self.take(")")
                self.tokens[self.at:self.at] = made
                columns.update(more)
                continue
            if self.accept("="):
                number = self.take()
                following = self.value_of(number.text, number)
            values[token.text] = {"value": following, "doc": item_doc}
            if token.text in columns:
                values[token.text]["columns"] = columns[token.text]
            following += 1
            if self.peek().text != "}":
                self.take(",")
            self.doc_after(values[token.text])
            while self.peek().kind == "directive":
                self.directive("")
        self.end_type(name)
        self.enums[name] = {"header": self.header, "doc": doc, "values": values}

    def end_type(self, name):
        end = self.take(kind="name")
        if end.text != name:
            self.fail(f"{name} expected, not {end.text}", end)
        self.take(";")

    def member(self, struct, doc):
        type_ = self.type()
        if self.accept("("):
            self.take("*")
            name = self.take(kind="name").text
            type_ = self.callback(f"{struct}.{name}", doc, type_)
        else:
            name = self.take(kind="name").text
        member = {"type": type_, "doc": doc}
        if self.accept("["):
            length = self.take()
            member["length"] = self.value_of(length.text, length)
            self.take("]")
        self.take(";")
        self.doc_after(member)
        return name, member

    def struct(self, doc):
        self.take("struct")
        name = self.take(kind="name").text
        if self.peek().kind == "name":
            self.end_type(name)
            self.opaque[name] = {"header": self.header, "doc": doc}
            return
        self.take("{")
        members, offset, alignment = {}, 0, 1
        while not self.accept("}"):
            item_doc = self.doc_before()
            key, member = self.member(name, item_doc)
            size, aligned = self.layout(member["type"])
            offset = (offset + aligned - 1) // aligned * aligned
            member.update(offset=offset, size=size * member.get("length", 1))
            offset, alignment = offset + member["size"], max(alignment, aligned)
            members[key] = member
        self.end_type(name)
        if not members:
            self.fail(f"{name} has no members")
        self.structs[name] = {
            "header": self.header, "doc": doc, "size": (offset + alignment - 1) // alignment * alignment,
            "alignment": alignment, "versioned": next(iter(members)) == "struct_size", "members": members}

    def typedef(self, doc):
        self.take("typedef")
        if self.peek().text == "enum":
            self.enum(doc)
        elif self.peek().text == "struct":
            self.struct(doc)
        else:
            result = self.type()
            self.take("(")
            self.take("*")
            name = self.take(kind="name").text
            self.callback(name, doc, result)
            self.take(";")

    def function(self, doc, shared):
        """A function without a comment that follows another in the next line has that one's."""
        self.take("COP_API")
        must_use = self.accept("COP_MUST_USE")
        result = self.type()
        name = self.take(kind="name")
        if not doc and not shared:
            self.fail(f"{name.text} has no comment", name)
        self.functions[name.text] = {
            "header": self.header, "returns": {"type": result, "must_use": must_use},
            "parameters": self.parameters(), "doc": doc or shared}
        self.take(";")
        return doc or shared

    def read(self, path):
        self.header = f"cachedop/{path.name}"
        self.tokens, self.at = [], 0
        self.tokens = self.selected(tokens_of(path.read_text(encoding="utf-8"), str(path)))
        self.headers[self.header] = {"doc": self.doc_before()}
        shared, line = "", 0
        while self.peek().kind != "end":
            doc, token = self.doc_before(), self.peek()
            if token.kind == "directive":
                self.directive(doc)
            elif token.text == "typedef":
                self.typedef(doc)
            elif token.text == "COP_API":
                shared = self.function(doc, shared if token.place[1] == line + 1 else "")
                line = self.tokens[self.at - 1].place[1]
            else:
                self.fail(f"unknown declaration: {token.text!r}")


def includes_of(path):
    return re.findall(r"^#include <cachedop/([\w.]+)>", path.read_text(encoding="utf-8"), flags=re.M)


def in_order(paths):
    """Headers after those they include."""
    by_name, begun, ordered = {path.name: path for path in paths}, set(), []

    def visit(path):
        begun.add(path)
        for name in includes_of(path):
            if name not in by_name:
                raise Misunderstood(f"{path}: includes cachedop/{name}, which was not given")
            if by_name[name] not in begun:
                visit(by_name[name])
        ordered.append(path)

    for path in sorted(paths):
        if path not in begun:
            visit(path)
    return ordered
