# SPDX-License-Identifier: Apache-2.0
"""Runs multi_threaded_inference as its users do: test_program.py PROGRAM EMBEDDED_FOLDER

COP_TEST_DATA names the folder with models and photographs from elsewhere; what needs it is skipped, and says so,
where it is not there.
"""
import json
import os
import pathlib
import select
import signal
import subprocess
import sys
import tempfile
import time
import unittest

PROGRAM, EMBEDDED = "", pathlib.Path()
DATA = pathlib.Path(os.environ.get("COP_TEST_DATA", "/nonexistent"))
PHOTOS = DATA / "photos"
SYNSET = DATA / "labels" / "imagenet_synset.txt"


def run(*arguments):
    return subprocess.run([PROGRAM, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=600, check=False)


class Program(unittest.TestCase):
    def objects(self, *arguments, status=0):
        """The JSON objects the program prints, and checks its exit status."""
        result = run("--json", *arguments)
        self.assertEqual(result.returncode, status, result.stderr.decode(errors="replace"))
        return [json.loads(line) for line in result.stdout.decode("utf-8").splitlines()]

    def classify(self, *arguments, status=0):
        """The objects of the images and the summary."""
        *images, last = self.objects(*arguments, status=status)
        return images, last["summary"]


class Usage(Program):
    def test_usage_errors_exit_with_2_and_say_what_is_wrong(self):
        for arguments in ([], ["model.onnx"], ["--nothing", "a.png"], ["--threads", "0", "a.png"],
                          ["--preset", "vgg", "a.png"], ["--device", "tpu", "a.png"],
                          ["--top"], ["prefix", "1"]):
            result = run(*arguments)
            self.assertEqual(result.returncode, 2, arguments)
            self.assertEqual(result.stdout, b"")
            self.assertNotEqual(result.stderr, b"")

    def test_help_and_version_are_printed(self):
        result = run("--help")
        self.assertEqual(result.returncode, 0)
        for option in (b"--threads", b"--input-shape", b"--preset", b"--duration", b"--trace"):
            self.assertIn(option, result.stdout)
        self.assertRegex(run("--version").stdout, rb"^multi_threaded_inference \d+\.\d+")

    def test_a_model_that_is_not_there_is_named(self):
        result = run("--json", "/nonexistent/model.onnx", sample("star.png"))
        self.assertEqual(result.returncode, 1)
        self.assertIn(b"/nonexistent/model.onnx", result.stderr)
        self.assertIn("/nonexistent/model.onnx", json.loads(result.stdout)["error"])

    def test_a_module_that_is_not_there_is_reported(self):
        result = run("--device", "gpu", "--module", "/nonexistent/module.so", sample("star.png"))
        self.assertEqual(result.returncode, 1)
        self.assertIn(b"/nonexistent/module.so: No such file", result.stderr)

    def test_output_that_cannot_be_written_is_a_failure(self):
        if not os.path.exists("/dev/full"):
            self.skipTest("no /dev/full")
        with open("/dev/full", "wb") as full:
            result = subprocess.run([PROGRAM, "--help"], stdout=full, stderr=subprocess.PIPE, check=False)
        self.assertEqual(result.returncode, 1)


def sample(name):
    return EMBEDDED / "samples" / name


def samples():
    return sorted((EMBEDDED / "samples").iterdir())


class EmbeddedModel(Program):
    def test_every_sample_is_recognised(self):
        images, summary = self.classify(*samples())
        self.assertEqual([image["file"] for image in images], [str(path) for path in samples()])
        for image, path in zip(images, samples()):
            self.assertEqual(image["top"][0]["label"], path.stem)
            self.assertEqual(len(image["top"]), 5)
            self.assertGreater(image["latency_ms"], 0)
            scores = [ranked["score"] for ranked in image["top"]]
            self.assertEqual(scores, sorted(scores, reverse=True))
            self.assertTrue(0 <= scores[-1] and sum(scores) <= 1.001)
        self.assertEqual((summary["classified"], summary["failed"]), (len(images), 0))
        self.assertEqual(summary["threads"], len(images))
        self.assertEqual(summary["input"]["shape"], [1, 3, 48, 48])

    def test_results_are_the_same_and_in_order_whatever_runs_them(self):
        paths = samples() * 8
        expected = [image["top"] for image in self.classify("--threads", 1, *paths)[0]]
        for options in (["--threads", 3], ["--threads", 64], [], ["--async"], ["--async", "--threads", 16]):
            images, _ = self.classify(*options, *paths)
            self.assertEqual([image["file"] for image in images], [str(path) for path in paths])
            self.assertEqual([image["top"] for image in images], expected, options)

    def test_both_formats_and_both_devices_agree(self):
        expected, _ = self.classify("--top", 12, *samples())
        for options in ([EMBEDDED / "shapes.onnx"], [EMBEDDED / "shapes"], [EMBEDDED / "shapes", "0"],
                        [EMBEDDED / "shapes-symbol.json"], ["--device", "ref", EMBEDDED / "shapes.onnx"]):
            images, _ = self.classify("--top", 12, "--labels", EMBEDDED / "synset.txt", *options, *samples())
            for image, other in zip(images, expected):
                scores = {ranked["label"]: ranked["score"] for ranked in other["top"]}
                for ranked in image["top"]:
                    self.assertAlmostEqual(ranked["score"], scores[ranked["label"]], delta=1e-4)

    def test_a_broken_image_fails_alone(self):
        with tempfile.TemporaryDirectory() as folder:
            broken = pathlib.Path(folder) / "broken.png"
            broken.write_bytes(sample("star.png").read_bytes()[:-30])
            result = run("--json", sample("star.png"), broken, folder + "/missing.jpg", sample("ring.jpg"))
            self.assertEqual(result.returncode, 1)
            lines = [json.loads(line) for line in result.stdout.splitlines()]
            self.assertEqual(lines[0]["top"][0]["label"], "star")
            self.assertIn("truncated", lines[1]["error"])
            self.assertEqual(lines[1]["file"], str(broken))
            self.assertIn("No such file", lines[2]["error"])
            self.assertEqual(lines[3]["top"][0]["label"], "ring")
            self.assertEqual(lines[4]["summary"]["failed"], 2)
            self.assertIn(str(broken).encode(), result.stderr)
            self.assertEqual(run(broken).returncode, 1)

    def test_names_of_any_bytes_give_valid_json(self):
        with tempfile.TemporaryDirectory() as folder:
            name = os.path.join(os.fsencode(folder), b'a"\\\n\xff\xc3\xa9.png')
            with open(name, "wb") as file:
                file.write(sample("star.png").read_bytes())
            result = subprocess.run([PROGRAM, "--json", name], stdout=subprocess.PIPE, check=False)
            self.assertEqual(result.returncode, 0)
            image = json.loads(result.stdout.decode("utf-8").splitlines()[0])
            self.assertTrue(image["file"].endswith('a"\\\n\ufffd\u00e9.png'))

    def test_labels_may_be_too_few(self):
        with tempfile.TemporaryDirectory() as folder:
            labels = pathlib.Path(folder) / "labels.txt"
            labels.write_text("first\n")
            images, _ = self.classify("--labels", labels, "--top", 100, sample("star.png"))
            self.assertEqual(len(images[0]["top"]), 12)
            names = {ranked["class"]: ranked["label"] for ranked in images[0]["top"]}
            self.assertEqual(names[0], "first")
            self.assertEqual(names[11], "class 11")
            self.objects("--labels", folder + "/missing", sample("star.png"), status=1)

    def test_load_repeats_all_images_with_equal_results(self):
        for options in ([], ["--async"]):
            _, summary = self.classify("--repeat", 20, "--threads", 4, *options, *samples())
            self.assertEqual(summary["invocations"], 20 * len(samples()))
            self.assertEqual(summary["different_results"], 0)
            latency = summary["latency_ms"]
            self.assertTrue(0 < latency["p50"] <= latency["p90"] <= latency["p99"] <= latency["max"])
            self.assertGreater(summary["images_per_second"], 0)
        _, summary = self.classify("--duration", "0.3", "--threads", 2, sample("star.png"))
        self.assertTrue(0.25 < summary["seconds"] < 30)

    def test_profile_and_trace_show_the_steps(self):
        with tempfile.TemporaryDirectory() as folder:
            trace = pathlib.Path(folder) / "trace.json"
            image, profile, summary = self.objects("--profile", "--trace", trace, sample("star.png"))
            self.assertIn("top", image)
            self.assertGreater(len(profile["profile"]), 1)
            self.assertTrue(all(step["duration_ns"] >= 0 for step in profile["profile"]))
            self.assertIn("summary", summary)
            json.loads(trace.read_text())
            self.objects("--trace", folder + "/missing/trace.json", sample("star.png"), status=1)

    def test_images_whose_time_is_over_say_so_and_the_others_go_on(self):
        for options in ([], ["--async"], ["--async", "--workers", 0]):
            images, summary = self.classify("--timeout", "0.000001", *options, *samples(), status=1)
            self.assertEqual(len(images), len(samples()))
            for image in images:
                self.assertIn("TIMEOUT", image["error"])
            self.assertEqual((summary["classified"], summary["failed"]), (0, len(samples())))
            images, summary = self.classify("--timeout", 600000, *options, *samples())
            self.assertEqual(summary["classified"], len(samples()))

    def interrupt(self, *arguments, delay=0):
        """Sends SIGINT some time after the first image is done; the lines, and the seconds from then to the end."""
        with subprocess.Popen([PROGRAM, "--json", *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              bufsize=0,  # communicate would not see what readline had read ahead
                              preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)) as process:
            first = process.stdout.readline()
            time.sleep(delay)
            process.send_signal(signal.SIGINT)
            begin = time.monotonic()
            rest, errors = process.communicate(timeout=120)
        self.assertEqual(process.returncode, 130, errors.decode(errors="replace"))
        return [json.loads(line) for line in (first + rest).splitlines()], time.monotonic() - begin

    def test_an_interrupted_program_reports_what_it_did_not_do(self):
        for options in (["--threads", 1], ["--threads", 2, "--async"]):
            paths = samples() * 400
            (*images, last), _ = self.interrupt(*options, *paths)
            self.assertEqual([image["file"] for image in images], [str(path) for path in paths])
            cancelled = [image for image in images if "error" in image]
            self.assertTrue(all("CANCELLED" in image["error"] for image in cancelled))
            summary = last["summary"]
            self.assertEqual((summary["failed"], summary["cancelled"]), (0, len(cancelled)))
            self.assertGreater(summary["classified"], 0)
            self.assertGreater(summary["cancelled"], 0)

    def test_an_interrupted_load_ends_with_its_figures(self):
        for options in ([], ["--async"]):
            (image, last), seconds = self.interrupt("--duration", 100, "--threads", 2, *options, sample("star.png"), delay=1)
            self.assertGreater(last["summary"]["invocations"], 1)
            self.assertEqual(last["summary"]["different_results"], 0)
            self.assertEqual(image["top"][0]["label"], "star")
            self.assertEqual(last["summary"]["cancelled"], 0)
            self.assertLess(seconds, 50)

    def test_a_second_interrupt_ends_the_program_at_once(self):
        with tempfile.TemporaryDirectory() as folder:
            pipe = os.path.join(folder, "never-read")
            os.mkfifo(pipe)
            reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
            writer = os.open(pipe, os.O_WRONLY)
            with subprocess.Popen([PROGRAM, "--json", *map(str, samples() * 400)], stdout=writer,
                                  stderr=subprocess.DEVNULL,
                                  preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)) as process:
                is_running = bool(select.select([reader], [], [], 60)[0])
                for _ in range(600 if is_running else 0):  # it cannot end by itself: nobody reads what it prints
                    process.send_signal(signal.SIGINT)
                    time.sleep(0.1)
                    if process.poll() is not None:
                        break
                process.kill()
                self.assertEqual(process.wait(), -signal.SIGINT)
            os.close(writer)
            os.close(reader)

    def test_an_ignored_interrupt_stays_ignored(self):
        with subprocess.Popen([PROGRAM, "--json", "--duration", "0.5", str(sample("star.png"))], stdout=subprocess.PIPE,
                              preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN)) as process:
            process.stdout.readline()
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=120)
        self.assertEqual(process.returncode, 0)

    def test_preprocessing_can_be_set_piece_by_piece(self):
        expected, _ = self.classify(sample("star.png"))
        pieces = ["--preset", "none", "--scale", "1/255", "--mean", ".485,.456,.406", "--std", ".229,.224,.225",
                  "--resize", 55, "--crop", 48, "--rgb"]
        self.assertEqual(self.classify(*pieces, sample("star.png"))[0][0]["top"], expected[0]["top"])
        self.assertNotEqual(self.classify("--bgr", sample("star.png"))[0][0]["top"], expected[0]["top"])
        self.objects("--crop", 100, sample("star.png"), status=2)
        self.objects("--resize", 40, sample("star.png"), status=2)

    def test_a_model_of_any_size_takes_the_shape_it_is_given(self):
        _, summary = self.classify("--input-shape", "3,64,56", EMBEDDED / "shapes", sample("star.png"))
        self.assertEqual(summary["input"]["shape"], [1, 3, 64, 56])

    def test_people_get_a_table(self):
        result = run(sample("star.png"), sample("ring.jpg"))
        self.assertEqual(result.returncode, 0)
        self.assertEqual(result.stderr, b"")
        text = result.stdout.decode()
        self.assertLess(text.index("star.png"), text.index("ring.jpg"))
        self.assertIn("2 classified, 0 failed", text)


def expected_top5():
    """{model: {photo: [(class, probability), ...]}}"""
    lines = [line.split("\t") for line in (PHOTOS / "expected_top5.tsv").read_text().splitlines()]
    models = lines[0][2:]
    table = {model: {} for model in models}
    for line in lines[1:]:
        for model, cell in zip(models, line[2:]):
            table[model][line[0]] = [(int(pair.split(":")[0]), float(pair.split(":")[1])) for pair in cell.split()]
    return table


@unittest.skipUnless(PHOTOS.is_dir(), f"SKIP: no photographs in {PHOTOS}")
class Photographs(Program):
    def check(self, model, column, tolerance, *options):
        expected = expected_top5()[column]
        paths = [PHOTOS / name for name in expected]
        images, _ = self.classify("--top", 1000, "--labels", SYNSET, *options, model, *paths)
        worst = 0
        for image, top5 in zip(images, expected.values()):
            scores = {ranked["class"]: ranked["score"] for ranked in image["top"]}
            self.assertEqual(image["top"][0]["class"], top5[0][0], image["file"])
            for index, probability in top5:
                worst = max(worst, abs(scores[index] - probability))
        print(f"{pathlib.Path(model).name}: probabilities differ by at most {worst:.4f}")
        self.assertLessEqual(worst, tolerance)

    def test_squeezenet_sees_what_is_expected(self):
        folder = DATA / "squeezenet_v1.1"
        for model in ("squeezenet_v1.1_fp32.onnx", "squeezenet_v1.1", "SqueezeNet_fp16.onnx"):
            self.check(folder / model, "squeezenet_v1.1", 0.01, "--preset", "caffe")

    def test_mobilenet_sees_what_is_expected(self):
        folder = DATA / "mobilenetv2_1.0_224"
        for model in ("mobilenetv2_1.0_224_fp32.onnx", "mobilenetv2_1.0_224"):
            self.check(folder / model, "mobilenetv2", 0.01, "--preset", "unit")

    def test_labels_of_a_synset_lose_their_numbers(self):
        images, _ = self.classify("--preset", "unit", "--labels", SYNSET, "--top", 1,
                                  DATA / "mobilenetv2_1.0_224" / "mobilenetv2_1.0_224_fp32.onnx",
                                  PHOTOS / "espresso.png")
        self.assertEqual(images[0]["top"][0]["label"], "espresso")


if __name__ == "__main__":
    PROGRAM, EMBEDDED = sys.argv[1], pathlib.Path(sys.argv[2])
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]], verbosity=2)
