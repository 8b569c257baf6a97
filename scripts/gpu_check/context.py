# SPDX-License-Identifier: Apache-2.0
"""What all phases share: the machine, the tree, what is to be tried, and how much of it."""
import os
import pathlib
import sys
from dataclasses import dataclass, field

PROJECT = pathlib.Path(__file__).resolve().parents[2]
EMBEDDED = PROJECT / "examples" / "multi_threaded_inference" / "embedded" / "shapes.onnx"
NETWORKS = ("resnet50", "resnet18", "mobilenet_v2", "resnet152", "mobilenet_v1", "resnet50_v2", "resnet18_v2",
            "resnet152_v2", "squeezenet", "inception_bn")
REAL_MODELS = ("squeezenet_v1.1/squeezenet_v1.1_fp32.onnx", "mobilenetv2_1.0_224/mobilenetv2_1.0_224_fp32.onnx",
               "cifar_resnet56_v2/cifar_resnet56_v2", "mnist_8/model.onnx")


@dataclass
class Amount:
    """How much is tried: all of it, or the shortest form of everything."""
    kernels: tuple = ("own", "library")
    precisions: tuple = ("fp32", "tf32", "fp16", "bf16")
    bench_precisions: tuple = ("fp32", "tf32", "fp16")
    batches: tuple = (1, 8, 64)
    threads: tuple = (1, 2, 4, 8, 16)
    many_threads: int = 16
    seconds: float = 0.25
    rounds: int = 3
    turns: int = 5  # of us and a peer
    every: int = 1  # case of the operator table
    networks: tuple = NETWORKS


def short_amount(device):
    is_gpu = device.startswith("gpu")
    return Amount(kernels=("own", "library") if is_gpu else ("auto",),
                  precisions=("fp32", "tf32", "fp16", "bf16") if is_gpu else ("fp32",),
                  bench_precisions=("fp32", "fp16") if is_gpu else ("fp32",), batches=(1, 3), threads=(1, 2),
                  many_threads=4, seconds=0.02, rounds=1, turns=1, every=12, networks=())


@dataclass
class Context:
    runner: object
    report: object
    tree: object
    amount: Amount
    out: pathlib.Path
    scratch: pathlib.Path  # models and references: large, and not for the output folder
    device: str
    module: str = ""  # "": the one of the tree
    is_dry: bool = False
    libraries: dict = field(default_factory=dict)
    models: dict = field(default_factory=dict)  # name: path

    def on_device(self, kernels="auto", precision="fp32"):
        """The arguments every program of the tree takes."""
        arguments = ["--device", self.device, "--kernels", kernels, "--precision", precision]
        return arguments + (["--module", self.module] if self.module else [])

    def bench_model(self):
        """The network that the figures are about, or the small one."""
        return "resnet50" if "resnet50" in self.models else next(iter(self.models), None)

    def reference(self, name):
        return self.scratch / f"{name}.reference"

    def at_once(self):
        """Programs that may run beside each other where nothing is timed."""
        return max(1, min(4, (os.cpu_count() or 1) // 4))

    def needs_library(self, kernels):
        """Whether these kernels cannot be had here, and why."""
        if kernels != "library" or self.module or not self.device.startswith("gpu"):
            return ""
        missing = [file for file in ("libcudnn.so.9", "libcublasLt.so.13") if file not in self.libraries]
        return f"{' and '.join(missing)} not found" if missing else ""


def add_embedded(context):
    context.models["shapes"] = EMBEDDED


def python_for_numpy(context, *modules):
    from . import environment
    python = environment.python_with("numpy", *modules)
    if python is None:
        context.runner.say(f"no Python here has numpy{''.join(' and ' + m for m in modules)} ({sys.executable} asked first)")
    return python
