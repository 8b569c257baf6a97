# SPDX-License-Identifier: Apache-2.0
"""The peers' side of compare.py; runs inside its virtual environment. Understands what bench_worker.c understands."""
import json
import resource
import sys
import threading
import time


def open_onnxruntime(model, threads):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    source = session.get_inputs()[0]
    shape = [size if isinstance(size, int) else 1 for size in source.shape]

    def prepare():
        return lambda data: session.run(None, {source.name: data})[0]
    return shape, prepare


def open_openvino(model, threads):
    import openvino
    core = openvino.Core()
    network = core.read_model(model)
    shape = [size.get_length() if size.is_static else 1 for size in network.inputs[0].partial_shape]
    network.reshape({network.inputs[0]: shape})
    # One stream for each processor, so that requests of several threads run at once; one thread inside each.
    compiled = core.compile_model(network, "CPU", {"INFERENCE_NUM_THREADS": threads * 64, "NUM_STREAMS": "AUTO"}
                                  if threads > 1 else {"INFERENCE_NUM_THREADS": 2, "NUM_STREAMS": 2,
                                                       "INFERENCE_PRECISION_HINT": "f32"})

    def prepare():
        request = compiled.create_infer_request()
        return lambda data: request.infer({0: data}, share_inputs=True)[0]
    return shape, prepare


OPENERS = {"onnxruntime": open_onnxruntime, "openvino": open_openvino}


def run(prepare, data, callers, seconds, requests):
    while len(requests) < callers:
        requests.append(prepare())
    counts, over = [0] * callers, threading.Event()

    def call(index):
        invoke = requests[index]
        while not over.is_set():
            invoke(data)
            counts[index] += 1
    threads = [threading.Thread(target=call, args=(index,)) for index in range(callers)]
    begin = time.monotonic()
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    over.set()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.monotonic() - begin)


def peak_bytes():
    with open("/proc/self/status", encoding="ascii") as file:
        for line in file:
            if line.startswith("VmHWM"):
                return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def serve(peer, model, threads):
    import numpy
    shape, prepare = OPENERS[peer](model, threads)
    data, requests = numpy.zeros(shape, numpy.float32), [prepare()]
    print("ready", flush=True)
    for line in sys.stdin:
        word, *rest = line.split()
        if word == "run":
            print(f"{run(prepare, data, int(rest[0]), float(rest[1]), requests):.4f}", flush=True)
        elif word == "input":
            data = numpy.fromfile(rest[0], numpy.float32).reshape(shape)
            print("ok", flush=True)
        elif word == "output":
            numpy.ascontiguousarray(requests[0](data), numpy.float32).tofile(rest[0])
            print("ok", flush=True)
        elif word == "memory":
            print(peak_bytes(), flush=True)
        else:
            print("unknown command", flush=True)


def start(peer, model):
    """From here to the first result; the interpreter and numpy, which are no part of the peer, are not counted."""
    import numpy
    before = peak_bytes()
    begin = time.monotonic()
    shape, prepare = OPENERS[peer](model, 1)
    prepare()(numpy.zeros(shape, numpy.float32))
    print(json.dumps({"total_s": time.monotonic() - begin, "peak_bytes": peak_bytes() - before, "python_bytes": before}))


def make_input(model, path):
    import numpy
    shape, _ = open_onnxruntime(model, 1)
    numpy.random.default_rng(1).standard_normal(shape, numpy.float32).tofile(path)


def compare(ours, theirs):
    import numpy
    a, b = numpy.fromfile(ours, numpy.float32), numpy.fromfile(theirs, numpy.float32)
    largest = numpy.abs(b).max()
    apart = numpy.abs(a - b).max() if a.shape == b.shape else numpy.inf
    if not apart <= 1e-4 * largest:
        sys.exit(f"{theirs}: outputs are {apart} apart, the largest value is {largest}")


if __name__ == "__main__":
    command, *arguments = sys.argv[1:]
    if command == "make-input":
        make_input(*arguments)
    elif command == "compare":
        compare(*arguments)
    elif command == "start":
        start(*arguments)
    else:
        serve(command, arguments[0], int(arguments[1]))
