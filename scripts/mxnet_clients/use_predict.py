# SPDX-License-Identifier: Apache-2.0
"""use_predict.py FOLDER DATA TABLE MEAN: classifies photographs with the mxnet_predict.py in FOLDER.

TABLE: on each line a PPM file and the classes that two models give it. MEAN: a file of one array, to be read.
"""
import sys

sys.path.insert(0, sys.argv[1])

import mxnet_predict  # noqa: E402
import numpy as np  # noqa: E402


def read_ppm(path):
    with open(path, "rb") as file:
        assert file.readline() == b"P6\n"
        width, height = map(int, file.readline().split())
        assert file.readline() == b"255\n"
        return np.frombuffer(file.read(), np.uint8).reshape(height, width, 3).astype(np.float32)


def load(data, model, batch):
    path = f"{data}/{model}"
    with open(f"{path}-symbol.json", encoding="utf-8") as symbol, open(f"{path}-0000.params", "rb") as params:
        return mxnet_predict.Predictor(symbol.read(), params.read(), {"data": (batch, 3, 224, 224)})


def for_squeezenet(picture):
    return (picture[:, :, ::-1] - np.array([104, 117, 123], np.float32)).transpose(2, 0, 1)


def for_mobilenet(picture):
    return (picture / 127.5 - 1).transpose(2, 0, 1)


def expect(is_right, text):
    if not is_right:
        sys.exit(text)


def classify(predictor, paths, expected, prepare, name):
    for path, number in zip(paths, expected):
        predictor.forward(data=prepare(read_ppm(path))[None])
        found = int(predictor.get_output(0)[0].argmax())
        expect(found == number, f"{name}: {path} is class {number}, not {found}")


def reproduce(predictor, folder, name):
    """The stored result of the stored input."""
    predictor.reshape({"data": (1, 3, 224, 224)})
    predictor.forward(data=np.load(f"{folder}/ref_input.npy"))
    reference = np.load(f"{folder}/ref_output.npy").ravel()
    apart = np.abs(predictor.get_output(0).ravel() - reference).max() / np.abs(reference).max()
    expect(apart < 1e-5, f"{name}: the result is {apart:.1e} from the reference")


def run_in_batches(predictor, paths, prepare, name):
    """Another shape, then the first one again: each row is what it was alone."""
    inputs = np.stack([prepare(read_ppm(path)) for path in paths[:3]])
    alone = []
    for row in inputs:
        predictor.forward(data=row[None])
        alone.append(predictor.get_output(0)[0])
    predictor.reshape({"data": inputs.shape})
    predictor.forward(data=inputs)
    expect(np.allclose(predictor.get_output(0), alone, rtol=1e-4, atol=1e-6), f"{name}: a batch has other results")
    predictor.reshape({"data": (1, 3, 224, 224)})
    predictor.forward(data=inputs[:1])
    expect(np.allclose(predictor.get_output(0)[0], alone[0], rtol=1e-4, atol=1e-6), f"{name}: reshaped back, it differs")


def watch(predictor, name):
    """Every node's result is reported once."""
    seen = []
    predictor.set_monitor_callback(lambda node, _: seen.append(node.decode()))
    predictor.forward()
    expect(len(seen) == len(set(seen)) and seen[-1] == "prob_output" and len(seen) > 40,
           f"{name}: the monitor saw {len(seen)} results, the last of them {seen[-1:]}")


def main():
    data, table, mean = sys.argv[2:]
    with open(table, encoding="utf-8") as file:
        rows = [line.rstrip("\n").split("\t") for line in file]
    paths = [row[0] for row in rows]
    arrays = mxnet_predict.load_ndarray_file(open(mean, "rb").read())
    expect(list(arrays) == ["mean_img"] and arrays["mean_img"].shape == (3, 224, 224) and arrays["mean_img"][2, 5, 7] == 123,
           "a file of arrays is not read as it was written")
    models = (("squeezenet", "squeezenet_v1.1/squeezenet_v1.1", for_squeezenet, 1),
              ("mobilenetv2", "mobilenetv2_1.0_224/mobilenetv2_1.0_224", for_mobilenet, 2))
    for name, model, prepare, column in models:
        predictor = load(data, model, 1)
        classify(predictor, paths, [int(row[column]) for row in rows], prepare, name)
        if name == "mobilenetv2":  # the other's label has the batch in its shape, which MXNet does not change
            run_in_batches(predictor, paths, prepare, name)
        reproduce(predictor, f"{data}/{model.split('/')[0]}", name)
        watch(predictor, name)
    print(f"{len(paths)} photographs have the class they should with {len(models)} models; a batch, references, monitor")


main()
