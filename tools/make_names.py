"""Make data/census_names.txt from the two files of the US Census 1990 (its card names the source).

python tools/make_names.py dist.male.first dist.female.first
"""

import sys
from pathlib import Path

from course_lib.runtime import atomic_path

TARGET = Path(__file__).resolve().parents[1] / "data" / "census_names.txt"


def main(paths: list[str]) -> None:
    # A line is: NAME, percentage, cumulative percentage, rank.
    names = {line.split()[0].lower() for path in paths for line in Path(path).read_text().splitlines()}
    with atomic_path(TARGET) as temporary:
        temporary.write_text("".join(f"{name}\n" for name in sorted(names)), newline="\n")


if __name__ == "__main__":
    main(sys.argv[1:])
