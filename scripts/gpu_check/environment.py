# SPDX-License-Identifier: Apache-2.0
"""What a machine has: the GPU, CUDA's libraries, Pythons; and the tree of programs to try."""
import glob
import os
import pathlib
import shutil
import subprocess
import sys

LIBRARIES = {"libcudnn.so.9": "CACHEDOP_CUDNN_DIR", "libcublasLt.so.13": "CACHEDOP_CUBLASLT_DIR", "libnvrtc.so.13": None}
TOOLKIT_FOLDERS = ("/usr/local/cuda/lib64", "/usr/local/cuda/lib", "/usr/local/cuda/targets/x86_64-linux/lib",
                   "/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/local/nvidia/lib64")


def find_pythons():
    """Pythons there are, the plain one first, each once."""
    found = []
    for name in ("python3", "/usr/bin/python3", sys.executable):
        path = shutil.which(name)
        if path and path not in found:
            found.append(path)
    return found


def python_with(*modules):
    """The first Python that has all the modules; None: none has."""
    code = "import " + ", ".join(modules)
    for python in find_pythons():
        if subprocess.run([python, "-c", code], capture_output=True, check=False, timeout=120).returncode == 0:
            return python
    return None


def package_folders():
    """Where Python packages bring NVIDIA's libraries: nvidia-cudnn-cu13 and its like."""
    code = "import site, sys; print('\\n'.join({*sys.path, *site.getsitepackages()}))"
    roots = set()
    for python in find_pythons():
        try:
            result = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False, timeout=60)
            roots.update(line for line in result.stdout.splitlines() if line)
        except (OSError, subprocess.TimeoutExpired):
            pass
    return sorted(folder for root in roots for folder in glob.glob(glob.escape(root) + "/nvidia/*/lib"))


def linker_folders():
    """Folders that ldconfig knows, by file name."""
    tool = shutil.which("ldconfig") or "/sbin/ldconfig"
    try:
        lines = subprocess.run([tool, "-p"], capture_output=True, text=True, check=False, timeout=60).stdout.splitlines()
    except (OSError, subprocess.TimeoutExpired):
        return {}
    pairs = (line.rsplit("=>", 1) for line in lines if "=>" in line)
    return {pathlib.Path(path.strip()).name: str(pathlib.Path(path.strip()).parent) for _, path in pairs}


def find_libraries(extra=()):
    """{file: folder} of CUDA's libraries: in folders named, as the loader finds them, of the toolkit, of packages."""
    known = linker_folders()
    toolkit = [os.environ["CUDA_HOME"] + "/lib64"] if "CUDA_HOME" in os.environ else []
    packages = None
    found = {}
    for file in LIBRARIES:
        folders = [*map(str, extra), *os.environ.get("LD_LIBRARY_PATH", "").split(":"), known.get(file, ""), *toolkit,
                   *TOOLKIT_FOLDERS]
        folder = next((folder for folder in folders if folder and os.path.exists(f"{folder}/{file}")), None)
        if folder is None:
            packages = package_folders() if packages is None else packages
            folder = next((folder for folder in packages if os.path.exists(f"{folder}/{file}")), None)
        if folder is not None:
            found[file] = os.path.abspath(folder)
    return found


def loader_environment(found, more=()):
    """Variables with which programs find the libraries, and those the libraries open by themselves."""
    variables = {LIBRARIES[file]: folder for file, folder in found.items() if LIBRARIES[file]}
    folders = [*map(str, more), *dict.fromkeys(found.values()),
               *(folder for folder in os.environ.get("LD_LIBRARY_PATH", "").split(":") if folder)]
    if folders:
        variables["LD_LIBRARY_PATH"] = ":".join(dict.fromkeys(folders))
    return variables


class Tree:
    """A build directory, or what scripts/gpu-pack made of one."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder).resolve()
        self.operators = self.folder / "test" / "conformance" / "device_operators"
        self.example = self.folder / "examples" / "multi_threaded_inference" / "multi_threaded_inference"
        self.module = self.folder / "lib" / "libcachedop-cuda.so"

    def bench(self, name):
        return self.folder / "bench" / f"bench_{name}"

    def missing(self):
        wanted = [self.operators, self.example, *map(self.bench, ("gpu", "gpu_layers", "gpu_peaks", "worker"))]
        return [str(path) for path in wanted if not path.exists()]

    def library_folders(self):
        """Libraries that came along with the programs; the loader finds those of the build by itself."""
        return [path for path in (self.folder / "needed",) if path.is_dir()]


def can_build():
    return all(shutil.which(tool) for tool in ("meson", "ninja", "pkg-config")) and \
        bool(shutil.which("nvcc") or os.path.exists("/usr/local/cuda/bin/nvcc"))
