"""The batched character models of benchmarks/names_mlp.py against one written out for a single seed."""

import math

import pytest
import torch
from names_mlp import BATCH, VARIANTS, Characters, batches, contexts, fit, nll, split
from torch.nn import functional as F

from course_lib.data import available, words

SIZES = {"first MLP": 11_897, "better start": 11_897, "batch normalisation": 12_097, "context of 8": 22_097}
SIZES |= {"pairs joined": 22_397, "statistics over batch and time": 22_397, "76K parameters": 76_579}

each_variant = pytest.mark.parametrize("name", VARIANTS)


def characters(length, n=2000):
    generator = torch.Generator().manual_seed(3)
    return torch.randint(27, (length, n), generator=generator), torch.randint(27, (n,), generator=generator)


def normalised(x, norm, i, apart):
    """Of x (B, T, C), by the formula; `apart`: with the statistics over the batch alone."""
    dims = 0 if apart else (0, 1)
    hat = (x - x.mean(dims, keepdim=True)) / (x.var(dims, keepdim=True) + 1e-5).sqrt()
    return norm.gain[i, :, 0] * hat + norm.shift[i, :, 0]


def alone(name, model, i, tokens):
    """Logits (B, 27) of seed i for tokens (B, T), from its weights, features last."""
    x = model.embedding[i][tokens]
    for layer in model.hidden:
        linear = layer[0] if isinstance(layer, torch.nn.Sequential) else layer
        x = x.reshape(len(x), -1, linear.weight.shape[2]) @ linear.weight[i].T
        x = normalised(x, layer[1], i, name == "pairs joined") if linear is not layer else x + linear.bias[i, :, 0]
        x = x.tanh()
    return x[:, 0] @ model.out.weight[i].T + model.out.bias[i, :, 0]


@each_variant
def test_sizes_are_the_published_ones(name):
    seeds = 0, 1, 2
    assert sum(p.numel() for p in Characters(VARIANTS[name], seeds).parameters()) == 3 * SIZES[name]


@each_variant
def test_logits_are_those_of_each_model_alone(name):
    model = Characters(VARIANTS[name], (0, 1, 2)).double()
    tokens = torch.randint(27, (3, VARIANTS[name].context, 8), generator=torch.Generator().manual_seed(0))
    ours = model(tokens)
    for i in range(3):
        torch.testing.assert_close(ours[i].T, alone(name, model, i, tokens[i].T))


@each_variant
def test_training_is_that_of_each_model_alone(name):
    seeds, steps, variant = (4, 7), 8, VARIANTS[name]
    x, y = characters(variant.context)
    together, single = Characters(variant, seeds).double(), Characters(variant, seeds).double()
    fit(together, variant, x, y, seeds, steps)
    for i, seed in enumerate(seeds):
        for step, (past, following) in enumerate(batches(x, y, (seed,), steps)):
            loss = F.cross_entropy(alone(name, single, i, past[0].T), following[0])
            gradients = torch.autograd.grad(loss, list(single.parameters()))
            with torch.no_grad():
                for p, gradient in zip(single.parameters(), gradients, strict=True):
                    p -= (0.1 if step < variant.decay * steps else 0.01) * gradient
    torch.testing.assert_close(list(together.parameters()), list(single.parameters()))


@each_variant
def test_evaluation_uses_running_statistics(name):
    variant = VARIANTS[name]
    model = Characters(variant, (0, 1)).double()
    x, y = characters(variant.context, 50)
    wanted = [F.cross_entropy(alone(name, model, i, x.T), y).item() for i in range(2)]
    with torch.no_grad():
        for _ in range(200):
            model(x.expand(2, -1, -1))  # until the running statistics are those of these 50
    assert nll(model, x, y) == pytest.approx(wanted)
    assert nll(model, x[:, :1], y[:1]) == pytest.approx(nll(model, x[:, [0, 0]], y[[0, 0]]))


def test_better_start_is_near_uniform_and_the_first_is_not():
    x, y = characters(3)
    first, better = (nll(Characters(VARIANTS[name], (0, 1)), x, y) for name in ("first MLP", "better start"))
    assert better == pytest.approx([math.log(27)] * 2, abs=0.05)
    assert min(first) > 10


def test_contexts_of_a_name():
    x, y = contexts(["ab", "c"], 3)
    assert x.T.tolist() == [[0, 0, 0], [0, 0, 1], [0, 1, 2], [0, 0, 0], [0, 0, 3]]
    assert y.tolist() == [1, 2, 0, 3, 0]


def test_batches_are_rows_of_the_data_and_differ_by_seed():
    x = torch.arange(4000).expand(3, -1)
    drawn = list(batches(x, x[0], (0, 1), 1001))  # more than are drawn at once
    assert len(drawn) == 1001
    past, following = drawn[-1]
    assert past.shape == (2, 3, BATCH) and torch.equal(past, following[:, None].expand(-1, 3, -1))
    assert not torch.equal(following[0], following[1])
    assert not torch.equal(drawn[0][1], following)


@pytest.mark.skipif(not available("names"), reason="the names are not on this machine")
def test_split_has_the_published_sizes():
    names = words("names")
    (x, y), (x_val, y_val) = split(names, 8)
    assert (x.shape, len(y), x_val.shape, len(y_val)) == ((8, 182_625), 182_625, (8, 22_655), 22_655)
    assert names[:2] == ["emma", "olivia"]  # the list itself stays as it is
    first = "".join(".abcdefghijklmnopqrstuvwxyz"[i] for i in y[:6])
    assert first == "yuheng"  # the first name of the published split
