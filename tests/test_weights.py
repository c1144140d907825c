"""The networks that come with the course: whole, small, with a card that says how they were made."""

import hashlib
import linecache
import re

import books
import pytest
import torch
import weights
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from course_lib import cache, data, vae
from course_lib.conditional import ConditionalVAE
from course_lib.fingerprint import fingerprint

NETS = {"08-vae": vae.VAE, "11-cvae": lambda: ConditionalVAE(8, 10, (300, 300))}
FILES = sorted((books.ROOT / "data" / "weights").glob("*.safetensors"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_has_a_card_with_its_checksum_seed_and_script(path):
    card = path.with_suffix(".md").read_text(encoding="utf-8")
    assert hashlib.sha256(path.read_bytes()).hexdigest() in card
    assert re.search(r"seed \d+", card)
    assert re.search(r"Made\s+by `(tools|benchmarks)/\w+\.py`|Made by notebook \d\d \(`make notebooks", card)
    assert re.search(r"\| [\w.]+ \| [\d.]+ \|", card)  # a metric


def test_all_of_them_are_small():
    assert sum(path.stat().st_size for path in FILES) < 12e6


def test_each_that_cached_loads_is_asked_for_in_its_notebook():
    for name in weights.SHIPPED:
        assert any(f'cached("{name}"' in cell.source for cell in books.code(books.of(name[:2])))


@pytest.mark.parametrize("name", weights.SHIPPED)
def test_the_card_is_that_of_the_file(name):
    assert (weights.WEIGHTS / f"{name}.md").read_text(encoding="utf-8") == weights.card(name)


@pytest.mark.parametrize("name", weights.SHIPPED)
def test_the_file_fits_the_network_that_it_is_said_to_be(name):
    NETS[name]().load_state_dict(load_file(data.shipped(f"weights/{name}.safetensors")))


def test_the_vae_describes_digits():
    """On the embedded digits, which it never saw: better than the mean image does, and than without training."""
    x = data.load("digits", "test").batch().x
    torch.manual_seed(0)
    trained = vae.VAE()
    untrained = vae.mean_loss(trained, x)
    trained.load_state_dict(load_file(data.shipped("weights/08-vae.safetensors")))
    mean = data.load("digits").batch().x.mean(0).clamp(1e-4, 1 - 1e-4)
    by_mean = torch.nn.functional.binary_cross_entropy(mean.expand_as(x), x, reduction="sum").item() / len(x)
    assert vae.mean_loss(trained, x) < min(untrained, by_mean)


def test_only_what_was_trained_anew_is_taken_over(tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "WEIGHTS", tmp_path / "ours")
    monkeypatch.setattr(weights, "SHIPPED", {"a": "One.", "b": "Another."})
    (tmp_path / "new").mkdir()
    notes = {"key": "k", "seed": "3", "seconds": "1.5", "rows": '[{"vae.loss": 2.5, "seconds": 1.0}]'}
    save_file({"w": torch.ones(2, 3)}, tmp_path / "new" / "a.safetensors", notes)
    save_file({"w": torch.ones(1)}, tmp_path / "new" / "other.safetensors", notes)
    assert weights.ship(tmp_path / "new") == ["a"]
    assert sorted(path.name for path in (tmp_path / "ours").iterdir()) == ["a.md", "a.safetensors"]
    card = (tmp_path / "ours" / "a.md").read_text()
    assert "| vae.loss | 2.50 |" in card
    assert "6 numbers" in card
    assert "seed 3" in card


def test_the_reader_finds_them():
    assert [path for path in cache._places("08-vae") if path.exists()] == [data.shipped("weights/08-vae.safetensors")]


class Asked(Exception):
    """What the notebook asked `cached` for."""


def asked(name):
    """The key under which a notebook at `lesson` asks for a network; cells that train are passed over."""

    def stop(asked_for, make, fit, seed=0):
        if asked_for == name:
            raise Asked(fingerprint(make, fit, seed))

    namespace = {"__name__": "__main__"}
    for number, cell in enumerate(books.code(books.of(name[:2]))):
        if books.calls(cell.source, "train") and not books.calls(cell.source, "cached") and "def " not in cell.source:
            continue
        file = f"<{name} {number}>"
        linecache.cache[file] = len(cell.source), None, cell.source.splitlines(keepends=True), file
        try:
            exec(compile(cell.source, file, "exec"), namespace)
        except NameError:
            continue  # of what a cell that was passed over makes
        except Asked as key:
            return str(key)
        namespace["cached"] = stop
    raise AssertionError(f"notebook {name[:2]} does not ask for {name}")


@pytest.mark.skipif(not data.available("mnist"), reason="MNIST is not in the cache folder (COURSE_DATA)")
@pytest.mark.parametrize("name", weights.SHIPPED)
def test_the_courses_own_networks_are_those_of_todays_code(name, monkeypatch, capsys):
    monkeypatch.setenv("COURSE_BUDGET", "lesson")
    with safe_open(weights.WEIGHTS / f"{name}.safetensors", "pt") as file:
        assert file.metadata()["key"] == asked(name), f"stale: make notebooks NB={name[:2]}"
