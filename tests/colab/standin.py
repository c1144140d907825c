"""A stand-in for Colab: an environment with its versions, and with nothing of this checkout."""

import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PINS = HERE / "pins.txt"
CACHE = ROOT / "build" / "colab"


class Colab:
    """An environment `env` in a folder that is its home, too."""

    def __init__(self, folder):
        self.site = folder / "env"
        self.python = self.site / "bin" / "python"
        self.variables = {
            "HOME": str(folder),
            "PATH": f"{self.python.parent}:/usr/bin:/bin",
            "COURSE_BUDGET": "smoke",
            "OMP_NUM_THREADS": "1",
            "PYDEVD_DISABLE_FILE_VALIDATION": "1",  # or each kernel warns of its debugger
        }

    def run(self, *arguments, cwd=HERE):
        """Run this environment's Python, without the variables of whoever runs the tests."""
        command = [self.python, *arguments]
        return subprocess.run(command, cwd=cwd, env=self.variables, capture_output=True, text=True, timeout=300)

    def go_offline(self):
        """From here on, no network."""
        self.variables["PYTHONPATH"] = str(ROOT / "tests" / "offline")  # this folder has no other module

    def freeze(self):
        """The installed packages, as pip lists them."""
        return set(self.run("-m", "pip", "freeze").stdout.splitlines())

    def execute(self, path):
        """The notebook with the outputs that it gets here, in its folder; it is not written."""
        done = self.run(HERE / "execute.py", path.name, cwd=path.parent)
        assert done.returncode == 0, done.stderr
        return nbformat.reads(done.stdout, as_version=4)


def online(*command):
    """Run a command with the network, which tests may have forbidden to the Pythons that they start."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run(command, env=environment, check=True)


def pinned_environment():
    """A whole environment of these pins; made where there is none (about a minute), and kept."""
    key = hashlib.sha256(PINS.read_bytes() + sys.version.encode()).hexdigest()[:12]
    if not (CACHE / key).exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:
            online(sys.executable, "-m", "venv", f"{folder}/env")
            online(f"{folder}/env/bin/python", "-m", "pip", "install", "-q", "-r", PINS)
            os.rename(f"{folder}/env", CACHE / key)
    return CACHE / key


def build_wheel(folder):
    """The package, built from this checkout."""
    online(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder, ROOT)
    (path,) = folder.glob("*.whl")
    return path
