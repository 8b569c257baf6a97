# SPDX-License-Identifier: Apache-2.0
"""Runs the libFuzzer programs until each has seen so many inputs, and every prefix of small files.

    run_fuzzers.py BUILD_FOLDER RESULT_FOLDER COUNT PARSER...

Prints one line a parser and, last, the number of failures: crashes, hangs, leaks.
"""
import os
import pathlib
import re
import signal
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
DATA = pathlib.Path(os.environ.get('COP_TEST_DATA', HERE.parents[2] / 'shared' / 'data'))
ENDINGS = {
    'onnx': ('.onnx',),
    'params': ('.params',),
    'symbol_json': ('-symbol.json', '.json'),
    'image': ('.png', '.jpg', '.jpeg', '.bmp'),
}
MAX_FAILURES = 20  # of one parser, after which nothing new is learned
SMALL = 64 << 10


class Tally:
    """What was seen of one parser."""

    def __init__(self):
        self.inputs = self.accepted = self.crashes = self.leaks = self.hangs = self.slowest_ms = 0

    def failures(self):
        return self.crashes + self.leaks + self.hangs

    def add(self, code, text):
        """Reads what one libFuzzer process said."""
        report = re.search(r'FUZZ inputs (\d+) accepted (\d+) slow (\d+) slowest_ms (\d+)', text)
        runs = re.findall(r'number_of_executed_units: (\d+)', text)
        if report:
            self.inputs += int(report[1])
            self.accepted += int(report[2])
            self.slowest_ms = max(self.slowest_ms, int(report[4]))
        elif runs:
            self.inputs += int(runs[-1])
        self.hangs += len(re.findall(r'^SLOW ', text, re.M))
        if code == 0:
            return
        if 'detected memory leaks' in text:
            self.leaks += 1
        elif 'libFuzzer: timeout' in text or code == -signal.SIGALRM:
            self.hangs += 1
        else:
            self.crashes += 1


def run(program, folder, arguments, extra_environment):
    environment = dict(os.environ, UBSAN_OPTIONS='halt_on_error=1:print_stacktrace=1',
                       ASAN_OPTIONS='detect_leaks=1:allocator_may_return_null=1', **extra_environment)
    done = subprocess.run([program, *arguments], cwd=folder, env=environment, errors='replace',
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    with open(folder / 'log', 'a', encoding='utf-8') as log:
        log.write(done.stdout)
    return done.returncode, done.stdout


def fuzz(program, folder, count, tally, committed):
    """Until `count` inputs were run; goes on after a failure with other random numbers."""
    corpus = folder / 'corpus'
    corpus.mkdir(parents=True, exist_ok=True)
    common = ['-timeout=30', '-rss_limit_mb=2048', '-max_len=8192', '-print_final_stats=1']
    for seed in range(1, MAX_FAILURES + 1):
        left = count - tally.inputs
        if left <= 0:
            break
        tally.add(*run(program, folder, [*common, f'-seed={seed}', f'-runs={left}', corpus, committed], {}))


def small_files(parser):
    if not DATA.is_dir():
        return []
    return sorted(str(path) for path in DATA.rglob('*')
                  if path.name.endswith(ENDINGS[parser]) and path.is_file() and path.stat().st_size < SMALL)


def truncate(program, folder, committed, files):
    """Every prefix of the committed inputs and of the data folder's small files."""
    tally = Tally()
    common = ['-runs=0', '-timeout=1000000', '-handle_alrm=0', '-rss_limit_mb=2048', '-max_len=65536', '-print_final_stats=1']
    cut = {'COP_FUZZ_TRUNCATE': '1'}
    tally.add(*run(program, folder, [*common, committed], cut))
    if files:
        tally.add(*run(program, folder, [*common[1:], *files], cut))
    return tally


def main():
    build, results, count = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]), int(sys.argv[3])
    failures = 0
    for parser in sys.argv[4:]:
        folder = (results / parser).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        (folder / 'log').unlink(missing_ok=True)
        program = str(build / 'test' / 'fuzz' / f'libfuzzer_{parser}')
        committed = str(HERE / 'corpus' / parser)
        fuzzed = Tally()
        fuzz(program, folder, count, fuzzed, committed)
        files = small_files(parser)
        cut = truncate(program, folder, committed, files)
        failed = fuzzed.failures() + cut.failures()
        failures += failed + (fuzzed.inputs < count)
        print(f'{parser}: {fuzzed.inputs} inputs ({fuzzed.accepted} accepted), '
              f'{cut.inputs} prefixes of {len(os.listdir(committed))} committed files and '
              + (f'{len(files)} of the data folder' if DATA.is_dir() else 'no others: there is no data folder')
              + f'; {fuzzed.crashes + cut.crashes} crashes, {fuzzed.hangs + cut.hangs} hangs, '
              f'{fuzzed.leaks + cut.leaks} leaks, slowest {max(fuzzed.slowest_ms, cut.slowest_ms)} ms'
              + (f'; see {folder}' if failed else ''), flush=True)
    print(f'{failures} failures')
    return 1 if failures else 0


if __name__ == '__main__':
    sys.exit(main())
