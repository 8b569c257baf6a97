# SPDX-License-Identifier: Apache-2.0
"""What all checks share: where headers, libraries and data are, how programs are compiled and run."""
import os
import pathlib
import shutil
import subprocess

PROJECT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent
COMPILE_S = 300
RUN_S = 300
FAMILIES = {"mxnet": ("c_api.h", "c_predict_api.h"), "nnvm": ("c_api.h",)}


class Failure(Exception):
    """A client does not work, or cannot be tried."""


class Skip(Exception):
    """What the check needs is not there."""


class Stage:
    def __init__(self, options, folder):
        self.mxnet = options.mxnet.resolve()
        self.folder = folder
        self.data = options.data.resolve()
        self.build = options.build.resolve()
        self.library = (options.library or self.build / "lib" / "mxnet" / "libcachedop-mxnet.so").resolve()
        self.mxnet_library = options.mxnet_lib.resolve() if options.mxnet_lib else None
        self.headers = options.headers.resolve() if options.headers else None
        self.cpp_package = self.mxnet / "cpp-package" / "include"
        for path, what in ((self.cpp_package / "mxnet-cpp" / "MxNetCpp.h", "MXNet's source tree"),
                           (self.library, "the library; build it, or name one with --library")):
            if not path.exists():
                raise Failure(f"{path} is not there: {what}")
        folder.mkdir(parents=True, exist_ok=True)
        self.include = self.link_headers()

    # --- Headers ---

    def find_folder(self, name, *places):
        """A folder of MXNet's headers: of --headers, or where the source tree has its submodules."""
        candidates = ([self.headers / name] if self.headers else []) + [self.mxnet / place / name for place in places]
        for candidate in candidates:
            if candidate.is_dir():
                return candidate
        raise Failure(f"MXNet's {name} headers are not there; name a folder that has them with --headers")

    def link_headers(self):
        """A folder of links: this project's mxnet and nnvm/c_api.h, the rest of nnvm and dmlc from MXNet."""
        include = self.folder / "include"
        shutil.rmtree(include, ignore_errors=True)
        (include / "nnvm").mkdir(parents=True)
        (include / "mxnet").symlink_to(PROJECT / "include" / "mxnet")
        (include / "dmlc").symlink_to(self.find_folder("dmlc", "3rdparty/dmlc-core/include"))
        for header in self.find_folder("nnvm", "3rdparty/tvm/nnvm/include").glob("*.h"):
            if header.name not in FAMILIES["nnvm"]:
                (include / "nnvm" / header.name).symlink_to(header)
        (include / "nnvm" / "c_api.h").symlink_to(PROJECT / "include" / "nnvm" / "c_api.h")
        return include

    def generated(self, library=None):
        """The include folder with the op.h that MXNet's generator makes from the library; made once."""
        library = library or self.library
        root = self.folder / f"generated-{library.name}"
        header = root / "include" / "mxnet-cpp" / "op.h"
        script = self.mxnet / "cpp-package" / "scripts" / "OpWrapperGenerator.py"
        if not header.exists():
            header.parent.mkdir(parents=True, exist_ok=True)
            (root / "scripts").mkdir(exist_ok=True)
            output = self.run(["python3", script, library], cwd=root / "scripts", library=library)
            if not header.exists() or "unknown type" in output:
                raise Failure(f"{script.name}: {last_line(output) or 'no op.h'}")
        return root / "include"

    # --- Programs ---

    def compile(self, source, name, includes=(), library=None, flags=(), links=True):
        """The program's path; a Failure with the compiler's first error."""
        library = library or self.library
        out = self.folder / (name if links else name + ".o")
        command = ["g++", "-std=c++11", "-O1", "-w", *flags, *(f"-I{folder}" for folder in (*includes, self.include)),
                   source, "-o", out]
        command += [library, f"-Wl,-rpath,{library.parent}", "-Wl,--allow-shlib-undefined", "-pthread"] if links else ["-c"]
        result = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=COMPILE_S,
                                check=False)
        if result.returncode != 0:
            errors = [line for line in result.stderr.splitlines() if "error" in line or "undefined reference" in line]
            raise Failure(f"{pathlib.Path(source).name} does not build: {(errors or [last_line(result.stderr)])[0]}")
        return out

    def run(self, command, cwd=None, library=None, environment=None, seconds=RUN_S):
        """What it printed, both streams; a Failure when its exit status is not 0."""
        library = library or self.library
        folders = [str(library.parent)] + ([str(self.build / "lib")] if library == self.library else [])
        variables = dict(os.environ, LD_LIBRARY_PATH=":".join(folders + [os.environ.get("LD_LIBRARY_PATH", "")]).rstrip(":"),
                         **(environment or {}))
        try:
            result = subprocess.run([str(part) for part in command], cwd=cwd, env=variables, stdout=subprocess.PIPE,
                                    stderr=subprocess.STDOUT, text=True, errors="replace", timeout=seconds, check=False)
        except subprocess.TimeoutExpired as late:
            raise Failure(f"{pathlib.Path(str(command[0])).name} is not done within {seconds} s") from late
        if result.returncode != 0:
            raise Failure(f"{pathlib.Path(str(command[0])).name}: exit status {result.returncode}: {last_line(result.stdout)}")
        return result.stdout

    # --- OpenCV, models, pictures ---

    def opencv(self):
        """Folders to include and flags for programs that read pictures with OpenCV: its own, or our stand-in."""
        found = subprocess.run(["pkg-config", "--cflags", "--libs", "opencv4"], capture_output=True, text=True, check=False) \
            if shutil.which("pkg-config") else None
        if found is not None and found.returncode == 0:
            return (), found.stdout.split()
        return (HERE,), ()

    def need(self, *names):
        """Paths of files of the test data."""
        paths = [self.data / name for name in names]
        for path in paths:
            if not path.exists():
                raise Skip(f"{path} is not there")
        return paths

    def photographs(self):
        """[(file, class that squeezenet gives it, class that mobilenetv2 gives it)]"""
        (table,) = self.need("photos/expected_top5.tsv")
        rows = [line.split("\t") for line in table.read_text().splitlines()]
        columns = [rows[0].index("squeezenet_v1.1"), rows[0].index("mobilenetv2")]
        return [(self.data / "photos" / row[0], *(int(row[column].split(":")[0]) for column in columns)) for row in rows[1:]]

    def picture(self, photograph, order, means=(0, 0, 0)):
        """The middle 224 x 224 of a photograph as a PPM file: channels in the order, less the means."""
        tool = self.folder / "picture"
        if not tool.exists():
            self.compile(HERE / "picture.cc", "picture")
        out = self.folder / f"{photograph.stem}-{order}-{'-'.join(map(str, means))}.ppm"
        if not out.exists():
            self.run([tool, photograph, out, order, *means])
        return out


def last_line(text):
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""
