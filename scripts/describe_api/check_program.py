# SPDX-License-Identifier: Apache-2.0
"""Writes a C program that compares a description with what a compiler makes of the headers."""
import re

START = """\
/* Made by scripts/describe_api. Compiles only where api.json is right; what cannot be seen then is compared by main. */
#include <stddef.h>
#include <stdio.h>
#include <cachedop/cachedop.h>
"""


def literal(value):
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(int(value))
    return str(value) if abs(value) < 2**31 else f"{value}LL" if value < 2**63 else f"{value}ULL"


def spelled(parameters):
    return ", ".join(item["type"]["c"] for item in parameters.values()) or "void"


def callback_name(name):
    """Of the type that stands for it in the program."""
    return "check_" + name.replace(".", "_")


def member_asserts(struct, name, member):
    place = f"{struct}, {name}"
    yield f'_Static_assert(offsetof({place}) == {member["offset"]}, "offset of {struct}.{name}");'
    yield f'_Static_assert(sizeof((({struct} *)0)->{name}) == {member["size"]}, "size of {struct}.{name}");'
    type_ = member["type"]
    c = callback_name(type_["c"]) if type_["kind"] == "callback" else type_["c"]
    pointer = f"{c} (*)[{member['length']}]" if "length" in member else f"{c} *"
    yield f'_Static_assert(_Generic(&(({struct} *)0)->{name}, {pointer}: 1, default: 0), "type of {struct}.{name}");'


def static_asserts(api):
    for name, constant in api["constants"].items():
        yield f'_Static_assert({name} == {literal(constant["value"])}, "{name}");'
    for name, enum in api["enums"].items():
        yield f'_Static_assert(sizeof({name}) == 4, "{name}");'
        for value, item in enum["values"].items():
            yield f'_Static_assert({value} == {literal(item["value"])}, "{value}");'
    for name, callback in api["callbacks"].items():
        yield f'typedef {callback["returns"]["type"]["c"]} (*{callback_name(name)})({spelled(callback["parameters"])});'
        if "." not in name:
            yield f'_Static_assert(_Generic(({name})0, {callback_name(name)}: 1, default: 0), "{name}");'
    for name, struct in api["structs"].items():
        yield f'_Static_assert(sizeof({name}) == {struct["size"]}, "size of {name}");'
        yield f'_Static_assert(_Alignof({name}) == {struct["alignment"]}, "alignment of {name}");'
        for key, member in struct["members"].items():
            yield from member_asserts(name, key, member)
    for name, function in api["functions"].items(): # another type than the header's is an error
        yield f'{function["returns"]["type"]["c"]} {name}({spelled(function["parameters"])});'


def comparisons(path, values):
    for key, value in values.items():
        if isinstance(value, dict):
            yield from comparisons(f"{path}.{key}", value)
        else:
            yield f"{path}.{key}", literal(value)


def check_program(api):
    lines = [START, *static_asserts(api), "", "int main(void)", "{", "    int wrong = 0;"]
    for name, struct in api["structs"].items():
        if struct["init"]:
            lines.append(f"    static const {name} {name}_value = {struct['init']['macro']};")
            for path, value in comparisons(f"{name}_value", struct["init"]["values"]):
                shown = re.sub("_value", "", path, count=1)
                lines.append(f'    if ({path} != {value})\n        wrong = 1, puts("{shown} is not {value}");')
    return "\n".join(lines + ["    return wrong;", "}", ""])
