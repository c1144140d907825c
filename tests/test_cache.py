import json
import math
import os

import nbclient
import nbformat
import pytest
import torch
from safetensors import safe_open
from torch import nn

from course_lib import cache, cached, data, losses
from course_lib.training import History, Player, train

data_seed = 0
epochs = 2


def make():
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 3))


def squared(net, batch):
    return {"loss": losses.squared_error(net(batch.x + 0.1 * torch.randn_like(batch.x)), batch.x).mean()}


def fit(net):
    x = torch.rand(20, 3, generator=torch.Generator().manual_seed(data_seed))
    return train(Player("net", net, squared, lr=0.01), data.Batches((x, None), 5), epochs, progress=False)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


def said(capsys):
    return capsys.readouterr().out.strip()


def same(a, b):
    torch.testing.assert_close(a.state_dict(), b.state_dict(), rtol=0, atol=0)


def test_it_is_trained_once_and_loaded_from_then_on(capsys):
    first, history = cached("net", make, fit)
    assert said(capsys) == ""
    second, again = cached("net", make, fit)
    assert said(capsys) == f"net: trained before, loaded. {history}"
    same(first, second)
    assert again.rows == history.rows
    assert len(history) == 2


def test_it_is_what_the_same_training_without_a_cache_gives():
    net, _ = cached("net", make, fit, seed=3)
    torch.manual_seed(3)
    plain = make()
    fit(plain)
    same(net, plain)


def test_a_notebook_goes_on_alike_whether_it_was_trained_or_loaded():
    torch.manual_seed(5)
    cached("net", make, fit)
    after_training = torch.rand(3)
    torch.manual_seed(5)
    cached("net", make, fit)
    assert torch.equal(torch.rand(3), after_training)
    torch.manual_seed(5)
    assert torch.equal(torch.rand(3), after_training)


@pytest.mark.parametrize(("setting", "value"), [("data_seed", 1), ("epochs", 3)])
def test_another_setting_trains_anew_and_says_so(setting, value, monkeypatch, capsys):
    first, _ = cached("net", make, fit)
    monkeypatch.setitem(fit.__globals__, setting, value)
    second, _ = cached("net", make, fit)
    assert "code, settings or data differ" in said(capsys)
    with pytest.raises(AssertionError):
        same(first, second)
    third, _ = cached("net", make, fit)  # the new one took the place of the old one
    assert "trained before" in said(capsys)
    same(second, third)


def test_another_seed_or_another_network_is_another_training(capsys):
    cached("net", make, fit)
    cached("net", make, fit, seed=1)
    assert "differ" in said(capsys)
    cached("net", lambda: nn.Linear(3, 3), fit, seed=1)
    assert "differ" in said(capsys)


def test_names_are_kept_apart(folder):
    cached("one", make, fit)
    cached("two", make, fit, seed=1)
    assert sorted(path.name for path in folder.iterdir()) == ["one.safetensors", "two.safetensors"]


def test_what_is_kept_says_what_it_is(folder):
    _, history = cached("net", make, fit, seed=2)
    with safe_open(folder / "net.safetensors", "pt") as file:
        notes = file.metadata()
        assert "1.running_mean" in file.keys()  # noqa: SIM118
    assert notes["seed"] == "2"
    assert float(notes["seconds"]) >= 0
    assert json.loads(notes["rows"]) == history.rows


@pytest.mark.parametrize("content", [b"", b"no weights", b"\xff" * 200])
def test_a_damaged_file_is_replaced(content, folder, capsys):
    first, _ = cached("net", make, fit)
    (folder / "net.safetensors").write_bytes(content)
    second, _ = cached("net", make, fit)
    assert "damaged" in said(capsys)
    same(first, second)
    cached("net", make, fit)
    assert "trained before" in said(capsys)


def test_a_truncated_file_is_replaced(folder, capsys):
    cached("net", make, fit)
    whole = (folder / "net.safetensors").read_bytes()
    (folder / "net.safetensors").write_bytes(whole[:-8])
    cached("net", make, fit)
    assert "damaged" in said(capsys)
    assert (folder / "net.safetensors").read_bytes()[-64:] == whole[-64:]


def test_training_that_was_stopped_is_not_kept(folder, capsys):
    def stopped(net):
        history = fit(net)
        history.interrupted = True
        return history

    cached("net", make, stopped)
    assert "stopped" in said(capsys)
    assert not folder.exists()


def test_training_that_fails_keeps_nothing(folder):
    def broken(net):
        raise FloatingPointError("loss is nan")

    with pytest.raises(FloatingPointError):
        cached("net", make, broken)
    assert not folder.exists()


def test_a_loop_of_ones_own_needs_no_history():
    def own(net):
        with torch.no_grad():
            net[0].weight.fill_(7)

    cached("net", make, own)
    net, history = cached("net", make, own)
    assert (net[0].weight == 7).all()
    assert len(history) == 0


def test_an_epoch_without_a_value_stays_one(monkeypatch):
    def gaps(net):
        return History([{"a.loss": 1.0, "b.loss": math.nan}])

    cached("net", make, gaps)
    _, history = cached("net", make, gaps)
    assert history["a.loss"] == [1.0]


def test_without_a_writable_place_the_course_goes_on(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("COURSE_MODELS", str(tmp_path / "file"))
    _, history = cached("net", make, fit)
    assert "not kept" in said(capsys)
    assert len(history) == 2


def test_the_courses_own_networks_are_found_under_the_same_rule(folder, tmp_path, monkeypatch, capsys):
    first, _ = cached("net", make, fit)
    ours = tmp_path / "weights" / "net.safetensors"
    ours.parent.mkdir()
    os.replace(folder / "net.safetensors", ours)
    monkeypatch.setattr(cache, "shipped", lambda name: tmp_path / name)
    second, _ = cached("net", make, fit)
    assert "trained before" in said(capsys)
    same(first, second)
    assert not list(folder.iterdir())
    cached("net", make, fit, seed=1)
    assert "differ" in said(capsys)
    cached("net", make, fit, seed=1)  # now from the reader's own
    assert said(capsys).startswith("net: trained before")


@pytest.mark.parametrize("name", ["", "a/b", "..", "/tmp/net"])
def test_a_name_that_is_no_files_name_is_refused(name):
    with pytest.raises(ValueError, match="letters, digits and hyphens"):
        cached(name, make, fit)


def test_functions_of_a_notebook_have_their_source(folder):
    """In a kernel, where functions and classes are in no file."""
    cells = [
        "import torch\nfrom torch import nn\nfrom course_lib import cached\nstart = 1.0",
        "class Net(nn.Linear):\n    def forward(self, x):\n        return super().forward(x)\n\n\n"
        "def make():\n    return Net(2, 2)\n\n\ndef fit(net):\n    torch.nn.init.constant_(net.weight, start)",
        "net, _ = cached('net', make, fit)",
        "net, _ = cached('net', make, fit)",
        "def fit(net):\n    torch.nn.init.constant_(net.weight, 2 * start)",
        "net, _ = cached('net', make, fit)\nprint(net.weight.mean().item())",
    ]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbclient.NotebookClient(book, kernel_name="python3").execute()
    texts = ["".join(output.text for output in cell.outputs) for cell in book.cells]
    assert texts[2] == ""
    assert texts[3].startswith("net: trained before, loaded.")
    assert texts[5].startswith("net: code, settings or data differ")
    assert texts[5].endswith("2.0\n")
