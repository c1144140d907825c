"""Make .venv and install the course into it. Says in one line what is wrong when it cannot.

Run by the Makefile with whatever Python is at hand, so the syntax up to the version check is old on purpose.
"""

import os
import shutil
import subprocess
import sys

OLDEST = (3, 11)
NEEDED_GB = 4
VENV = ".venv"


def stop(message):
    sys.exit("set-up stopped: " + message)


def free_gb():
    return shutil.disk_usage(".").free / 1e9


def check_machine():
    if sys.version_info < OLDEST:
        stop(
            "Python %d.%d or newer is needed, this is %d.%d; name a newer one with PYTHON=/path/to/python3"
            % (OLDEST + sys.version_info[:2])
        )
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        stop("this Python has no 'venv'; install it (Debian, Ubuntu: apt install python3-venv) and try again")
    if not os.path.exists(VENV) and free_gb() < NEEDED_GB:
        stop("%d GB of free disk are needed, %.1f GB are left here; free some and try again" % (NEEDED_GB, free_gb()))


def run(what, command):
    if subprocess.run(command).returncode:
        if free_gb() < 0.2:
            stop("the disk is full; free %d GB, remove %s and try again" % (NEEDED_GB, VENV))
        stop("%s failed; its messages are above (is there a network?)" % what)


def main():
    check_machine()
    folder = os.path.join(VENV, "Scripts" if os.name == "nt" else "bin")
    python = os.path.join(folder, "python")
    sys.stdout.write("Setting up %s (about a minute, longer where torch has to be downloaded)\n" % VENV)
    sys.stdout.flush()
    run("making the virtual environment", [sys.executable, "-m", "venv", VENV])
    install = [python, "-m", "pip", "install", "--disable-pip-version-check"]
    run("installing the packages", install + ["-c", "constraints.txt", "-e", ".[lab,test]"])
    open(os.path.join(VENV, ".ready"), "w").close()


if __name__ == "__main__":
    main()
