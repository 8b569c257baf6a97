#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""PyTorch as a peer: the network of an ONNX file, with its weights, as bench/bench_worker.c runs it.

    python3 bench/peer_torch.py MODEL.onnx --batch 8 --precision tf32 --arrays device [--device cuda] [--plain]

Batch norms are folded into convolutions, tensors are channels-last, cuDNN measures its algorithms, and every thread
has a stream and a CUDA graph of its own, which it replays. --plain: no graphs. Arrays: `host` copies from and to
pageable memory through pinned memory, `pinned` from and to pinned memory, `device` nothing.

Understands, one line each: input FILE, output FILE, run THREADS SECONDS, memory; and what it opens again
without a new process: open BATCH PRECISION ARRAYS.
"""
import argparse
import pathlib
import sys
import threading
import time

import numpy as np
import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "scripts"))

from cachedop_models import onnx_reader  # noqa: E402

F = torch.nn.functional
STORAGE = {"fp32": torch.float32, "tf32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
WARM_UPS = 3


def _fold(model):
    """Batch norms that alone read a convolution become part of it; in float64, rounded once."""
    readers = {}
    for node in model.nodes:
        for name in node.inputs:
            readers[name] = readers.get(name, 0) + 1
    makers = {node.outputs[0]: node for node in model.nodes}
    kept, renamed = [], {}
    for node in model.nodes:
        node.inputs = [renamed.get(name, name) for name in node.inputs]
        source = makers.get(node.inputs[0]) if node.operator == "BatchNormalization" else None
        if source is None or source.operator != "Conv" or readers[node.inputs[0]] != 1:
            kept.append(node)
            continue
        gamma, beta, mean, var = (model.weights[name].astype(np.float64) for name in node.inputs[1:5])
        factor = gamma / np.sqrt(var + node.attributes.get("epsilon", 1e-5))
        weight = model.weights[source.inputs[1]].astype(np.float64)
        bias = model.weights[source.inputs[2]].astype(np.float64) if len(source.inputs) > 2 else 0.0
        name = source.inputs[1]
        model.weights[name] = (weight * factor.reshape(-1, *[1] * (weight.ndim - 1))).astype(np.float32)
        model.weights[name + "+bias"] = (beta + (bias - mean) * factor).astype(np.float32)
        source.inputs = [source.inputs[0], name, name + "+bias"]
        renamed[node.outputs[0]] = node.outputs[0]
        source.outputs = [node.outputs[0]]
        makers[node.outputs[0]] = source
    model.nodes = kept


def _pads(attributes):
    pads = attributes.get("pads") or [0, 0, 0, 0]
    if pads[:2] != pads[2:]:
        raise ValueError("pads that are not alike on both sides")
    return pads[:2]


class Network(torch.nn.Module):
    """Runs the nodes in their order; weights are on the device, in the precision's type."""

    def __init__(self, path, precision, device):
        super().__init__()
        model = onnx_reader.read(path)
        self.input, shape = next(iter(model.inputs.items()))
        self.shape = shape[1:]
        self.output = model.outputs[0]
        _fold(model)
        self.nodes = model.nodes
        self.last_use = {name: i for i, node in enumerate(model.nodes) for name in node.inputs}
        self.reader_counts = {}
        for node in model.nodes:
            for name in node.inputs:
                self.reader_counts[name] = self.reader_counts.get(name, 0) + 1
        self.constants = model.weights
        self.tensors = {}
        for name, values in model.weights.items():
            if values.dtype == np.float32:
                tensor = torch.from_numpy(np.array(values)).to(device, STORAGE[precision])
                if tensor.ndim == 4:
                    tensor = tensor.contiguous(memory_format=torch.channels_last)
                self.tensors[name] = tensor

    def _window(self, node):
        a = node.attributes
        return dict(kernel_size=a["kernel_shape"], stride=a.get("strides") or 1, padding=_pads(a),
                    ceil_mode=bool(a.get("ceil_mode", 0)))

    def _run(self, node, values):
        x = values[0]
        a = node.attributes
        operator = node.operator
        if operator == "Conv":
            return F.conv2d(x, values[1], values[2] if len(values) > 2 else None, a.get("strides") or 1, _pads(a),
                            a.get("dilations") or 1, a.get("group", 1))
        in_place = self.reader_counts[node.inputs[0]] == 1 and node.inputs[0] != self.input
        if operator == "Relu":
            return F.relu(x, inplace=in_place)
        if operator == "Clip":
            low, high = (float(self.constants[name]) for name in node.inputs[1:3]) if len(node.inputs) > 2 else \
                (a["min"], a["max"])
            return x.clamp_(low, high) if in_place else x.clamp(low, high)
        if operator == "Add":
            return x.add_(values[1]) if in_place else x + values[1]
        if operator == "MaxPool":
            return F.max_pool2d(x, **self._window(node))
        if operator == "AveragePool":
            return F.avg_pool2d(x, count_include_pad=bool(a.get("count_include_pad", 0)), **self._window(node))
        if operator == "GlobalAveragePool":
            return F.adaptive_avg_pool2d(x, 1)
        if operator == "Concat":
            return torch.cat(values, a["axis"])
        if operator == "Flatten":
            return x.flatten(a.get("axis", 1))
        if operator == "Gemm":
            return F.linear(x, values[1], values[2])
        if operator == "BatchNormalization":
            return F.batch_norm(x, values[3], values[4], values[1], values[2], False, 0.0, a.get("epsilon", 1e-5))
        if operator == "Softmax":
            return F.softmax(x, a.get("axis", 1), dtype=torch.float32)
        if operator in ("Dropout", "Identity"):
            return x
        raise ValueError(f"{node.name}: operator {operator}")

    def forward(self, x):
        values = dict(self.tensors)
        values[self.input] = x
        for i, node in enumerate(self.nodes):
            values[node.outputs[0]] = self._run(node, [values[name] for name in node.inputs if name in values])
            for name in node.inputs:
                if self.last_use[name] == i:
                    values.pop(name, None)  # its memory is used again, as in a module of one's own
        return values[self.output].float()


class Caller:
    """One thread's arrays, stream and graph."""

    def __init__(self, subject):
        self.subject = subject
        device, shape = subject.device, subject.input_shape
        self.is_cuda = device.type == "cuda"
        pinned = self.is_cuda and subject.arrays != "device"
        self.host_src = torch.zeros(shape)
        self.staged_src = torch.zeros(shape, pin_memory=True) if pinned else self.host_src
        self.src = torch.zeros(shape, device=device)
        self.stream = torch.cuda.Stream(device) if self.is_cuda else None
        self.graph = None
        with torch.inference_mode():
            if self.is_cuda:
                self._prepare_cuda()
            else:
                self.dst = self._compute()
        self.staged_dst = torch.zeros(self.dst.shape, pin_memory=True) if pinned else torch.zeros(self.dst.shape)
        self.host_dst = torch.zeros(self.dst.shape)

    def _compute(self):
        # A picture lies as the caller has it, in planes of float32; the network wants it otherwise.
        x = self.src.to(self.subject.storage).contiguous(memory_format=torch.channels_last)
        return self.subject.network(x)

    def _prepare_cuda(self):
        with torch.cuda.stream(self.stream):
            for _ in range(WARM_UPS):
                self.dst = self._compute()
        self.stream.synchronize()
        if self.subject.uses_graphs:
            self.graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self.graph, stream=self.stream):
                self.dst = self._compute()

    def set_input(self, array):
        tensor = torch.from_numpy(array)
        self.host_src.copy_(tensor)
        self.staged_src.copy_(tensor)
        self.src.copy_(tensor)

    def invoke(self):
        arrays = self.subject.arrays
        if not self.is_cuda:
            with torch.inference_mode():
                self.dst = self._compute()
            return
        with torch.inference_mode(), torch.cuda.stream(self.stream):
            if arrays == "host":
                self.staged_src.copy_(self.host_src)
            if arrays != "device":
                self.src.copy_(self.staged_src, non_blocking=True)
            if self.graph is not None:
                self.graph.replay()
            else:
                self.dst = self._compute()
            if arrays != "device":
                self.staged_dst.copy_(self.dst, non_blocking=True)
        self.stream.synchronize()
        if arrays == "host":
            self.host_dst.copy_(self.staged_dst)


class Subject:
    """The network in one precision, for one batch; any number of callers."""

    def __init__(self, path, batch, precision, arrays, device, uses_graphs):
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision == "tf32"
        torch.backends.cudnn.benchmark = True
        self.device = torch.device(device)
        self.network = Network(path, precision, self.device).eval()
        self.storage = STORAGE[precision]
        self.input_shape = (batch, *self.network.shape)
        self.arrays, self.uses_graphs = arrays, uses_graphs
        self.callers = []
        self.input = np.zeros(self.input_shape, np.float32)

    def need(self, count):
        """Captures run one after the other, in this thread."""
        while len(self.callers) < count:
            caller = Caller(self)
            caller.set_input(self.input)
            self.callers.append(caller)
        return self.callers[:count]

    def set_input(self, path):
        self.input = np.fromfile(path, np.float32).reshape(self.input_shape)
        for caller in self.callers:
            caller.set_input(self.input)

    def output(self, path):
        caller, = self.need(1)
        caller.invoke()
        caller.dst.float().cpu().numpy().astype(np.float32).tofile(path)

    def run(self, threads, seconds):
        callers, counts, over = self.need(threads), [0] * threads, threading.Event()

        def call(index):
            while not over.is_set():
                callers[index].invoke()
                counts[index] += 1
        running = [threading.Thread(target=call, args=(index,)) for index in range(threads)]
        begin = time.monotonic()
        for thread in running:
            thread.start()
        time.sleep(seconds)
        over.set()
        for thread in running:
            thread.join()
        return sum(counts) / (time.monotonic() - begin)


class Server:
    def __init__(self, options):
        self.options = options
        self.subject = None
        self.open(options.batch, options.precision, options.arrays)

    def open(self, batch, precision, arrays):
        self.subject = None  # its memory goes first
        if self.options.device == "cuda":
            torch.cuda.empty_cache()
        self.subject = Subject(self.options.model, int(batch), precision, arrays, self.options.device,
                               not self.options.plain)
        self.subject.need(1)

    def answer(self, line):
        word, *rest = line.split()
        if word == "open":
            self.open(*rest)
        elif word == "input":
            self.subject.set_input(rest[0])
        elif word == "output":
            self.subject.output(rest[0])
        elif word == "run":
            return f"{self.subject.run(int(rest[0]), float(rest[1])):.4f}"
        elif word == "memory":
            return str(torch.cuda.max_memory_allocated() if self.options.device == "cuda" else 0)
        elif word == "version":
            return f"PyTorch {torch.__version__}, cuDNN {torch.backends.cudnn.version()}"
        else:
            return "unknown command"
        return "ok"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--precision", choices=STORAGE, default="fp32")
    parser.add_argument("--arrays", choices=("host", "pinned", "device"), default="host")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--plain", action="store_true", help="no CUDA graphs")
    server = Server(parser.parse_args())
    print("ready", flush=True)
    for line in sys.stdin:
        try:
            answer = server.answer(line)
        except (RuntimeError, ValueError, OSError, TypeError) as error:
            answer = "failed: " + " ".join(str(error).split())[:300]
        print(answer, flush=True)


if __name__ == "__main__":
    main()
