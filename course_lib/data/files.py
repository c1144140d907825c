"""Files: where shipped data and downloads lie, and how a download becomes a file that can be trusted."""

import gzip
import hashlib
import json
import os
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ..runtime import atomic_path

TIMEOUT_S = (10, 30)  # to connect; between two pieces of the answer


class File(NamedTuple):
    """A file to download, and the checksum ("algorithm:hex") that its content must have.

    Of a .gz the decompressed content is checked, since mirrors compress anew; where the publisher gives a checksum
    of the packed file alone, `packed=True` checks that.
    """

    name: str
    checksum: str
    packed: bool = False


def shipped(name: str) -> Path:
    """The path of a file that comes with the course: in the wheel, or in the clone's data/ or benchmarks/ folder.

    Raises:
        FileNotFoundError: neither place has it.
    """
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "_data", package.parent / "data", package.parent / "benchmarks"):
        if (folder / name).is_file():
            return folder / name
    raise FileNotFoundError(f"{name} should come with course_lib and is missing; install the package again")


def result(name: str) -> dict:
    """What a script in benchmarks/ measured and stored, such as "vae_mnist"."""
    return json.loads(shipped(f"results/{name}.json").read_text(encoding="utf-8"))


def cache_folder() -> Path:
    """Where downloads are kept: COURSE_DATA if it is set, else the user's cache folder."""
    import pooch

    return Path(os.environ.get("COURSE_DATA") or pooch.os_cache("course_lib")).expanduser()


def read(path: Path, file: File) -> bytes | None:
    """The decompressed content of a cached file; None where it is missing, truncated or not what was published."""
    try:
        raw = path.read_bytes()
        content = gzip.decompress(raw) if path.suffix == ".gz" and not file.packed else raw
        if not matches(content, file.checksum):
            return None
        return gzip.decompress(raw) if path.suffix == ".gz" and file.packed else content
    except (FileNotFoundError, EOFError, gzip.BadGzipFile, zlib.error):
        return None


def matches(content: bytes, checksum: str) -> bool:
    algorithm, _, expected = checksum.partition(":")
    return hashlib.new(algorithm, content, usedforsecurity=False).hexdigest() == expected


def fetch(file: File, folder: Path, mirrors: Sequence[str]) -> bytes:
    """The verified content of `file`, from `folder` or from the first mirror that serves it right.

    A cached file that fails its checksum is replaced. A download appears in `folder` only when complete and verified.

    Raises:
        ConnectionError: no mirror gave the right file; the message says what each one did.
        PermissionError: the folder cannot be written.
    """
    path = folder / file.name
    if (content := read(path, file)) is not None:
        return content
    failures = []
    for mirror in mirrors:
        try:
            return _download(mirror + file.name, path, file)
        except (OSError, ValueError) as error:  # requests' errors are OSErrors
            if isinstance(error, PermissionError):
                raise
            failures.append(f"{mirror}: {type(error).__name__}: {str(error)[:160]}")
    raise ConnectionError(f"{file.name} could not be downloaded.\n  " + "\n  ".join(failures))


def fetch_all(name: str, files: Sequence[File], mirrors: Sequence[str], instead: str) -> list[bytes]:
    """The verified contents of the files of a data set; `instead` is the call that works without a network.

    Raises:
        ConnectionError: as `fetch`, and says what to do without a network.
    """
    folder = cache_folder() / name
    try:
        return [fetch(file, folder, mirrors) for file in files]
    except ConnectionError as error:
        raise ConnectionError(
            f"{error}\n{name!r} needs a network once. Without one: {instead} works offline, or put the files into "
            f"{folder} (COURSE_DATA names another folder)."
        ) from None


def _download(url: str, path: Path, file: File) -> bytes:
    import pooch

    with atomic_path(path) as temporary:
        pooch.HTTPDownloader(progressbar=True, timeout=TIMEOUT_S)(url, str(temporary), None)
        if (content := read(temporary, file)) is None:
            raise ValueError("the file is not the published one (checksum differs)")
    return content
