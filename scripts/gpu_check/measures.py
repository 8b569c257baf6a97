# SPDX-License-Identifier: Apache-2.0
"""Phases that measure: throughput and latency, single layers, peaks, and PyTorch in turns with us."""
import statistics

from .context import EMBEDDED, PROJECT
from .runner import Worker

BENCH_LIMIT_S = 60
START_LIMIT_S = 60  # of a peer that imports PyTorch and measures its algorithms


def _kernels(context):
    return [kernels for kernels in context.amount.kernels if not context.needs_library(kernels)]


def _fast_run(kernels):
    """Libraries' plans by measurement; our own kernels have nothing to measure."""
    return ["--fast-run"] if kernels == "library" else []


def _verdict(result):
    """Of a measurement that gave none: that the budget ended is no finding."""
    if result.has_budget_ended or result.verdict == "skipped":
        return "skipped"
    return "late" if result.verdict == "late" else "wrong"


def throughput(context):
    """ResNet-50 by batch, precision and threads, with arrays on the device; then arrays of the process."""
    name = context.bench_model()
    if name is None:
        return
    amount, rows = context.amount, []
    cases = [(batch, precision, kernels, "device") for batch in amount.batches for precision in amount.bench_precisions
             for kernels in _kernels(context)]
    cases += [(batch, precision, kernels, arrays) for batch in amount.batches[:1] for precision in amount.bench_precisions[:1]
              for kernels in _kernels(context)[-1:] for arrays in ("host", "pinned")]
    for batch, precision, kernels, arrays in cases:
        title = f"{name}, batch {batch}, {precision}, {kernels}, {arrays}"
        if context.runner.left() < 5:
            context.report.note(f"No time for {title}.")
            continue
        command = [context.tree.bench("gpu"), *context.on_device(kernels, precision), "--batch", batch, "--arrays", arrays,
                   "--threads", ",".join(map(str, amount.threads)), "--seconds", amount.seconds, "--rounds", amount.rounds,
                   "--reference", context.reference(name), *_fast_run(kernels), context.models[name]]
        result = context.runner.run(title, command, BENCH_LIMIT_S)
        record = result.json()
        if not result.is_ok or record is None:
            context.report.check(title, _verdict(result), result.reason())
            continue
        context.report.result(record)
        by_threads = {row["threads"]: row for row in record["rows"]}
        one = by_threads[amount.threads[0]]
        scaling = by_threads.get(4, one)["images_per_s"] / one["images_per_s"]
        rows.append([batch, precision, kernels, arrays, *[f"{by_threads[n]['images_per_s']:.0f}" for n in amount.threads],
                     f"{scaling:.2f}", f"{one['min_ms']:.3f}", f"{one['median_ms']:.3f}", f"{one['p99_ms']:.3f}",
                     f"{record['context_bytes'] / 1e6:.1f}", f"{record['create_s']:.2f}"])
        context.runner.say(f"{title}: {rows[-1][4]} images/s with one thread")
    header = ["batch", "precision", "kernels", "arrays", *[f"{n} thr" for n in amount.threads], "4 : 1", "min ms", "median",
              "p99", "MB a context", "create s"]
    context.report.table(f"{name}: images a second by threads", header, rows, "Latencies are those of one thread.")


def _layers_of(context, batch, precision, kernels):
    name = context.bench_model()
    title = f"layers of {name}, batch {batch}, {precision}, {kernels}"
    command = [context.tree.bench("gpu_layers"), *context.on_device(kernels, precision), "--batch", batch, "--arrays", "device",
               "--seconds", context.amount.seconds, "--rounds", max(2, context.amount.rounds), "--reference",
               context.reference(name), *_fast_run(kernels), context.models[name]]
    result = context.runner.run(title, command, BENCH_LIMIT_S)
    record = result.json()
    if not result.is_ok or record is None:
        if result.verdict != "skipped":
            context.report.check(title, _verdict(result), result.reason())
        return None
    context.report.result(record)
    return record


def _compare_layers(own, library):
    """(name, GFLOP, µs of own, µs of the library) of the products that both have."""
    theirs = {step["name"]: step for step in library["steps"]}
    return [(step["name"], step["gflop"], step["us"], theirs[step["name"]]["us"]) for step in own["steps"]
            if step["gflop"] > 0 and step["name"] in theirs and theirs[step["name"]]["us"] > 0]


def layers(context):
    """Every step alone: against the roof, and our kernels against the libraries'."""
    if context.bench_model() is None:
        return
    rows, worst = [], []
    for batch in (context.amount.batches[0], context.amount.batches[-1]):
        for precision in context.amount.bench_precisions:
            records = {kernels: _layers_of(context, batch, precision, kernels) for kernels in _kernels(context)}
            for kernels, record in records.items():
                if record is not None:
                    products = sum(step["us"] for step in record["steps"] if step["gflop"] > 0)
                    rows.append([batch, precision, kernels, f"{record['total_us']:.0f}", f"{products:.0f}",
                                 f"{record['flops'] / products / 1e6 if products else 0:.2f}",
                                 f"{record['peak_flops'] / 1e12:.0f}", sum(step["backend"] == "ref" for step in record["steps"])])
            if records.get("own") and records.get("library"):
                pairs = _compare_layers(records["own"], records["library"])
                worst += [[batch, precision, name, f"{gflop:.3f}", f"{ours:.1f}", f"{theirs:.1f}", f"{ours / theirs:.2f}"]
                          for name, gflop, ours, theirs in pairs]
    context.report.table("Steps alone (µs, summed; products are convolutions and fully connected layers)",
                         ["batch", "precision", "kernels", "all", "products", "TFLOP/s in products", "peak TFLOP/s", "steps on ref"],
                         rows)
    if worst:
        ratios = [float(row[-1]) for row in worst]
        note = f"{sum(ratio <= 2 for ratio in ratios)} of {len(ratios)} products within 2 × of the library, " \
               f"{sum(ratio <= 1 for ratio in ratios)} at least as fast; median {statistics.median(ratios):.2f} ×."
        worst.sort(key=lambda row: -float(row[-1]))
        context.report.table("Own kernels against the library, slowest first", ["batch", "precision", "layer", "GFLOP", "own µs",
                                                                                 "library µs", "own : library"], worst[:25], note)


def peaks(context):
    """What the device reaches at the most."""
    result = context.runner.run("peaks", [context.tree.bench("gpu_peaks"), *context.on_device(), "--no-check", "--seconds",
                                          max(0.05, context.amount.seconds), EMBEDDED], 60)
    record = result.json()
    if record is None:
        context.report.note(f"Peaks were not measured: {result.reason()}.")
        return
    context.report.result(record)
    names = ("memory_bytes_per_s", "host_to_device", "pinned_to_device", "device_to_host", "device_to_pinned")
    context.report.table("Measured GB/s", [name.replace("_bytes_per_s", "").replace("_", " ") for name in names],
                         [[f"{record[name] / 1e9:.1f}" for name in names]])


class _Peer:
    """PyTorch and we, each in a process of its own, with the same input."""

    def __init__(self, context, python):
        self.context = context
        self.name = context.bench_model()
        self.device = "cuda" if context.device.startswith("gpu") else "cpu"
        self.torch = Worker(context.runner, "PyTorch", [python, PROJECT / "bench" / "peer_torch.py", context.models[self.name],
                                                        "--device", self.device, "--arrays", "device"], START_LIMIT_S,
                            is_ours=False)
        context.report.fact("peer", self.torch.ask("version"))

    def start_ours(self, batch, precision, kernels):
        return Worker(self.context.runner, "cachedop",
                      [self.context.tree.bench("worker"), "--no-check", *self.context.on_device(kernels, precision), "--batch",
                       batch, "--arrays", "device", *_fast_run(kernels), self.context.models[self.name]], START_LIMIT_S)

    def compare_outputs(self, ours, batch, shape, precision):
        """Largest difference, as a part of the largest value."""
        folder = self.context.scratch
        data = _random_floats(batch * shape)
        (folder / "input").write_bytes(data)
        for worker, file in ((ours, "ours"), (self.torch, "theirs")):
            worker.ask(f"input {folder / 'input'}", START_LIMIT_S)
            worker.ask(f"output {folder / file}", START_LIMIT_S)
        a, b = (_floats((folder / file).read_bytes()) for file in ("ours", "theirs"))
        largest = max(map(abs, b)) or 1.0
        apart = max(abs(x - y) for x, y in zip(a, b)) / largest if len(a) == len(b) else float("inf")
        allowed = {"fp32": 1e-4, "tf32": 4e-2, "fp16": 4e-2, "bf16": 3e-1}[precision]
        self.context.report.check(f"outputs of PyTorch and ours, batch {batch}, {precision}",
                                  "right" if apart <= allowed else "wrong", f"{apart:.1e} of the largest value apart")
        return apart <= allowed

    def measure(self, ours, threads):
        """(our rate, theirs, median ratio) over turns, in each of which both run once."""
        amount, rates = self.context.amount, ([], [])
        workers = (ours, self.torch)
        for worker in workers:
            worker.ask(f"run {threads} {amount.seconds}", START_LIMIT_S)
        for turn in range(amount.turns):
            for i in ((0, 1) if turn % 2 == 0 else (1, 0)):
                rates[i].append(float(workers[i].ask(f"run {threads} {amount.seconds}")))
        ratios = [a / b for a, b in zip(*rates) if b > 0]
        return (*(statistics.median(values) for values in rates), statistics.median(ratios) if ratios else 0.0)


def _random_floats(count):
    """Elements as a picture has them, from a fixed seed, without numpy."""
    import array
    import random
    source = random.Random(1)
    return array.array("f", (source.uniform(-2, 2) for _ in range(count))).tobytes()


def _floats(data):
    import array
    return array.array("f", data)


def torch(context):
    """Images a second of both, in turns, by batch, precision and threads."""
    from . import environment
    python = environment.python_with("numpy", "torch")
    name = context.bench_model()
    if python is None or name is None or name == "shapes":
        context.report.check("PyTorch", "skipped", "not installed" if python is None else "there is no generated network")
        return
    elements = 3 * 224 * 224
    rows = []
    peer = _Peer(context, python)
    kernels = "library" if "library" in _kernels(context) else context.amount.kernels[0]
    try:
        for batch in context.amount.batches:
            for precision in context.amount.bench_precisions:
                if context.runner.left() < 12:
                    context.report.note(f"No time for PyTorch at batch {batch} in {precision}.")
                    continue
                peer.torch.ask(f"open {batch} {precision} device", START_LIMIT_S)
                ours = peer.start_ours(batch, precision, kernels)
                try:
                    if peer.compare_outputs(ours, batch, elements, precision):
                        for threads in (1, 4):
                            mine, theirs, ratio = peer.measure(ours, threads)
                            rows.append([batch, precision, threads, f"{mine * batch:.0f}", f"{theirs * batch:.0f}", f"{ratio:.3f}"])
                            context.report.result({"bench": "torch", "batch": batch, "precision": precision, "threads": threads,
                                                   "kernels": kernels, "ours": mine * batch, "theirs": theirs * batch,
                                                   "ratio": ratio})
                            context.runner.say(f"batch {batch}, {precision}, {threads} threads: {ratio:.3f} x PyTorch")
                finally:
                    ours.close()
    finally:
        peer.torch.close()
        context.report.table(f"{name} against PyTorch with CUDA graphs, arrays on the device, {kernels} kernels: images a second",
                             ["batch", "precision", "threads", "cachedop", "PyTorch", "ratio"], rows,
                             "Medians over turns; the ratio is the median of those within one turn.")
