# SPDX-License-Identifier: Apache-2.0
"""MXNet's examples in C++."""
import re

from .stage import Failure, Skip, last_line

# Lines of multi_threaded_inference.cc that reach into MXNet's C++ classes, and the same with cpp-package's; then the
# one that copies a channel once for each row instead of once for each pixel.
REPLACEMENTS = (
    ("#include <mxnet/ndarray.h>\n", ""),
    ("std::vector<mxnet::NDArray*> *output_mx_arr", "std::vector<NDArrayHandle> *output_mx_arr"),
    ("# else\n  mxnet::Context backend_ctx = mxnet::Context::CPU(0);\n", "# else\n"),
    ("static_cast<mxnet::NDArray *>(*cached_op_handles[num])", "*cached_op_handles[num]"),
    ("std::vector<mxnet::NDArray> tmp(num_threads);", "std::vector<mxnet::cpp::NDArray> tmp(num_threads);"),
    ("(*output_mx_arr)[i]->Copy(mxnet::Context::CPU(0));",
     "mxnet::cpp::NDArray((*output_mx_arr)[i]).Copy(mxnet::cpp::Context::cpu(0));"),
    ("    (*output_mx_arr)[i] = &tmp[i];\n", ""),
    ("static_cast<float *>((*output_mx_arr)[i]->data().dptr_)", "tmp[i].GetData()"),
    ("(*output_mx_arr)[i]->shape().Size()", "tmp[i].Size()"),
    ("std::vector<mxnet::NDArray*> output_mx_arr(num_threads);", "std::vector<NDArrayHandle> output_mx_arr(num_threads);"),
    ("    }\n    *ptr_image_r++ = static_cast<float>(*data++) - mean_r;\n  }\n",
     "      *ptr_image_r++ = static_cast<float>(*data++) - mean_r;\n    }\n  }\n"),
)
MODEL = "squeezenet_v1.1/squeezenet_v1.1"
RUNNABLE = "test_ndarray_copy"


def port(source):
    """The example with those lines replaced, each of which must be there once."""
    text = source.read_text()
    for old, new in REPLACEMENTS:
        if text.count(old) != 1:
            raise Failure(f"{source.name} is not MXNet 1.9.1's: '{old.strip()}' is there {text.count(old)} times")
        text = text.replace(old, new)
    return text


def best_results(output):
    return [int(number) for number in re.findall(r"Best Result: .*\(id=(\d+),", output)]


def multi_threaded(stage):
    """The example of the thread-safe operator: a photograph in each thread, the right class for each."""
    source = stage.mxnet / "example" / "multi_threaded_inference" / "multi_threaded_inference.cc"
    if not source.exists():
        raise Skip(f"{source} is not there")
    symbol, params, labels = stage.need(f"{MODEL}-symbol.json", f"{MODEL}-0000.params", "labels/imagenet_synset.txt")
    folder = stage.folder / "multi_threaded"
    folder.mkdir(exist_ok=True)
    ported = folder / source.name
    ported.write_text(port(source))
    includes, flags = stage.opencv()
    program = stage.compile(ported, "multi_threaded_inference", (*includes, stage.generated(), stage.cpp_package), flags=flags)
    for name, target in (("model-symbol.json", symbol), ("model-0000.params", params), ("synset.txt", labels)):
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(target)
    photographs = stage.photographs()
    # The example subtracts 117 from each channel of RGB; the model wants BGR less 104, 117 and 123.
    pictures = [stage.picture(photograph, "bgr", (-13, 0, 6)) for photograph, _, _ in photographs]
    output = stage.run([program, "model", "0", *pictures], cwd=folder)
    compare_classes(best_results(output), photographs, output)
    return f"{len(pictures)} threads, {len(pictures)} photographs, all with the class they should have"


def compare_classes(results, photographs, output):
    expected = [number for _, number, _ in photographs]
    if len(results) != len(expected):
        raise Failure(f"{len(results)} results instead of {len(expected)}: {last_line(output)}")
    for (photograph, number, _), result in zip(photographs, results):
        if result != number:
            raise Failure(f"{photograph.name} is class {number}, not {result}")


def cpp_package_examples(stage):
    """cpp-package's examples compile and link with generated wrappers."""
    sources = sorted((stage.mxnet / "cpp-package" / "example").rglob("*.cpp"))
    if not sources:
        raise Skip("no examples in MXNet's tree")
    includes, flags = stage.opencv()
    tuple_header = needs_tuple(stage)
    for source in sources:
        program = stage.compile(source, f"example_{source.stem}", (*includes, *tuple_header, stage.generated(), stage.cpp_package),
                                flags=flags)
        if source.stem == RUNNABLE:
            stage.run([program])
    return f"{len(sources)} compile and link"


def needs_tuple(stage):
    """One example includes MXNet's mxnet/tuple.h, which is C++ and no part of the C API: a folder with what it uses."""
    folder = stage.folder / "tuple"
    (folder / "mxnet").mkdir(parents=True, exist_ok=True)
    (folder / "mxnet" / "tuple.h").write_text(
        "#pragma once\n#include <nnvm/tuple.h>\nnamespace mxnet { typedef nnvm::TShape TShape; }\n")
    return (folder,)


def benchmark(stage):
    """imagenet_inference --benchmark: binds an executor and measures it."""
    source = stage.mxnet / "cpp-package" / "example" / "inference" / "imagenet_inference.cpp"
    if not source.exists():
        raise Skip(f"{source} is not there")
    models = (MODEL, "mobilenetv2_1.0_224/mobilenetv2_1.0_224")
    includes, flags = stage.opencv()
    program = stage.compile(source, "imagenet_inference",
                            (*includes, *needs_tuple(stage), stage.generated(), stage.cpp_package), flags=flags)
    found = []
    for model in models:
        symbol, params = stage.need(f"{model}-symbol.json", f"{model}-0000.params")
        output = stage.run([program, "--symbol_file", symbol, "--params_file", params, "--batch_size", "4",
                            "--num_inference_batches", "5", "--benchmark"])
        speed = re.search(r"throughput: ([0-9.]+)", output)
        if speed is None or float(speed.group(1)) <= 0:
            raise Failure(f"{model}: {last_line(output)}")
        found.append(f"{model.split('/')[1]} {float(speed.group(1)):.0f} images/s")
    return ", ".join(found)


def thread_safety(stage):
    """The matrix of MXNet's thread-safety test, which is a test of this project."""
    program = stage.build / "test" / "mxnet" / "clients" / "test_mxnet_thread_safety"
    if not program.exists():
        raise Skip(f"{program} is not built")
    output = stage.run([program], environment={"COP_TEST_DATA": str(stage.data)}, seconds=900)
    return last_line(output)
