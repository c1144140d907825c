"""Data sets: embedded digits and names, drawn faces, toy densities, verified downloads of MNIST, a text and others."""

import io
import tarfile
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from . import cards, faces, grammar, shapes, toy, vehicles, wordlists
from .batches import Batch, Batches, Images, of_each_class, vary
from .files import File, cache_folder, fetch_all, matches, read, result, shipped
from .wordlists import LISTS, TEXTS, text, words

__all__ = [
    "Batch",
    "Batches",
    "Images",
    "available",
    "cards",
    "faces",
    "grammar",
    "load",
    "names",
    "of_each_class",
    "resample_digits",
    "result",
    "shapes",
    "shipped",
    "text",
    "toy",
    "vary",
    "vehicles",
    "where",
    "words",
]

SPLITS = ("train", "test")
SHIPPED = ("digits", "census_names")  # come with the course
DIGITS_SHA256 = "sha256:085b2d52150330d7f2339f62d508d4b6fec597063656c64993fb1a0b164341d4"


class Source(NamedTuple):
    """A data set that is downloaded: the files of each split, where from, and how they are read."""

    files: dict[str, tuple[File, ...]]
    mirrors: tuple[str, ...]
    parse: Callable[[str, list[bytes]], Images]


def names() -> list[str]:
    """The names of all data: images, which `load` reads, lists of words, which `words` reads, and texts (`text`)."""
    return ["digits", *SOURCES, *LISTS, *TEXTS]


def available(name: str) -> bool:
    """Whether the function that reads it works without a network. Looks at this machine only, checksums included."""
    _check_name(name)
    folder = cache_folder() / name
    return name in SHIPPED or all(read(folder / file.name, file) is not None for file in _downloads(name))


def _downloads(name: str) -> set[File]:
    """The files that a data set which does not come with the course consists of."""
    if name in wordlists.DOWNLOADS:
        return {wordlists.DOWNLOADS[name][0]}
    return {file for group in SOURCES[name].files.values() for file in group}


def where(name: str) -> str:
    """Where a data set is, as text for the environment card."""
    _check_name(name)
    if name in SHIPPED:
        return "shipped with the course"
    reader = "words" if name in LISTS else "text" if name in TEXTS else "load"
    return str(cache_folder() / name) if available(name) else f"not here; {reader}({name!r}) downloads it"


def load(name: str, split: str = "train", native: bool = False) -> Images:
    """A data set as `Images(x, y)`: x uint8 (N, C, H, W), y int64 (N,).

    "digits" (UCI, 1,438 + 359 real handwritten digits) comes with the course, resampled from 8×8 to the 28×28 of
    MNIST; `native=True` gives the 8×8. "mnist" and "fashion_mnist" are (1, 28, 28), "cifar10" is (3, 32, 32).
    "olivetti" is 320 + 80 photographs of 40 people (AT&T Laboratories Cambridge; for research), y the person, averaged
    to 28×28; `native=True` gives the 64×64. All but the digits are downloaded once into the cache folder
    (COURSE_DATA, if set), verified, and found there from then on.

    Raises:
        ValueError: an unknown name or split, a list of words, a text, or `native` for a set of one size.
        ConnectionError: not in the cache and no mirror could be reached.
    """
    _check_name(name)
    if name in LISTS:
        raise ValueError(f"{name!r} is a list of words, not of images; words({name!r}) reads it")
    if name in TEXTS:
        raise ValueError(f"{name!r} is a text, not images; text({name!r}) reads it")
    if split not in SPLITS:
        raise ValueError(f"split is {split!r}; give 'train' or 'test'")
    if native and name not in RESAMPLED:
        raise ValueError(f"native=True is for {' and '.join(map(repr, RESAMPLED))}; {name!r} has one size")
    images = _load_digits(split) if name == "digits" else _load_download(name, split)
    return images if native or name not in RESAMPLED else Images(RESAMPLED[name](images.x), images.y)


def resample_digits(x: Tensor) -> Tensor:
    """(N, 1, 8, 8) -> (N, 1, 28, 28), uint8: a blank border of 2 (as MNIST has one), then bicubic from 12×12."""
    if x.shape[1:] != (1, 8, 8) or x.dtype != torch.uint8:
        raise ValueError(f"x is {tuple(x.shape)} {x.dtype}; give uint8 (N, 1, 8, 8)")
    framed = F.pad(x.float(), (2, 2, 2, 2))
    large = F.interpolate(framed, size=(28, 28), mode="bicubic", align_corners=False)
    return large.clamp(0, 255).round().to(torch.uint8)


def _average_faces(x: Tensor) -> Tensor:
    """(N, 1, 64, 64) -> (N, 1, 28, 28), uint8: each pixel the mean of the area that it covers."""
    share = torch.eye(64).repeat_interleave(7, 0).view(28, 16, 64).mean(1)  # 64·7 = 28·16
    return (share @ x.float() @ share.T).round().to(torch.uint8)


RESAMPLED = {"digits": resample_digits, "olivetti": _average_faces}  # sets that are not given in their native size


def _check_name(name: str) -> None:
    if name not in names():
        raise ValueError(f"there is no data set {name!r}; there are {', '.join(names())}")


def _load_digits(split: str) -> Images:
    path = shipped("digits.npz")
    try:
        with np.load(path, allow_pickle=False) as stored:
            x, y, is_test = stored["x"], stored["y"], stored["is_test"]
        intact = matches(x.tobytes() + y.tobytes() + is_test.tobytes(), DIGITS_SHA256)
    except Exception:  # np.load raises many kinds for a damaged file
        intact = False
    if not intact:
        raise ValueError("the embedded digits are damaged; install course_lib again or restore data/digits.npz")
    chosen = is_test if split == "test" else ~is_test
    levels = np.round(x[chosen] * (255 / 16)).astype(np.uint8)  # stored as 0..16
    return Images(torch.from_numpy(levels)[:, None], torch.from_numpy(y[chosen].astype(np.int64)))


def _load_download(name: str, split: str) -> Images:
    source = SOURCES[name]
    contents = fetch_all(name, source.files[split], source.mirrors, "load('digits')")
    return source.parse(split, contents)


def _parse_idx(split: str, contents: list[bytes]) -> Images:
    # IDX: a magic number whose last byte is the number of dimensions, the dimensions, the bytes.
    arrays = []
    for content in contents:
        ndim = content[3]
        shape = np.frombuffer(content, ">u4", ndim, offset=4).astype(int)
        arrays.append(torch.from_numpy(np.frombuffer(content, np.uint8, offset=4 + 4 * ndim).reshape(shape).copy()))
    return Images(arrays[0][:, None], arrays[1].long())


def _parse_cifar10(split: str, contents: list[bytes]) -> Images:
    # Records of one label byte and 3 × 32 × 32 pixels; `contents` is the tar file.
    with tarfile.open(fileobj=io.BytesIO(contents[0])) as tar:
        wanted = [f"data_batch_{i}.bin" for i in range(1, 6)] if split == "train" else ["test_batch.bin"]
        parts = [tar.extractfile(f"cifar-10-batches-bin/{name}").read() for name in wanted]
    records = torch.frombuffer(bytearray(b"".join(parts)), dtype=torch.uint8).view(-1, 1 + 3 * 32 * 32)
    return Images(records[:, 1:].reshape(-1, 3, 32, 32).clone(), records[:, 0].long())


def _parse_olivetti(split: str, contents: list[bytes]) -> Images:
    # Not through scikit-learn, whose copy of this file is a pickle. A column is a picture, itself column by column.
    from scipy.io import loadmat

    columns = loadmat(io.BytesIO(contents[0]), variable_names=["faces"])["faces"]
    x = torch.from_numpy(np.ascontiguousarray(columns.T, np.uint8)).view(-1, 1, 64, 64).mT.contiguous()
    place = torch.arange(len(x))  # ten pictures of each person in a row, of which the last two are for testing
    chosen = (place % 10 >= 8) == (split == "test")
    return Images(x[chosen], place[chosen] // 10)


def _idx_files(train_x: str, train_y: str, test_x: str, test_y: str, packed: bool = False):
    def pair(prefix, x, y):
        return (
            File(f"{prefix}-images-idx3-ubyte.gz", x, packed),
            File(f"{prefix}-labels-idx1-ubyte.gz", y, packed),
        )

    return {"train": pair("train", train_x, train_y), "test": pair("t10k", test_x, test_y)}


_CIFAR10 = File(
    "cifar-10-binary.tar.gz",
    "sha256:c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
    packed=True,
)
_OLIVETTI = File("olivettifaces.mat", "sha256:b612fb967f2dc77c9c62d3e1266e0c73d5fca46a4b8906c18e454d41af987794")

SOURCES = {
    "mnist": Source(
        _idx_files(
            "sha256:ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            "sha256:65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            "sha256:0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            "sha256:ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ),
        (
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
        ),
        _parse_idx,
    ),
    "fashion_mnist": Source(  # the authors publish MD5 sums of the packed files
        _idx_files(
            "md5:8d4fb7e6c68d591d4c3dfef9ec88bf0d",
            "md5:25c81989df183df01b3e8a0aad5dffbe",
            "md5:bef4ecab320f06d8554ea6380940ec79",
            "md5:bb300cfdad3c16e7a12a480ee83cd310",
            packed=True,
        ),
        (
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        ),
        _parse_idx,
    ),
    "cifar10": Source(  # the binary version: the other one is a pickle
        {"train": (_CIFAR10,), "test": (_CIFAR10,)},
        ("https://www.cs.toronto.edu/~kriz/", "https://cave.cs.toronto.edu/kriz/"),
        _parse_cifar10,
    ),
    "olivetti": Source(
        {"train": (_OLIVETTI,), "test": (_OLIVETTI,)},
        # The first address is complete without the file's name; after a question mark that is ignored.
        ("https://ndownloader.figshare.com/files/5976027?", "https://cs.nyu.edu/~roweis/data/"),
        _parse_olivetti,
    ),
}
