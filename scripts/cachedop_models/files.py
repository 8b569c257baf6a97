# SPDX-License-Identifier: Apache-2.0
"""Writing a file so that no reader ever sees half of it."""
import os
import pathlib


def replace(path, pieces):
    """Writes byte pieces beside `path` and renames: the file is the old one or the whole new one."""
    path = pathlib.Path(path)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(beside, "wb") as file:
            file.writelines(pieces)
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
