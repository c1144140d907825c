"""Data: the embedded digits, downloads from a real (local, misbehaving) server, and batches."""

import gzip
import hashlib
import io
import json
import math
import re
import subprocess
import sys
import tarfile
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.io import savemat
from sklearn.datasets import load_digits
from sklearn.datasets._olivetti_faces import FACES

from course_lib import data
from course_lib.data import Batches, Images, files, load, vary, wordlists
from course_lib.data.files import File

# The embedded digits


@pytest.mark.parametrize("split, n", [("train", 1438), ("test", 359)])
@pytest.mark.parametrize("native, side", [(False, 28), (True, 8)])
def test_digits_have_the_documented_form(split, n, native, side):
    x, y = data.load("digits", split, native=native)
    assert x.shape == (n, 1, side, side) and x.dtype == torch.uint8
    assert y.shape == (n,) and y.dtype == torch.int64
    assert set(y.tolist()) == set(range(10))
    assert x.min() == 0 and x.max() == 255


def test_the_two_splits_are_a_partition_of_scikit_learns_digits():
    bunch = load_digits()
    levels = np.round(bunch.images * 255 / 16).astype(np.uint8)
    expected = Counter((image.tobytes(), label) for image, label in zip(levels, bunch.target.tolist(), strict=True))
    found = Counter()
    for split in ("train", "test"):
        x, y = data.load("digits", split, native=True)
        found.update((image.numpy().tobytes(), label) for image, label in zip(x, y.tolist(), strict=True))
    assert found == expected


def test_train_is_the_default_split_and_large_digits_are_resampled_native_ones():
    large, native = data.load("digits"), data.load("digits", "train", native=True)
    assert torch.equal(large.x, data.resample_digits(native.x)) and torch.equal(large.y, native.y)


def test_digits_are_always_available():
    assert data.available("digits")
    assert data.where("digits") == "shipped with the course"


def bicubic_weights(n_in, n_out, a=-0.75):
    """Keys' cubic convolution with half-pixel centres: the matrix of one axis, (n_out, n_in)."""
    weights = np.zeros((n_out, n_in))
    for i in range(n_out):
        centre = (i + 0.5) * n_in / n_out - 0.5
        for j in range(int(np.floor(centre)) - 1, int(np.floor(centre)) + 3):
            d = abs(centre - j)
            inner, outer = (a + 2) * d**3 - (a + 3) * d**2 + 1, a * (d**3 - 5 * d**2 + 8 * d - 4)
            weights[i, np.clip(j, 0, n_in - 1)] += inner if d <= 1 else outer
    return weights


def test_resampling_is_the_documented_filter():
    x = data.load("digits", "test", native=True).x
    framed = np.pad(x[:, 0].numpy().astype(float), ((0, 0), (2, 2), (2, 2)))
    weights = bicubic_weights(12, 28)
    expected = (weights @ framed @ weights.T).clip(0, 255)
    error = np.abs(data.resample_digits(x)[:, 0].numpy() - expected)
    assert error.max() <= 0.5 + 1e-3  # rounding to whole levels, of float32 values


def test_resampling_is_deterministic_and_treats_images_apart():
    x = data.load("digits", native=True).x[:32]
    assert torch.equal(data.resample_digits(x), data.resample_digits(x))
    assert torch.equal(data.resample_digits(x)[5:6], data.resample_digits(x[5:6]))


@pytest.mark.parametrize("level", [0, 1, 100, 255])
def test_constant_images_keep_their_level_inside_and_get_a_blank_border(level):
    large = data.resample_digits(torch.full((1, 1, 8, 8), level, dtype=torch.uint8))[0, 0]
    assert (large[9:19, 9:19] == level).all()
    for border in (large[:2], large[-2:], large[:, :2], large[:, -2:]):
        assert (border == 0).all()
    assert torch.equal(large, large.T) and torch.equal(large, large.flip(0))


@pytest.mark.parametrize(
    "x",
    [
        torch.zeros(3, 1, 8, 8),
        torch.zeros(3, 8, 8, dtype=torch.uint8),
        torch.zeros(3, 1, 28, 28, dtype=torch.uint8),
        torch.zeros(3, 3, 8, 8, dtype=torch.uint8),
    ],
    ids=["floats", "no channel", "already large", "colour"],
)
def test_resampling_refuses_other_input(x):
    with pytest.raises(ValueError, match=r"give uint8 \(N, 1, 8, 8\)"):
        data.resample_digits(x)


def one_pixel_differs(path):
    with np.load(data.shipped("digits.npz")) as stored:
        arrays = {key: stored[key].copy() for key in stored.files}
    arrays["x"][3, 4, 4] ^= 1
    np.savez_compressed(path, **arrays)


def one_label_differs(path):
    with np.load(data.shipped("digits.npz")) as stored:
        arrays = {key: stored[key].copy() for key in stored.files}
    arrays["y"][0] = 9 - arrays["y"][0]
    np.savez_compressed(path, **arrays)


def one_byte_differs(path):
    content = bytearray(data.shipped("digits.npz").read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def truncated(path):
    path.write_bytes(data.shipped("digits.npz").read_bytes()[:-1000])


def empty(path):
    path.write_bytes(b"")


@pytest.mark.parametrize("damage", [one_pixel_differs, one_label_differs, one_byte_differs, truncated, empty])
def test_damaged_digits_are_refused(damage, tmp_path, monkeypatch):
    copy = tmp_path / "digits.npz"
    damage(copy)
    monkeypatch.setattr(data, "shipped", lambda name: copy)
    with pytest.raises(ValueError, match="embedded digits are damaged; install course_lib again"):
        data.load("digits")


def test_a_shipped_file_that_is_missing_is_named():
    with pytest.raises(FileNotFoundError, match=r"nothing\.npz should come with course_lib"):
        data.shipped("nothing.npz")


def test_images_take_and_batch():
    images = data.load("digits", "test", native=True)
    few = images.take(7)
    assert isinstance(few, Images) and torch.equal(few.x, images.x[:7]) and torch.equal(few.y, images.y[:7])
    batch = few.batch()
    assert batch.x.dtype == torch.float32 and torch.equal(batch.x, few.x.float() / 255)
    assert batch.y.dtype == torch.int64 and torch.equal(batch.y, few.y)
    for n in (0, -1, 360):
        with pytest.raises(ValueError, match=f"n is {n}; this set has 359 images"):
            images.take(n)


def test_shuffled_images_are_the_same_pairs_in_another_order_that_the_seed_decides():
    x = torch.arange(200).to(torch.uint8).view(-1, 1, 1, 1)
    images = Images(x, x.flatten().long() * 3)
    found = images.shuffled(4)
    assert not torch.equal(found.x, x) and torch.equal(found.x.sort(0).values, x)
    assert torch.equal(found.y, found.x.flatten().long() * 3)
    assert torch.equal(found.x, images.shuffled(4).x) and not torch.equal(found.x, images.shuffled().x)


def test_places_of_each_class_are_as_many_of_each_and_keep_their_labels():
    y = torch.randint(10, (500,), generator=torch.Generator().manual_seed(0))
    index = data.of_each_class(y, 5, seed=3)
    assert y[index].bincount(minlength=10).tolist() == [5] * 10
    assert y[index].tolist() == sorted(y[index].tolist())
    assert len(index.unique()) == 50
    assert not torch.equal(index, data.of_each_class(y, 5))
    seen = torch.cat([data.of_each_class(y, 5, seed) for seed in range(300)])
    assert len(seen.unique()) == 500  # every sample comes up


@pytest.mark.parametrize("n", [0, 4])
def test_more_of_a_class_than_there_are_is_refused(n):
    with pytest.raises(ValueError, match=rf"n is {n}; the classes have \[3, 5\] samples"):
        data.of_each_class(torch.tensor([0, 0, 0, 7, 7, 7, 7, 7]), n)


# Names


def test_names_of_the_real_data_sets():
    images, words = ["digits", "mnist", "fashion_mnist", "cifar10", "olivetti"], ["census_names", "names"]
    assert data.names() == [*images, *words, "shakespeare"]


@pytest.mark.parametrize("function", [data.load, data.available, data.where])
@pytest.mark.parametrize("name", ["nmist", "", "MNIST", None, 3])
def test_an_unknown_name_is_refused_with_the_known_ones(function, name):
    with pytest.raises(ValueError, match="there are digits, mnist, fashion_mnist, cifar10"):
        function(name)


@pytest.mark.parametrize("name", ["digits", "mnist"])
@pytest.mark.parametrize("split", ["valid", "", None, "Train"])
def test_an_unknown_split_is_refused(name, split):
    with pytest.raises(ValueError, match="give 'train' or 'test'"):
        data.load(name, split)


@pytest.mark.parametrize("name", ["names", "census_names"])
def test_load_of_a_list_of_words_says_how_to_read_it(name):
    with pytest.raises(ValueError, match=f"list of words, not of images; words\\('{name}'\\) reads it"):
        data.load(name)


def test_load_of_a_text_says_how_to_read_it():
    with pytest.raises(ValueError, match=r"is a text, not images; text\('shakespeare'\) reads it"):
        data.load("shakespeare")


def test_native_is_for_the_sets_that_are_resampled():
    with pytest.raises(ValueError, match="native=True is for 'digits' and 'olivetti'; 'mnist' has one size"):
        data.load("mnist", native=True)


def test_the_cache_folder_is_course_data_or_the_users(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("COURSE_DATA", "~/sets")
    assert files.cache_folder() == tmp_path / "sets"
    monkeypatch.setenv("COURSE_DATA", "")
    assert files.cache_folder().name == "course_lib"


# Downloads: a server that answers /<behaviour>/<file>

REAL_SOURCES = data.SOURCES


def reply(handler, body, length=None):
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(body) if length is None else length))
    handler.end_headers()
    handler.wfile.write(body)


def right(handler, body):
    reply(handler, body)


def cut_off(handler, body):
    reply(handler, body[: len(body) // 2], len(body))


def short(handler, body):
    reply(handler, body[: len(body) // 2])


def wrong(handler, body):
    reply(handler, gzip.compress(b"something else"))


def page(handler, body):
    reply(handler, b"<html>Sign in to this network</html>")


def stalled(handler, body):
    reply(handler, body[: len(body) // 2], len(body))
    handler.server.finish.wait(60)


def missing(handler, body):
    handler.send_error(404)


def recompressed(handler, body):
    other = gzip.compress(gzip.decompress(body), compresslevel=1, mtime=123)
    assert other != body
    reply(handler, other)


def together(handler, body):
    handler.server.pair.wait(30)
    reply(handler, body)


GOOD = (right, recompressed, together)
BAD = (cut_off, short, wrong, page, stalled, missing)
BEHAVIOURS = {behaviour.__name__: behaviour for behaviour in GOOD + BAD}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(self.path)
        _, behaviour, name = self.path.split("/")
        BEHAVIOURS[behaviour](self, self.server.files[name.split("?")[-1]])

    def log_message(self, *args):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    httpd.url = f"http://127.0.0.1:{httpd.server_port}"
    httpd.files, httpd.asked = {}, []
    httpd.finish, httpd.pair = threading.Event(), threading.Barrier(2)
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield httpd
    httpd.finish.set()
    httpd.shutdown()
    thread.join()
    httpd.server_close()


def idx(array):
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.tobytes()


def tiny_arrays():
    rng = np.random.default_rng(0)
    return {
        "train-x.gz": rng.integers(0, 256, (7, 5, 4), np.uint8),
        "train-y.gz": rng.integers(0, 10, 7, np.uint8),
        "test-x.gz": rng.integers(0, 256, (3, 5, 4), np.uint8),
        "test-y.gz": rng.integers(0, 10, 3, np.uint8),
    }


TINY = tiny_arrays()
TRAIN_FILES = ["train-x.gz", "train-y.gz"]


def tiny_file(name, packed):
    content = idx(TINY[name])
    if packed:
        return File(name, "md5:" + hashlib.md5(gzip.compress(content, mtime=0)).hexdigest(), packed=True)
    return File(name, "sha256:" + hashlib.sha256(content).hexdigest())


def tiny_source(mirrors, packed):
    split = {s: (tiny_file(f"{s}-x.gz", packed), tiny_file(f"{s}-y.gz", packed)) for s in ("train", "test")}
    return data.Source(split, mirrors, data.SOURCES["mnist"].parse)


@pytest.fixture
def mirrors(server, tmp_path, monkeypatch):
    """Makes "tiny" the one data set beside the digits, served by mirrors that behave as named."""
    server.files.update({name: gzip.compress(idx(array), mtime=0) for name, array in TINY.items()})
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    monkeypatch.setattr(files, "TIMEOUT_S", (5, 0.3))

    def use(*behaviours, packed=False):
        urls = tuple(f"{server.url}/{behaviour.__name__}/" for behaviour in behaviours)
        monkeypatch.setattr(data, "SOURCES", REAL_SOURCES | {"tiny": tiny_source(urls, packed)})

    return use


def files_in(folder):
    return sorted(path.name for path in Path(folder).rglob("*") if path.is_file())


def assert_is_tiny(images, split):
    assert torch.equal(images.x, torch.from_numpy(TINY[f"{split}-x.gz"])[:, None])
    assert torch.equal(images.y, torch.from_numpy(TINY[f"{split}-y.gz"]).long())
    assert images.x.dtype == torch.uint8 and images.y.dtype == torch.int64


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_download_is_parsed_and_cached_under_its_name(mirrors, server, tmp_path, split):
    mirrors(right)
    assert_is_tiny(data.load("tiny", split), split)
    assert files_in(tmp_path) == [f"{split}-x.gz", f"{split}-y.gz"]
    for name in files_in(tmp_path):
        assert (tmp_path / "tiny" / name).read_bytes() == server.files[name]


def test_a_second_load_makes_no_request(mirrors, server):
    mirrors(right)
    data.load("tiny")
    assert server.asked == ["/right/train-x.gz", "/right/train-y.gz"]
    assert_is_tiny(data.load("tiny"), "train")
    assert len(server.asked) == 2


@pytest.mark.parametrize("packed", [False, True], ids=["sha256 of the content", "md5 of the packed file"])
@pytest.mark.parametrize("first", BAD)
def test_the_next_mirror_is_asked_when_one_is_bad(mirrors, server, tmp_path, first, packed):
    mirrors(first, right, packed=packed)
    started = time.monotonic()
    assert_is_tiny(data.load("tiny"), "train")
    assert time.monotonic() - started < 15  # a stalled answer is given up by TIMEOUT_S, not by somebody's default
    bad = first.__name__
    assert server.asked == [f"/{who}/{name}" for name in TRAIN_FILES for who in (bad, "right")]
    assert files_in(tmp_path) == TRAIN_FILES


@pytest.mark.parametrize("only", BAD)
def test_nothing_is_cached_when_every_mirror_is_bad(mirrors, tmp_path, only):
    mirrors(only)
    with pytest.raises(ConnectionError, match=r"train-x\.gz could not be downloaded") as caught:
        data.load("tiny")
    assert f"/{only.__name__}/: " in str(caught.value)
    assert files_in(tmp_path) == []
    assert not data.available("tiny")


def test_without_any_server_the_error_says_what_works_offline(mirrors, server, tmp_path, monkeypatch):
    gone = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    gone.server_close()
    address = f"http://127.0.0.1:{gone.server_port}/"
    monkeypatch.setattr(data, "SOURCES", {"tiny": tiny_source((address,), packed=False)})
    with pytest.raises(ConnectionError) as caught:
        data.load("tiny")
    for part in ("load('digits')", str(tmp_path / "tiny"), "COURSE_DATA", address):
        assert part in str(caught.value)
    assert files_in(tmp_path) == []


DAMAGES = {
    "empty": lambda content: b"",
    "truncated": lambda content: content[: len(content) // 2],
    "without its last byte": lambda content: content[:-1],
    "one byte differs": lambda content: content[:20] + bytes([content[20] ^ 1]) + content[21:],
    "longer": lambda content: content + b"more",
    "not gzip": lambda content: b"<html></html>",
    "other content": lambda content: gzip.compress(b"something else"),
}


@pytest.mark.parametrize("packed", [False, True], ids=["sha256 of the content", "md5 of the packed file"])
@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_cache_entry_is_noticed_and_replaced(mirrors, server, tmp_path, damage, packed):
    mirrors(right, packed=packed)
    data.load("tiny"), data.load("tiny", "test")
    entry = tmp_path / "tiny" / "test-x.gz"
    entry.write_bytes(damage(entry.read_bytes()))
    server.asked.clear()
    assert not data.available("tiny")
    assert_is_tiny(data.load("tiny", "test"), "test")
    assert server.asked == ["/right/test-x.gz"]
    assert entry.read_bytes() == server.files["test-x.gz"] and data.available("tiny")
    assert files_in(tmp_path) == sorted(TINY)


def test_available_needs_every_file_and_never_asks_a_server(mirrors, server, tmp_path):
    mirrors(right)
    assert not data.available("tiny") and data.where("tiny") == "not here; load('tiny') downloads it"
    data.load("tiny")
    assert not data.available("tiny")
    data.load("tiny", "test")
    server.asked.clear()
    assert data.available("tiny") and data.where("tiny") == str(tmp_path / "tiny")
    (tmp_path / "tiny" / "train-y.gz").unlink()
    assert not data.available("tiny")
    assert server.asked == []


def test_content_that_was_compressed_anew_is_accepted(mirrors, server, tmp_path):
    mirrors(recompressed)
    assert_is_tiny(data.load("tiny"), "train")
    assert_is_tiny(data.load("tiny"), "train")
    assert len(server.asked) == 2


def test_where_the_packed_file_is_verified_only_its_own_bytes_are_accepted(mirrors):
    mirrors(recompressed, packed=True)
    with pytest.raises(ConnectionError, match="checksum differs"):
        data.load("tiny")


def test_a_progress_bar_is_shown_while_downloading(mirrors, capsys):
    mirrors(right)
    data.load("tiny")
    captured = capsys.readouterr()
    assert "100%" in captured.out + captured.err
    data.load("tiny")
    captured = capsys.readouterr()
    assert captured.out + captured.err == ""


def test_a_read_only_cache_with_good_files_serves_and_is_not_written(mirrors, tmp_path):
    mirrors(right)
    data.load("tiny"), data.load("tiny", "test")
    folder = tmp_path / "tiny"
    folder.chmod(0o555)
    before = {path: path.stat().st_mtime_ns for path in (folder, *folder.iterdir())}
    mirrors(missing)
    assert data.available("tiny")
    assert_is_tiny(data.load("tiny"), "train")
    assert {path: path.stat().st_mtime_ns for path in (folder, *folder.iterdir())} == before
    folder.chmod(0o755)


FETCH = """
import sys
from pathlib import Path
from course_lib.data.files import File, fetch
name, checksum, folder, mirror = sys.argv[1:]
print(len(fetch(File(name, checksum), Path(folder), [mirror])))
"""


def test_two_processes_that_download_at_once_both_get_the_file(server, tmp_path):
    content = np.random.default_rng(0).bytes(3_000_000)
    server.files["large.bin"] = content
    checksum = "sha256:" + hashlib.sha256(content).hexdigest()
    command = [sys.executable, "-c", FETCH, "large.bin", checksum, str(tmp_path), f"{server.url}/together/"]
    pair = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) for _ in range(2)]
    assert [process.communicate(timeout=60)[0].strip() for process in pair] == [b"3000000"] * 2
    assert len(server.asked) == 2
    assert files_in(tmp_path) == ["large.bin"] and (tmp_path / "large.bin").read_bytes() == content


def cifar_archive(records):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        for name, part in records.items():
            info = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            info.size = part.size
            tar.addfile(info, io.BytesIO(part.tobytes()))
    return stream.getvalue()


def test_the_cifar_archive_is_verified_and_parsed(server, tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    parts = [f"data_batch_{i}.bin" for i in range(1, 6)]
    records = {name: rng.integers(0, 256, (2, 3073), np.uint8) for name in (*parts, "test_batch.bin")}
    archive = cifar_archive(records)
    file = File("tiny.tar.gz", "sha256:" + hashlib.sha256(archive).hexdigest(), packed=True)
    parse = data.SOURCES["cifar10"].parse
    source = data.Source({"train": (file,), "test": (file,)}, (f"{server.url}/right/",), parse)
    monkeypatch.setattr(data, "SOURCES", {"tiny": source})
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    server.files["tiny.tar.gz"] = archive
    for split, names in (("train", parts), ("test", ["test_batch.bin"])):
        expected = np.concatenate([records[name] for name in names])
        x, y = data.load("tiny", split)
        assert x.shape == (2 * len(names), 3, 32, 32) and x.dtype == torch.uint8 and y.dtype == torch.int64
        assert np.array_equal(y.numpy(), expected[:, 0])
        assert np.array_equal(x[:, 2, 31, 30].numpy(), expected[:, 1 + 2 * 1024 + 31 * 32 + 30])
        assert np.array_equal(x.flatten(1).numpy(), expected[:, 1:])
    assert len(server.asked) == 1


@pytest.fixture
def olivetti(server, tmp_path, monkeypatch):
    """Two people's random pictures, (20, 64, 64), in the form of the published file, at mirrors as named."""
    pictures = np.random.default_rng(0).integers(0, 256, (20, 64, 64), np.uint8)
    stream = io.BytesIO()
    savemat(stream, {"faces": pictures.transpose(0, 2, 1).reshape(20, 4096).T, "p": np.zeros((3, 3))})
    content = server.files["olivettifaces.mat"] = stream.getvalue()
    file = File("olivettifaces.mat", "sha256:" + hashlib.sha256(content).hexdigest())
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))

    def use(*addresses):
        urls = tuple(f"{server.url}/{address}" for address in addresses)
        source = data.Source({"train": (file,), "test": (file,)}, urls, REAL_SOURCES["olivetti"].parse)
        monkeypatch.setattr(data, "SOURCES", REAL_SOURCES | {"olivetti": source})
        return torch.from_numpy(pictures)

    return use


def test_olivetti_faces_stand_upright_and_each_persons_last_two_are_the_test_set(olivetti, server):
    pictures = olivetti("right/")
    train, test = (data.load("olivetti", split, native=True) for split in ("train", "test"))
    assert torch.equal(test.x[:, 0], pictures[[8, 9, 18, 19]]) and test.y.tolist() == [0, 0, 1, 1]
    assert torch.equal(train.x[:, 0], pictures[[*range(8), *range(10, 18)]]) and train.y.tolist() == [0] * 8 + [1] * 8
    assert train.x.dtype == torch.uint8 and train.y.dtype == torch.int64 and train.x.shape == (16, 1, 64, 64)
    assert len(server.asked) == 1


def test_olivetti_faces_are_averaged_over_areas(olivetti):
    pictures = olivetti("right/")
    x, y = data.load("olivetti", "test")
    assert x.shape == (4, 1, 28, 28) and x.dtype == torch.uint8 and y.tolist() == [0, 0, 1, 1]
    finer = pictures[[8, 9, 18, 19]].double().repeat_interleave(7, 1).repeat_interleave(7, 2)
    expected = torch.nn.functional.avg_pool2d(finer, 16)
    assert (x[:, 0] - expected).abs().max() <= 0.5 + 1e-3  # rounding to whole levels


def test_the_file_name_can_follow_a_complete_address(olivetti, server, tmp_path):
    olivetti("wrong/", "right/5976027?")
    assert not data.available("olivetti") and data.where("olivetti") == "not here; load('olivetti') downloads it"
    assert len(data.load("olivetti").x) == 16
    assert server.asked == ["/wrong/olivettifaces.mat", "/right/5976027?olivettifaces.mat"]
    assert data.available("olivetti") and data.where("olivetti") == str(tmp_path / "olivetti")
    assert files_in(tmp_path) == ["olivettifaces.mat"]


def test_other_olivetti_faces_than_the_published_are_refused(olivetti, tmp_path):
    olivetti("wrong/", "short/")
    with pytest.raises(ConnectionError, match=r"checksum differs(.|\n)*load\('digits'\) works offline"):
        data.load("olivetti")
    assert files_in(tmp_path) == []


def test_olivettis_real_addresses_are_those_of_the_published_file():
    (file,), mirrors = REAL_SOURCES["olivetti"].files["test"], REAL_SOURCES["olivetti"].mirrors
    first, second = (urlsplit(mirror + file.name) for mirror in mirrors)
    assert f"{first.scheme}://{first.netloc}{first.path}" == FACES.url and file.checksum == f"sha256:{FACES.checksum}"
    assert second.path.endswith("/data/olivettifaces.mat")


COUNTS = {
    "train": [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949],
    "test": [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009],
}


@pytest.mark.parametrize("split, n", [("train", 60_000), ("test", 10_000)])
def test_real_mnist(split, n):
    if not data.available("mnist"):
        pytest.skip("MNIST is not in the cache folder (COURSE_DATA)")
    x, y = data.load("mnist", split)
    assert x.shape == (n, 1, 28, 28) and x.dtype == torch.uint8 and y.dtype == torch.int64
    assert torch.bincount(y).tolist() == COUNTS[split] and sum(COUNTS[split]) == n
    assert x.max() == 255 and x[:, :, 0, 0].sum() == 0


# Batches


def numbered(n):
    """n samples that can be told apart, each with its own label."""
    return torch.arange(n).float()[:, None], torch.arange(n) * 10


def epoch(batches):
    return [int(value) for batch in batches for value in batch.x[:, 0]]


@given(st.integers(1, 40), st.integers(1, 50), st.integers(0, 2**31))
def test_every_sample_comes_exactly_once_an_epoch(n, batch_size, seed):
    batches = Batches(numbered(n), batch_size, seed=seed)
    for _ in range(2):
        drawn = list(batches)
        sizes = [len(batch.x) for batch in drawn]
        assert len(drawn) == len(batches) and sum(sizes) == n
        assert set(sizes[:-1]) <= {batch_size} and 1 <= sizes[-1] <= batch_size
        assert sorted(epoch(drawn)) == list(range(n))
        assert all(torch.equal(batch.x[:, 0] * 10, batch.y) for batch in drawn)


def test_the_order_is_new_each_epoch_and_decided_by_the_seed():
    a, b, other = (Batches(numbered(50), 8, seed=seed) for seed in (1, 1, 2))
    first, second = epoch(a), epoch(a)
    assert first != second and first != list(range(50))
    assert [epoch(b), epoch(b)] == [first, second]
    assert epoch(other) != first


def test_the_order_depends_on_no_global_seed():
    torch.manual_seed(0)
    first = epoch(Batches(numbered(50), 8, seed=3))
    torch.manual_seed(1)
    state = torch.get_rng_state()
    assert epoch(Batches(numbered(50), 8, seed=3)) == first
    assert torch.equal(torch.get_rng_state(), state)


def test_the_coming_permutations_can_be_stored():
    batches = Batches(numbered(30), 4, seed=5)
    epoch(batches)
    state = batches.state_dict()
    coming = [epoch(batches), epoch(batches)]
    fresh = Batches(numbered(30), 4, seed=6)
    fresh.load_state_dict(state)
    assert [epoch(fresh), epoch(fresh)] == coming
    batches.load_state_dict(state)
    assert epoch(batches) == coming[0]


def test_bytes_are_scaled_to_floats_in_0_1():
    x = torch.tensor([0, 51, 255], dtype=torch.uint8)[:, None]
    (batch,) = Batches((x, None), 3)
    assert batch.x.dtype == torch.float32
    assert sorted(batch.x[:, 0].tolist()) == pytest.approx([0, 0.2, 1], abs=1e-7)
    assert batch.y is None


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.int64])
def test_floats_and_tokens_are_left_as_they_are(dtype):
    x = torch.tensor([[-3.0], [0.1], [700.0]]).to(dtype)
    (batch,) = Batches((x, None), 5)
    assert batch.x.dtype == dtype and torch.equal(batch.x.sort(dim=0).values, x)


def test_images_keep_their_shape_and_labels():
    images = data.load("digits").take(10)
    for x, y in Batches(images, 4):
        for image, label in zip(x, y, strict=True):
            source = (images.x.float() / 255 == image).flatten(1).all(1).nonzero()[0]
            assert image.shape == (1, 28, 28) and label == images.y[source] and label.dtype == torch.int64


@pytest.mark.parametrize(
    "x, y, batch_size, message",
    [
        (torch.zeros(0, 3), None, 2, "at least one sample"),
        (torch.zeros(5), None, 2, r"shape \(N, \.\.\.\)"),
        (torch.tensor(1.0), None, 2, r"shape \(N, \.\.\.\)"),
        (torch.zeros(5, 3, dtype=torch.int32), None, 2, "give uint8, floats or int64 tokens"),
        (torch.zeros(5, 3, dtype=torch.bool), None, 2, "give uint8, floats or int64 tokens"),
        (torch.zeros(5, 3), torch.zeros(4), 2, "x has 5 samples and y 4"),
        (torch.zeros(5, 3), None, 0, "batch_size is 0"),
        (torch.zeros(5, 3), None, -1, "batch_size is -1"),
        (torch.zeros(5, 3), None, float("nan"), "batch_size is nan"),
    ],
)
def test_batches_refuse_bad_input(x, y, batch_size, message):
    with pytest.raises(ValueError, match=message):
        Batches((x, y), batch_size)


SHARES = """
import json, sys
import torch
from torch import distributed
from course_lib.data import Batches
rank, meeting = int(sys.argv[1]), sys.argv[2]
distributed.init_process_group("gloo", init_method="file://" + meeting, rank=rank, world_size=2)
batches = Batches((torch.arange(11).float()[:, None], None), 2, seed=3)
epochs = [[batch.x[:, 0].tolist() for batch in batches] for _ in range(2)]
try:
    too_few = len(Batches((torch.zeros(1, 1), None), 2))
except ValueError as error:
    too_few = str(error)
print(json.dumps({"len": len(batches), "epochs": epochs, "too few": too_few}))
distributed.barrier()
distributed.destroy_process_group()
"""


def test_two_processes_share_each_permutation(tmp_path):
    command = [sys.executable, "-c", SHARES]
    ranks = [[*command, str(rank), str(tmp_path / "meeting")] for rank in range(2)]
    pair = [subprocess.Popen(rank, stdout=subprocess.PIPE) for rank in ranks]
    a, b = (json.loads(process.communicate(timeout=120)[0]) for process in pair)
    alone = Batches(numbered(11), 2, seed=3)
    for ours, theirs in zip(a["epochs"], b["epochs"], strict=True):
        assert [len(batch) for batch in ours] == [len(batch) for batch in theirs] == [2, 2, 1]
        ours, theirs = list(chain.from_iterable(ours)), list(chain.from_iterable(theirs))
        assert not set(ours) & set(theirs)
        assert sorted(ours + theirs) == sorted(epoch(alone)[:10])
    for rank in (a, b):
        assert rank["len"] == 3
        assert rank["too few"] == "1 samples for 2 processes; give each at least one"


# Random variations of images


def blobs(n=200):
    """n images of one soft spot, 6 pixels right of the centre and 3 above it."""
    row, column = torch.meshgrid(torch.arange(28.0), torch.arange(28.0), indexing="ij")
    spot = torch.exp(-((row - 10.5) ** 2 + (column - 19.5) ** 2) / 4)
    return spot.expand(n, 1, 28, 28)


def centres(x):
    """The centre of mass of each image, relative to the middle, in pixels: (n, 2) as (right, down)."""
    place = torch.arange(28.0) - 13.5
    mass = x.sum((1, 2, 3))
    return torch.stack([(x.sum((1, 2)) * place).sum(1), (x.sum((1, 3)) * place).sum(1)], 1) / mass[:, None]


def test_no_variation_returns_the_images():
    x = load("digits").take(20).batch().x
    torch.testing.assert_close(vary(x, 0, 0, 0), x, rtol=0, atol=1e-5)


def test_turning_keeps_the_distance_from_the_middle_and_spreads_the_angle_evenly():
    x, y = centres(vary(blobs(), turn=0.3, zoom=0, shift=0)).T
    torch.testing.assert_close(torch.hypot(x, y), torch.full((200,), math.hypot(6, 3)), rtol=0.02, atol=0)
    turned = torch.atan2(y, x) - math.atan2(-3, 6)
    assert turned.abs().max() <= 0.31 and turned.min() < -0.2 and turned.max() > 0.2


def test_zooming_scales_the_distance_from_the_middle_by_at_most_the_given_share():
    ratio = centres(vary(blobs(), turn=0, zoom=0.1, shift=0)).norm(dim=1) / math.hypot(6, 3)
    assert 0.88 < ratio.min() < 0.95 and 1.05 < ratio.max() < 1.12


def test_shifting_moves_each_image_on_its_own_and_no_further_than_asked():
    moved = centres(vary(blobs(), turn=0, zoom=0, shift=0.1)) - torch.tensor([6.0, -3.0])
    assert moved.abs().max() <= 1.41 and moved.min() < -1 and moved.max() > 1
    assert len(moved.round(decimals=3).unique(dim=0)) > 190


@pytest.mark.parametrize(
    "x", [torch.zeros(2, 28, 28), torch.zeros(0, 1, 28, 28), torch.zeros(2, 1, 28, 28, dtype=torch.uint8)]
)
def test_vary_refuses_bad_input(x):
    with pytest.raises(ValueError, match=r"give float images \(B, C, H, W\)"):
        vary(x)


def test_stored_results_are_found_and_unknown_ones_are_named():
    assert data.result("vae_mnist")["published_test_loss"] == 105.6
    with pytest.raises(FileNotFoundError, match=r"results/none\.json should come with course_lib"):
        data.result("none")


# Words and texts


def test_census_names_are_what_their_card_says():
    names = data.words()
    assert len(names) == len(set(names)) == 5163
    assert names == sorted(names)
    assert all(re.fullmatch("[a-z]+", name) for name in names)
    assert {"mary", "james", "zulma"} <= set(names)
    assert wordlists.CENSUS.checksum.removeprefix("sha256:") in data.shipped("census_names.md").read_text()
    assert data.available("census_names") and data.where("census_names") == "shipped with the course"


def test_census_names_survive_windows_line_ends(tmp_path, monkeypatch):
    copy = tmp_path / "names.txt"
    copy.write_bytes(data.shipped("census_names.txt").read_bytes().replace(b"\n", b"\r\n"))
    expected = data.words()
    monkeypatch.setattr(wordlists, "shipped", lambda name: copy)
    assert data.words() == expected


def test_damaged_census_names_are_refused(tmp_path, monkeypatch):
    copy = tmp_path / "names.txt"
    copy.write_bytes(data.shipped("census_names.txt").read_bytes().replace(b"mary", b"marx"))
    monkeypatch.setattr(wordlists, "shipped", lambda name: copy)
    with pytest.raises(ValueError, match="embedded names are damaged"):
        data.words()


@pytest.mark.parametrize("name", ["digits", "Names", "", None])
def test_an_unknown_word_list_is_refused_with_the_known_ones(name):
    with pytest.raises(ValueError, match="there are census_names, names"):
        data.words(name)


@pytest.mark.parametrize("name", ["names", "census_names", "Shakespeare", "", None])
def test_an_unknown_text_is_refused_with_the_known_one(name):
    with pytest.raises(ValueError, match=f"there is no text {name!r}; there is shakespeare"):
        data.text(name)


SPEECH = "First:\n  to be,\r\nor\tnot\n\n"


@pytest.fixture
def word_mirror(server, tmp_path, monkeypatch):
    """Makes "names" a list of three and "shakespeare" a speech, served by mirrors that behave as named."""
    server.files |= {"names.txt": b"ada\nbo\ncy\n", "input.txt": SPEECH.encode()}
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    monkeypatch.setattr(files, "TIMEOUT_S", (5, 0.3))

    def use(*behaviours):
        urls = tuple(f"{server.url}/{behaviour.__name__}/" for behaviour in behaviours)
        sums = {name: "sha256:" + hashlib.sha256(content).hexdigest() for name, content in server.files.items()}
        served = {"names": "names.txt", "shakespeare": "input.txt"}
        found = {name: (File(file, sums[file]), urls) for name, file in served.items()}
        monkeypatch.setattr(wordlists, "DOWNLOADS", found)

    return use


def test_names_are_downloaded_once_and_then_read_from_the_cache(word_mirror, server, tmp_path):
    word_mirror(wrong, right)
    assert not data.available("names") and data.where("names") == "not here; words('names') downloads it"
    assert data.words("names") == ["ada", "bo", "cy"]
    assert data.available("names") and data.where("names") == str(tmp_path / "names")
    asked = len(server.asked)
    assert data.words("names") == ["ada", "bo", "cy"]
    assert len(server.asked) == asked == 2
    assert files_in(tmp_path) == ["names.txt"]


def test_names_without_a_network_say_what_works_offline(word_mirror, tmp_path):
    word_mirror(missing)
    with pytest.raises(ConnectionError, match=r"words\('census_names'\) works offline, or put the files into"):
        data.words("names")
    assert not files_in(tmp_path)


def test_a_text_is_downloaded_once_and_then_read_from_the_cache_unchanged(word_mirror, server, tmp_path):
    word_mirror(wrong, right)
    assert not data.available("shakespeare")
    assert data.where("shakespeare") == "not here; text('shakespeare') downloads it"
    assert data.text() == SPEECH
    assert data.available("shakespeare") and data.where("shakespeare") == str(tmp_path / "shakespeare")
    assert data.text("shakespeare") == SPEECH
    assert server.asked == ["/wrong/input.txt", "/right/input.txt"]
    assert files_in(tmp_path) == ["input.txt"]


def test_a_damaged_text_in_the_cache_is_replaced(word_mirror, server, tmp_path):
    word_mirror(right)
    path = tmp_path / "shakespeare" / "input.txt"
    path.parent.mkdir()
    path.write_bytes(SPEECH.encode().replace(b"be", b"me"))
    assert not data.available("shakespeare")
    assert data.text() == SPEECH and path.read_bytes() == SPEECH.encode()
    assert len(server.asked) == 1


@pytest.mark.parametrize("behaviour", BAD)
def test_other_texts_than_the_published_are_refused(behaviour, word_mirror, tmp_path):
    word_mirror(behaviour)
    with pytest.raises(ConnectionError, match=r"words\('census_names'\) works offline, or put the files into"):
        data.text()
    assert not files_in(tmp_path)


@pytest.mark.skipif(not data.available("names"), reason="the names are not in the cache folder (COURSE_DATA)")
def test_real_names_have_the_published_counts():
    names = data.words("names")
    assert len(names) == 32_033
    assert sum(len(name) + 1 for name in names) == 228_146  # pairs of neighbours, with '.' at both ends
    assert names[:3] == ["emma", "olivia", "ava"]


@pytest.mark.skipif(not data.available("shakespeare"), reason="the text is not in the cache folder (COURSE_DATA)")
def test_the_real_text_has_the_published_counts():
    text = data.text("shakespeare")
    assert len(text) == 1_115_394 and len(set(text)) == 65
    assert text.startswith("First Citizen:\nBefore we proceed any further, hear me speak.\n\nAll:")
