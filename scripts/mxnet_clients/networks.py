# SPDX-License-Identifier: Apache-2.0
"""Networks that a program builds with generated wrappers, binds and runs."""
from .stage import HERE, Failure


def numbers_of(output):
    """{network: its values}"""
    return {name: [float(number) for number in numbers]
            for name, *numbers in (line.split() for line in output.splitlines() if line.startswith("net_"))}


def networks(stage):
    """LeNet and residual networks in cpp-package's way: values as MXNet computes them, or at least the same in two ways."""
    includes = (stage.generated(), stage.cpp_package)
    program = stage.compile(HERE / "nets.cc", "nets", includes)
    ours = numbers_of(stage.run([program]))
    if len(ours) < 4:
        raise Failure(f"only {len(ours)} networks ran")
    if stage.mxnet_library is None:
        return f"{len(ours)} networks give the same with an executor and as cached operators"
    reference = stage.compile(HERE / "nets.cc", "nets-mxnet", includes, library=stage.mxnet_library)
    theirs = numbers_of(stage.run([reference], library=stage.mxnet_library))
    largest = 0.0
    for name, values in theirs.items():
        if len(values) != len(ours.get(name, ())):
            raise Failure(f"{name} has {len(ours.get(name, ()))} values instead of {len(values)}")
        scale = max(map(abs, values))
        apart = max(abs(a - b) for a, b in zip(ours[name], values)) / scale
        if not apart < 1e-5:
            raise Failure(f"{name} is {apart:.1e} of its largest value from MXNet's")
        largest = max(largest, apart)
    return f"{len(ours)} networks, at most {largest:.1e} of the largest value from MXNet's"
