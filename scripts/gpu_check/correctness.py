# SPDX-License-Identifier: Apache-2.0
"""Phases that say whether results are right."""
import json
import shutil

from .context import EMBEDDED, PROJECT, REAL_MODELS, add_embedded, python_for_numpy

CONFORMANCE_LIMIT_S = 120
MODEL_LIMIT_S = 90
SANITIZER_LIMIT_S = 100


def _record(context, results):
    for result in results:
        if result.verdict == "skipped":
            context.report.check(result.name, "skipped", result.output)
        elif result.is_ok:
            context.report.check(result.name, "right", result.last_line())
        else:
            verdict = "late" if result.verdict == "late" else "wrong"
            context.report.check(result.name, verdict, result.reason())
            context.runner.say(f"{verdict}: {result.name}: {result.reason()}")


def _combinations(context):
    """(kernels, precision) that can be had here; others are reported as skipped, once."""
    for kernels in context.amount.kernels:
        reason = context.needs_library(kernels)
        if reason:
            context.report.check(f"{kernels} kernels", "skipped", reason)
            continue
        for precision in context.amount.precisions:
            yield kernels, precision


def facts(context):
    """What machine this is."""
    report, runner = context.report, context.runner
    tools = (("nvidia-smi", ["nvidia-smi", "--query-gpu=name,driver_version,memory.total,clocks.max.sm,clocks.max.mem,power.limit",
                             "--format=csv,noheader"]),
             ("nvcc", ["nvcc", "--version"]))
    for name, command in tools:
        if shutil.which(command[0]):
            report.fact(name, runner.run(name, command, 30).last_line())
    for file, folder in context.libraries.items():
        report.fact(file, folder)
    version = runner.run("version", [context.tree.example, "--version"], 30)
    report.fact("library", version.last_line())
    result = runner.run(f"{context.device} classifies the embedded model",
                        [context.tree.bench("startup"), "--batch", "2", *context.on_device(), EMBEDDED], 120)
    if result.json():
        report.result(result.json())
        report.fact("device", result.json().get("device_name", context.device))
    _record(context, [result])


def models(context):
    """Writes the networks with numpy, and finds real models that came along."""
    add_embedded(context)
    folder = context.scratch / "models"
    python = python_for_numpy(context) if context.amount.networks else None
    if python is not None:
        result = context.runner.run("generated models", [python, PROJECT / "bench" / "generate_models.py", "--out", folder,
                                                         "--formats", "onnx", "--models", ",".join(context.amount.networks)], 120)
        if not result.is_ok:
            context.runner.say(f"not all models were written: {result.reason()}")
            context.report.note(f"Not all models were written: {result.reason()}.")
    elif context.amount.networks:
        context.report.note("No Python with numpy: the generated models are missing.")
    written = {name: folder / f"{name}.onnx" for name in context.amount.networks if (folder / f"{name}.onnx").exists()}
    for data in (PROJECT / "models", PROJECT.parent / "shared" / "data"):
        for name in REAL_MODELS if not context.is_dry else ():
            if list(data.glob(name + "*")):
                written.setdefault(name.split("/")[0], data / name)
    context.models = {**written, **context.models}
    context.runner.say(f"models: {', '.join(context.models)}")


def conformance(context):
    """The operator table, one process for each kind of kernels and precision."""
    jobs = []
    for kernels, precision in _combinations(context):
        # The 16-bit storage types share their code: the whole table for one of them.
        every = context.amount.every * (3 if precision in ("tf32", "bf16") and not context.is_dry else 1)
        module = [] if context.module or not context.device.startswith("gpu") else ["--module", context.tree.module]
        jobs.append((f"operators, {kernels}, {precision}",
                     [context.tree.operators, *context.on_device(kernels, precision), *module, "--every", every, "--names"],
                     CONFORMANCE_LIMIT_S))
    _record(context, context.runner.run_all(jobs, context.at_once()))


def networks(context):
    """Every model against the reference kernels, with one picture and with three."""
    jobs = []
    for name, path in context.models.items():
        for kernels, precision in _combinations_again(context):
            if precision in ("tf32", "bf16") and name not in ("resnet50", "shapes"):
                continue  # to save time: the operators have been seen in them
            command = [context.tree.bench("gpu"), *context.on_device(kernels, precision), "--threads", "1", "--seconds", "0.02",
                       "--rounds", "1", "--batch", "3", "--reference", context.reference(name), path]
            jobs.append((f"{name}, {kernels}, {precision}", command, MODEL_LIMIT_S))
    results = context.runner.run_all(jobs, context.at_once())
    for result in results:
        record = result.json()
        if record:
            context.report.result(record)
            result.output = f"{record.get('apart', 0):.1e} of the largest value from ref's output\n"
    _record(context, results)


def _combinations_again(context):
    return [(kernels, precision) for kernels in context.amount.kernels if not context.needs_library(kernels)
            for precision in context.amount.precisions]


def threads(context):
    """Many threads on one operator, every result compared with that of one to the bit."""
    name = context.bench_model()
    if name is None:
        context.report.check("threads", "skipped", "no model")
        return
    count = context.amount.many_threads
    jobs = [(f"{count} threads bit-equal to one, {name}, {kernels}, {precision}, {arrays} arrays",
             [context.tree.bench("gpu"), *context.on_device(kernels, precision), "--threads", count, "--seconds",
              max(1.0, 4 * context.amount.seconds) if not context.is_dry else 0.05, "--rounds", "1", "--batch", "1",
              "--arrays", arrays, "--reference", context.reference(name), context.models[name]], MODEL_LIMIT_S)
            for kernels, precision in _combinations_again(context) if precision in ("fp32", "fp16")
            for arrays in (("host", "device") if precision == "fp32" else ("host",))]
    results = context.runner.run_all(jobs, 1)
    for result in results:
        record = result.json()
        if record:
            compared = sum(row["compared"] for row in record["rows"])
            if result.is_ok and compared == 0:
                result.verdict = "failed"
            result.output = f"{compared} results compared\n"
    _record(context, results)


def example(context):
    """The example classifies its sample pictures as the reference kernels do."""
    samples = sorted((EMBEDDED.parent / "samples").glob("*"))
    outputs = {}
    for device in ("ref", context.device):
        arguments = ["--module", context.module] if context.module and device != "ref" else []
        result = context.runner.run(f"example on {device}", [context.tree.example, "--json", "--top", "1", "--device", device,
                                                             *arguments, *samples], 90)
        if not result.is_ok:
            _record(context, [result])
            return
        records = [json.loads(line) for line in result.output.splitlines() if line.startswith("{")]
        outputs[device] = [record["top"][0]["label"] for record in records if "top" in record]
    are_same = outputs["ref"] == outputs[context.device] and len(outputs["ref"]) == len(samples) > 0
    context.report.check(f"example on {context.device}", "right" if are_same else "wrong",
                         f"{len(samples)} pictures, the labels that ref gives" if are_same else str(outputs[context.device]))


def _is_finding(line):
    """Of compute-sanitizer's lines, those that report something."""
    return line.startswith("=========") and any(word in line for word in ("Invalid", "Error", "error", "hazard", "Race", "Barrier")) \
        and "ERROR SUMMARY: 0" not in line and "0 hazards" not in line


def sanitizer(context):
    """A short run under compute-sanitizer; its verdict is its exit status."""
    tool = shutil.which("compute-sanitizer") or shutil.which("/usr/local/cuda/bin/compute-sanitizer")
    if tool is None or not context.device.startswith("gpu") or context.is_dry:
        context.report.check("compute-sanitizer", "skipped", "not installed" if tool is None else "no GPU here")
        return
    module = [] if context.module else ["--module", context.tree.module]
    operators = [context.tree.operators, *context.on_device("own", "fp32"), *module, "--every", "6"]
    half = [context.tree.operators, *context.on_device("own", "fp16"), *module, "--every", "10"]
    model = [context.tree.bench("gpu"), *context.on_device("own", "fp16"), "--threads", "2", "--seconds", "0.02", "--rounds", "1",
             "--batch", "2", EMBEDDED]
    probe = context.runner.run("compute-sanitizer starts", [tool, "--tool", "memcheck", "--error-exitcode", "9",
                                                            context.tree.bench("startup"), *context.on_device("own"), EMBEDDED], 60)
    if "not supported" in probe.output:
        context.report.check("compute-sanitizer", "skipped", "it says that this device is not supported")
        return
    if not probe.is_ok:
        _record(context, [probe])
        return
    jobs = [(f"{kind}, {what}", [tool, "--tool", kind, "--error-exitcode", "9", *command], SANITIZER_LIMIT_S)
            for kind, commands in (("memcheck", (("operators", operators), ("fp16", half), ("a model", model))),
                                   ("racecheck", (("operators", operators), ("a model", model))))
            for what, command in commands]
    results = context.runner.run_all(jobs, max(1, context.at_once() // 2))
    for result in results:
        if result.verdict == "late":  # slow is not wrong, but what was found is
            found = [line for line in result.output.splitlines() if _is_finding(line)]
            result.verdict = "failed" if found else "skipped"
            result.output = found[0] if found else "not done in time; nothing found until then"
    _record(context, results)
