import importlib.util
import linecache
import sys
from functools import partial

import numpy as np
import pytest
import torch

import course_lib
from course_lib import losses, vae
from course_lib.fingerprint import fingerprint

BOOK = """
import math
from functools import cache
from typing import NamedTuple

import torch
from torch import nn
from course_lib import losses, runtime, vae
from course_lib.data import Batches

lr = 0.1
unused = 1
bound = 1.0
device = torch.device("cpu")
images = torch.arange(6.0).view(2, 3)
settings = {"epochs": 3, "sizes": (1, 2)}


class Recipe(NamedTuple):
    steps: int = 5


class Net(nn.Module):
    width = 4

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, self.width)

    @staticmethod
    def scale():
        return 2.0

    @property
    def size(self):
        return self.width

    def forward(self, x):
        return self.layer(x)


class Deep(Net):
    pass


def penalty(x):
    return x.abs().sum()


@torch.no_grad()
def judged(x):
    return x.mean()


@cache
def table(n):
    return n + 1


def closing(weight):
    def inner(x):
        return weight * x
    return inner


weigh = closing(0.5)


def fit(net, epochs=2, *, clip=bound):
    batches = Batches((images, None), 2, device)
    step = lambda x: [losses.squared_error(x, x) + penalty(part) for part in x]
    for _ in range(settings["epochs"]):
        loss = lr * step(weigh(net(images))) + judged(images) + table(3)
    return Deep, Recipe, math.sqrt(runtime.pick(smoke=1, lesson=2, full=3))
"""


@pytest.fixture
def key(tmp_path, monkeypatch):
    """The key of `fit` in a module of this source, one text in it replaced by another."""
    monkeypatch.setenv("COURSE_BUDGET", "smoke")
    count = iter(range(100))

    def of(old="", new="", twice=False):
        assert old in BOOK
        path = tmp_path / str(next(count)) / "book.py"
        path.parent.mkdir()
        path.write_text(BOOK.replace(old, new) if old else BOOK)
        linecache.checkcache()
        spec = importlib.util.spec_from_file_location("book", path)
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, "book", module)
        spec.loader.exec_module(module)
        return fingerprint(module.fit)

    return of


def test_the_same_code_and_values_have_the_same_key(key):
    assert key() == key()
    assert len(key()) == 64


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("lr = 0.1", "lr = 0.2"),
        ("arange(6.0)", "arange(1.0, 7.0)"),
        ("view(2, 3)", "view(3, 2)"),
        ("arange(6.0)", "arange(6).double()"),
        ('"epochs": 3', '"epochs": 4'),
        ('"sizes": (1, 2)', '"sizes": (1, 3)'),
        ("x.abs().sum()", "x.square().sum()"),
        ("return x.mean()", "return x.sum()"),
        ("return n + 1", "return n + 2"),
        ("return weight * x", "return weight + x"),
        ("closing(0.5)", "closing(0.6)"),
        ("epochs=2", "epochs=1 + 1 + 1"),
        ("bound = 1.0", "bound = 2.0"),
        ("width = 4", "width = 5"),
        ("return self.layer(x)", "return self.layer(x).relu()"),
        ("return 2.0", "return 3.0"),
        ("return self.width", "return self.width + 1"),
        ("steps: int = 5", "steps: int = 6"),
        ("class Deep(Net)", "class Deep(nn.Module)"),
        ("losses.squared_error", "losses.bernoulli_nll"),
        ("math.sqrt", "math.exp"),
        ("penalty(part)", "judged(part)"),
    ],
)
def test_what_is_used_changes_the_key(key, old, new):
    assert key(old, new) != key()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("unused = 1", "unused = 2"),
        ('torch.device("cpu")', 'torch.device("meta")'),
        ("lr = 0.1", "lr = 1 / 10"),
        ("import math\n", "import math\nimport os\n"),
    ],
)
def test_what_is_not_used_does_not_change_the_key(key, old, new):
    assert key(old, new) == key()


def test_the_budget_counts_where_it_is_asked_for(key, monkeypatch):
    small, other = key(), key("runtime.pick(smoke=1, lesson=2, full=3)", "2")
    monkeypatch.setenv("COURSE_BUDGET", "lesson")
    assert key() != small
    assert key("runtime.pick(smoke=1, lesson=2, full=3)", "2") == other


@pytest.fixture
def changed(monkeypatch):
    """Put another function of the same name into a module of the course."""

    def change(module, name):
        other = {"__name__": "course_lib.losses"}
        exec(f"def {name}(logits, x):\n    return logits - x", other)
        monkeypatch.setattr(module, name, other[name])

    return change


def test_the_courses_own_functions_are_followed(key, changed):
    before = key(), fingerprint(vae.VAE), fingerprint(vae.negative_elbo)
    changed(losses, "squared_error")
    changed(vae, "bernoulli_nll")
    assert key() != before[0]
    assert fingerprint(vae.VAE) != before[1]
    assert fingerprint(vae.negative_elbo) == before[2]  # it asks the model that it is given


def test_two_users_of_one_module_both_count(changed):
    def first():
        return losses.squared_error

    def second():
        return losses.bernoulli_nll

    before = fingerprint(first, second)
    changed(losses, "bernoulli_nll")
    assert fingerprint(first, second) != before


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (1, True),
        (1, "1"),
        ([1, 2], (1, 2)),
        ([[1], 2], [[1, 2]]),
        ({"a": 1}, {"a": 2}),
        (torch.zeros(2), torch.zeros(2, 1)),
        (torch.zeros(2), np.zeros(2, np.float32) + 1),
        (np.array(["a", None]), np.array(["b", None])),
        (torch.zeros(2, dtype=torch.bfloat16), torch.ones(2, dtype=torch.bfloat16)),
        (torch.Generator().manual_seed(1), torch.Generator().manual_seed(2)),
        (partial(int, base=2), partial(int, base=3)),
        ({1, 2}, {1, 3}),
    ],
)
def test_values_that_differ_have_keys_that_differ(a, b):
    assert fingerprint(a) != fingerprint(b)
    assert fingerprint(a) == fingerprint(a)


def test_weights_of_a_network_in_use_count():
    torch.manual_seed(0)
    net = vae.VAE(2, hidden=(3,))
    before = fingerprint(net)
    assert fingerprint(net) == before
    with torch.no_grad():
        next(net.parameters()).add_(1)
    assert fingerprint(net) != before


def test_what_contains_itself_ends():
    ring = []
    ring.append(ring)
    assert len(fingerprint(ring)) == 64


def test_what_nobody_can_tell_is_refused(tmp_path):
    with (tmp_path / "file").open("wb", buffering=0) as file, pytest.raises(ValueError, match=r"whether a .* changed"):
        fingerprint(iter([file]))


def test_the_same_thing_again_is_told_from_another():
    a, b = torch.zeros(2), torch.ones(2)
    assert fingerprint([a, b, a]) != fingerprint([a, b, b])


def test_what_belongs_to_a_mapping_is_told_from_what_follows():
    assert fingerprint([{"a": 1}, "b", 2]) != fingerprint([{"a": 1, "b": 2}])


def test_a_module_within_a_module_is_followed(changed):
    def fit():
        return course_lib.likelihood.log_likelihood

    before = fingerprint(fit)
    changed(course_lib.likelihood, "log_likelihood")
    assert fingerprint(fit) != before


def test_a_module_that_a_closure_holds_is_followed(changed):
    held = losses

    def fit():
        return held.squared_error

    before = fingerprint(fit)
    changed(losses, "squared_error")
    assert fingerprint(fit) != before
