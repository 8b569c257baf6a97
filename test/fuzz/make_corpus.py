# SPDX-License-Identifier: Apache-2.0
"""Chooses what is committed of the inputs that fuzzers found: small ones that reach different code.

    make_corpus.py BUILD_FOLDER RESULT_FOLDER PARSER...       after scripts/fuzz, with its two folders

Each is a change of the targets' own seeds, so nothing here was written by others.
"""
import hashlib
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
MOST_FILES = 120
MOST_BYTES = 70 << 10  # of one parser
MOST_FILE_BYTES = 2000


def merge(program, sources):
    """Libfuzzer's choice of the inputs that cover what all of them do."""
    with tempfile.TemporaryDirectory() as small, tempfile.TemporaryDirectory() as chosen:
        for path in sources:
            if 0 < path.stat().st_size <= MOST_FILE_BYTES:
                shutil.copy(path, small)
        subprocess.run([program, '-merge=1', '-rss_limit_mb=2048', chosen, small], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=chosen)
        return sorted(path.read_bytes() for path in pathlib.Path(chosen).iterdir() if path.is_file())


def main():
    build, results = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
    for parser in sys.argv[3:]:
        folder = HERE / 'corpus' / parser
        inputs = merge(str(build / 'test' / 'fuzz' / f'libfuzzer_{parser}'),
                       (results / parser / 'corpus').iterdir())
        random.Random(1).shuffle(inputs)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        total = count = 0
        for content in inputs:
            if count < MOST_FILES and total + len(content) <= MOST_BYTES:
                (folder / hashlib.sha256(content).hexdigest()[:12]).write_bytes(content)
                total, count = total + len(content), count + 1
        print(f'{parser}: {count} of {len(inputs)} inputs, {total} bytes')


if __name__ == '__main__':
    main()
