"""Where the numbers of the benchmark scripts are stored."""

import json
from pathlib import Path

from course_lib.runtime import atomic_path

FOLDER = Path(__file__).parent / "results"


def save(name: str, result: dict) -> None:
    with atomic_path(FOLDER / f"{name}.json") as temporary:
        temporary.write_text(json.dumps(result, indent=1) + "\n")
