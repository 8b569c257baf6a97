# SPDX-License-Identifier: Apache-2.0
"""Clients of the predict API."""
import pathlib
import re
import shutil
import struct
import subprocess
import sys

from .examples import MODEL, best_results, compare_classes
from .stage import HERE, Failure, Skip, last_line

THREADS = 4


def write_mean(path):
    """The mean picture that the example looks for: the means of the model's channels, in MXNet's format of arrays."""
    side, means = 224, (104.0, 117.0, 123.0)
    values = b"".join(struct.pack("<f", mean) * (side * side) for mean in means)
    array = struct.pack("<IiI3qiii", 0xF993FAC9, 0, 3, 3, side, side, 1, 0, 0) + values
    name = b"mean_img"
    path.write_bytes(struct.pack("<3Q", 0x112, 0, 1) + array + struct.pack("<2Q", 1, len(name)) + name)


def predict_in_cpp(stage):
    """image-classification-predict.cc as it is: one photograph after the other, then one in many threads at once."""
    source = stage.mxnet / "example" / "image-classification" / "predict-cpp" / "image-classification-predict.cc"
    if not source.exists():
        raise Skip(f"{source} is not there")
    symbol, params, labels = stage.need(f"{MODEL}-symbol.json", f"{MODEL}-0000.params", "labels/imagenet_synset.txt")
    folder = stage.folder / "predict"
    model = folder / "model" / "Inception"
    model.mkdir(parents=True, exist_ok=True)
    for name, target in (("Inception-BN-symbol.json", symbol), ("Inception-BN-0126.params", params), ("synset.txt", labels)):
        (model / name).unlink(missing_ok=True)
        (model / name).symlink_to(target)
    includes, flags = stage.opencv()
    program = stage.compile(source, "image-classification-predict", includes, flags=flags)
    photographs = stage.photographs()
    write_mean(model / "mean_224.nd")
    outputs = [stage.run([program, stage.picture(photograph, "bgr")], cwd=folder) for photograph, _, _ in photographs]
    compare_classes([number for output in outputs for number in best_results(output)], photographs, outputs[-1])
    # Every thread of the example frees the mean picture's handle, so that there must be none.
    (model / "mean_224.nd").unlink()
    for photograph, number, _ in photographs[:3]:
        output = stage.run([program, stage.picture(photograph, "bgr", (-13, 0, 6)), str(THREADS)], cwd=folder)
        found = re.findall(r"\(id=(\d+),", output)
        if found != [str(number)] * THREADS:
            raise Failure(f"{photograph.name} in {THREADS} threads is class {number}, not {' '.join(found) or last_line(output)}")
    return f"{len(photographs)} photographs have the class they should, 3 of them in {THREADS} threads at once too"


def find_python():
    """An interpreter that has numpy, which the client needs."""
    for candidate in (sys.executable, "/usr/bin/python3"):
        if subprocess.run([candidate, "-c", "import numpy"], capture_output=True, check=False).returncode == 0:
            return candidate
    raise Skip("no Python with numpy (Debian: python3-numpy)")


def predict_in_python(stage):
    """mxnet_predict.py as it is, with the library where it looks for one."""
    source = stage.mxnet / "amalgamation" / "python" / "mxnet_predict.py"
    if not source.exists():
        raise Skip(f"{source} is not there")
    python = find_python()
    stage.need(f"{MODEL}-symbol.json")
    root = stage.folder / "python"
    (root / "amalgamation" / "python").mkdir(parents=True, exist_ok=True)
    (root / "lib").mkdir(exist_ok=True)
    shutil.copy(source, root / "amalgamation" / "python")
    library = root / "lib" / "libmxnet_predict.so"
    library.unlink(missing_ok=True)
    library.symlink_to(stage.library)
    write_mean(root / "mean_224.nd")
    table = root / "photographs.tsv"
    table.write_text("".join(f"{stage.picture(photograph, 'rgb')}\t{squeezenet}\t{mobilenet}\n"
                             for photograph, squeezenet, mobilenet in stage.photographs()))
    output = stage.run([python, pathlib.Path(HERE) / "use_predict.py", root / "amalgamation" / "python", stage.data, table,
                        root / "mean_224.nd"])
    return last_line(output)
