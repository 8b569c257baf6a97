# SPDX-License-Identifier: Apache-2.0
"""Are MXNet's headers happy with ours, and with the library's names and operators?"""
import re
import subprocess

from .stage import PROJECT, Failure, Skip

EMPTY_WRAPPERS = """#ifndef MXNET_CPP_OP_H_
#define MXNET_CPP_OP_H_
#include "mxnet-cpp/base.h"
#include "mxnet-cpp/op_util.h"
#include "mxnet-cpp/operator.h"
#include "mxnet-cpp/shape.h"
#include "dmlc/optional.h"
#include "nnvm/tuple.h"
#endif
"""

# What the header-only library refers to, as measured with MXNet 1.9.1's own headers.
SYMBOL_COUNT = 80


def signatures(stage):
    """Every function that both declare has one type: a C compiler sees ours and then MXNet's."""
    theirs = [stage.headers / name if stage.headers else stage.mxnet / "include" / name
              for name in ("mxnet/c_api.h", "mxnet/c_predict_api.h", "nnvm/c_api.h")]
    if not all(path.exists() for path in theirs):
        raise Skip("MXNet's own C headers are not there to compare with")
    ours = [PROJECT / "include" / name for name in ("mxnet/c_api.h", "mxnet/c_predict_api.h", "nnvm/c_api.h")]
    guards = ("MXNET_C_API_H_", "MXNET_C_PREDICT_API_H_", "NNVM_C_API_H_", "MXNET_DLL", "MXNET_EXTERN_C", "NNVM_DLL", "DEFAULT")
    lines = [f'#include "{path}"' for path in ours] + [f"#undef {guard}" for guard in guards]
    # A structure cannot be defined twice, so that the one function with it is left out.
    lines += ["#define LibFeature LibFeature_", "#define MXLibInfoFeatures MXLibInfoFeatures_"]
    lines += [f'#include "{path}"' for path in theirs]
    source = stage.folder / "signatures.c"
    source.write_text("\n".join(lines) + "\n")
    command = ["gcc", "-std=gnu11", "-w", f"-I{stage.include}", "-fsyntax-only", str(source)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    errors = [line for line in result.stderr.splitlines() if "error" in line]
    if errors:
        raise Failure(errors[0])
    declared = [set(re.findall(r"\b((?:MX|NN)[A-Za-z0-9_]+)\s*\(", "".join(read_with_parts(path) for path in paths)))
                for paths in (ours, theirs)]
    return f"{len(declared[0] & declared[1])} functions have MXNet's types"


def read_with_parts(path):
    """A header with those of the folder that is called as it is."""
    parts = sorted(path.with_suffix("").glob("*.h")) if path.with_suffix("").is_dir() else []
    return path.read_text(errors="replace") + "".join(part.read_text() for part in parts)


def names_of(path, *options):
    result = subprocess.run(["nm", *options, str(path)], capture_output=True, text=True, check=True)
    return {line.split()[-1].split("@")[0] for line in result.stdout.splitlines() if line.strip()}


def include_all(stage):
    source = stage.folder / "include_all.cc"
    # dmlc's headers leave this function to whoever wants log messages elsewhere.
    source.write_text('#include "mxnet-cpp/MxNetCpp.h"\nvoid dmlc::CustomLogMessage::Log(const std::string &) {}\n'
                      "int main() { return 0; }\n")
    return source


def cpp_package(stage):
    """The headers compile as they are, and every name that any of their functions refers to is in the library."""
    empty = stage.folder / "empty"
    (empty / "mxnet-cpp").mkdir(parents=True, exist_ok=True)
    (empty / "mxnet-cpp" / "op.h").write_text(EMPTY_WRAPPERS)
    source = include_all(stage)
    includes, keep = (empty, stage.cpp_package), ("-fkeep-inline-functions",)
    compiled = stage.compile(source, "include_all", includes, flags=keep, links=False)
    wanted = {name for name in names_of(compiled, "-u") if re.match("(MX|NN)[A-Z]", name)}
    missing = sorted(wanted - names_of(stage.library, "-D", "--defined-only"))
    if missing:
        raise Failure(f"not in {stage.library.name}: {', '.join(missing)}")
    if len(wanted) != SYMBOL_COUNT:
        raise Failure(f"the headers refer to {len(wanted)} functions instead of {SYMBOL_COUNT}: not MXNet 1.9.1's?")
    stage.compile(source, "include_all", includes, flags=keep)
    return f"compiles and links, all {len(wanted)} functions are there"


def wrappers_of(folder):
    """{operator: its parameters as declared}, of the form with a name."""
    text = (folder / "mxnet-cpp" / "op.h").read_text(errors="replace")
    found = re.findall(r"^inline Symbol (\w+)\(const std::string& symbol_name,?\s*(.*?)\) \{$", text, re.M | re.S)
    return {name: re.sub(r"\s+", " ", parameters) for name, parameters in found}


def generator(stage):
    """MXNet's generator makes wrappers of our operators that compile, and are the same as from MXNet's library."""
    ours = stage.generated()
    stage.compile(include_all(stage), "include_generated", (ours, stage.cpp_package), flags=("-fkeep-inline-functions",))
    wrappers = wrappers_of(ours)
    if not {"Convolution", "FullyConnected", "BatchNorm", "SoftmaxOutput", "Pooling"} <= set(wrappers):
        raise Failure(f"only {len(wrappers)} wrappers, and not those of well-known operators")
    if stage.mxnet_library is None:
        return f"{len(wrappers)} wrappers, they compile"
    theirs = wrappers_of(stage.generated(stage.mxnet_library))
    different = sorted(name for name in wrappers if name in theirs and wrappers[name] != theirs[name])
    if different:
        name = different[0]
        raise Failure(f"{len(different)} wrappers are not MXNet's ({', '.join(different[:8])}): {name}({wrappers[name]}) "
                      f"instead of {name}({theirs[name]})")
    others = sorted(set(wrappers) - set(theirs))
    if others:
        raise Failure(f"wrappers of operators that MXNet does not have: {', '.join(others[:8])}")
    return f"{len(wrappers)} wrappers, they compile and are the same as from MXNet's library"
