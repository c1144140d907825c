"""JupyterLab as a reader has it: a server on loopback behind a token, and a notebook in a real browser."""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.error import URLError
from urllib.request import Request, urlopen

import books
import nbformat

FOLDERS = (
    *("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"),
    *("JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR"),
)
START_S, OPEN_S, RUN_S = 60, 60, 480
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
VIEWPORT = {"width": 1280, "height": 1000}
READY = ".jp-StatusBar-TextItem:has-text('| Idle')"  # the notebook's own indicator says so before the kernel is there
# Each prompt that is not folded shows a number once all cells ran. An error stops the run.
ENDED = """() => document.querySelector('[data-mime-type="application/vnd.jupyter.error"]') ||
    [...document.querySelectorAll(".jp-CodeCell .jp-InputPrompt")].every(p => /^(\\[\\d+\\]:)?$/.test(p.textContent))"""


def chromium(playwright) -> str | None:
    """The browser to use: one that the system has, else the one that Playwright installed, else none."""
    found = next(filter(None, map(shutil.which, NAMES)), playwright.chromium.executable_path)
    return found if Path(found).exists() else None


class Lab(NamedTuple):
    """A JupyterLab that runs."""

    url: str
    token: str

    def page_of(self, path: Path) -> str:
        return f"{self.url}/lab/tree/{path.name}?token={self.token}&reset"

    def stop_kernels(self) -> None:
        for kernel in json.load(self._ask("GET", "kernels")):
            self._ask("DELETE", f"kernels/{kernel['id']}")

    def _ask(self, method: str, what: str):
        headers = {"Authorization": f"token {self.token}"}
        return urlopen(Request(f"{self.url}/api/{what}", headers=headers, method=method))


@contextmanager
def server(folder: Path, budget: str):
    """Serve copies of all notebooks, without outputs, at a budget. Yields the `Lab`."""
    for path in books.PATHS:
        _copy(path, folder / "notebooks")
    notices = folder / "jupyterlab_settings_dir/@jupyterlab/apputils-extension/notification.jupyterlab-settings"
    notices.parent.mkdir(parents=True)
    notices.write_text('{"fetchNews": "false", "checkForUpdates": false}')  # or a question covers the controls
    token, port = secrets.token_hex(16), _free_port()
    own = {name: str(folder / name.lower()) for name in FOLDERS}  # a reader's settings are neither used nor touched
    own |= {"COURSE_BUDGET": budget, "COURSE_PROGRESS": str(folder / "progress.json")}
    own |= {"COURSE_MODELS": str(folder / "models")}
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1", f"--port={port}"]
    command += [f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={folder / 'notebooks'}"]
    command += ["--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
    command += ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    log = folder / "jupyterlab.log"
    with log.open("w") as file:
        process = subprocess.Popen(command, env=os.environ | own, stdout=file, stderr=subprocess.STDOUT)
    try:
        _wait_for(f"http://127.0.0.1:{port}/api", process, log)
        yield Lab(f"http://127.0.0.1:{port}", token)
    finally:
        process.terminate()
        process.wait(30)


def run_all(page, address: str) -> None:
    """Open a notebook and run all of its cells."""
    page.goto(address)
    page.wait_for_selector(READY, timeout=OPEN_S * 1000)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.locator('[data-command="runmenu:run-all"]').click()
    page.wait_for_function(ENDED, timeout=RUN_S * 1000)


def errors(page) -> list[str]:
    """What the cells that raised say."""
    return page.locator('[data-mime-type="application/vnd.jupyter.error"]').all_inner_texts()


def _copy(path: Path, folder: Path) -> None:
    """A notebook without outputs, so that what is seen in the browser was made there."""
    folder.mkdir(exist_ok=True)
    book = books.read(path)
    for cell in books.code(book, without=()):
        cell.outputs, cell.execution_count = [], None
    nbformat.write(book, folder / path.name)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait_for(address: str, process: subprocess.Popen, log: Path) -> None:
    end = time.monotonic() + START_S
    while time.monotonic() < end and process.poll() is None:
        try:
            with urlopen(address):
                return
        except URLError:
            time.sleep(0.2)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text()[-2000:]}")
