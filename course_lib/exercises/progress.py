"""The learner's progress: a small file on this machine, and the copy of it that goes to a teacher."""

import getpass
import json
import os
import re
import time
from pathlib import Path

from ..runtime import atomic_path


def progress_file() -> Path:
    """COURSE_PROGRESS if it is set, else ~/.course_lib/progress.json."""
    return Path(os.environ.get("COURSE_PROGRESS") or "~/.course_lib/progress.json").expanduser()


def load_progress() -> dict[str, dict]:
    """Exercise id -> {"status", "attempts", "when"}. A damaged file is kept aside and a new one begun."""
    path = progress_file()
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(stored, dict) or not all(_valid(entry) for entry in stored.values()):
            raise ValueError("not a progress file")
        return stored
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except ValueError:  # broken JSON and broken UTF-8 are ValueErrors too
        aside = path.with_name(f"{path.stem}.damaged-{time.strftime('%Y%m%d-%H%M%S')}{path.suffix}")
        path.rename(aside)
        print(f"The progress file was damaged. It is kept as {aside}; a new one is begun.")
        return {}


def standing(stored: dict[str, dict], exercise_id: str) -> dict:
    """Where one stands with an exercise: its "status", "attempts" and "when", the last time, None before the first."""
    return {"status": "not attempted", "attempts": 0, "when": None, **stored.get(exercise_id, {})}


def user_name() -> str:
    """The name of the account, "learner" where the system knows none."""
    try:
        return getpass.getuser()
    except (ImportError, KeyError, OSError):
        return "learner"


def write_card(card: dict, path: Path | str) -> Path:
    """Write an export as JSON, whole or not at all, and return where.

    A folder as `path` gets a file course-progress-<name>.json; what file names can't hold becomes a hyphen.

    Raises:
        FileNotFoundError: the folder is not there.
        OSError: it can't be written to.
    """
    path = Path(path).expanduser()
    if path.is_dir():
        safe = re.sub(r"[^\w.]+", "-", card["name"])[:60].strip("-.") or "learner"
        path = path / f"course-progress-{safe}.json"
    if not path.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {path.parent}; make it, or give a path in another one")
    try:
        with atomic_path(path) as temporary:
            temporary.write_text(json.dumps(card, indent=1, ensure_ascii=False), encoding="utf-8")
    except OSError as error:
        why = error.strerror or error
        raise OSError(f"{path} was not written: {why}; give a path in a folder that can be written") from error
    return path.resolve()


def record(exercise_id: str, status: str) -> None:
    """Note an attempt. What was right once stays right. Without a writable place the course goes on all the same."""
    try:
        stored = load_progress()
        before = stored.get(exercise_id, {"status": status, "attempts": 0})
        stored[exercise_id] = {
            "status": "right" if before["status"] == "right" else status,
            "attempts": before["attempts"] + 1,
            "when": time.strftime("%Y-%m-%dT%H:%M:%S"),
        }
        with atomic_path(progress_file()) as temporary:
            temporary.write_text(json.dumps(stored, indent=1), encoding="utf-8")
    except OSError as error:
        print(f"(Progress is not kept: {error}. Set COURSE_PROGRESS to a file that can be written.)")


def _valid(entry) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("status"), str) and isinstance(entry.get("attempts"), int)
