"""The character GPT of benchmarks/: its parts against torch's own and against sums by hand, its sizes as published."""

import math
import random
from collections import Counter
from itertools import chain, pairwise

import char_gpt
import pytest
import torch
from char_gpt import GPT, LARGE, SMALL, Attention, Block, Setting
from torch import nn

from course_lib import data
from course_lib.data import Batch

SIZE = 65  # different characters of tiny Shakespeare
TINY = Setting(layers=2, heads=2, width=16, context=13, batch=8, iterations=600)


def made(chosen=TINY, size=7, scale=10.0):
    """A GPT in double precision whose weights are large enough to matter."""
    torch.manual_seed(0)
    net = GPT(size, chosen).double().eval()
    for p in net.parameters():
        p.data *= scale
    return net


def codes(*shape, size=7, seed=0):
    return torch.randint(size, shape, generator=torch.Generator().manual_seed(seed))


# The model


@torch.no_grad()
def test_attention_is_a_softmax_over_the_past_written_out():
    torch.manual_seed(0)
    attention, x = Attention(6, heads=2, dropout=0.0).double(), torch.randn(1, 5, 6, dtype=torch.float64)
    q, k, v = (x[0] @ w.T for w in attention.qkv.weight.chunk(3))
    mixed = torch.zeros(5, 6, dtype=torch.float64)
    for head in (slice(0, 3), slice(3, 6)):
        for t in range(5):
            scores = [math.exp(q[t, head] @ k[s, head] / math.sqrt(3)) for s in range(t + 1)]
            mixed[t, head] = sum(a * v[s, head] for s, a in enumerate(scores)) / sum(scores)
    torch.testing.assert_close(attention(x)[0], mixed @ attention.project.weight.T)


@torch.no_grad()
def test_a_block_is_torchs_encoder_layer_with_the_norm_first():
    torch.manual_seed(0)
    block, x = Block(12, heads=3, dropout=0.0).double(), torch.randn(2, 9, 12, dtype=torch.float64)
    block.norm1.weight.copy_(torch.rand(12)), block.norm2.weight.copy_(torch.rand(12))
    oracle = nn.TransformerEncoderLayer(12, 3, 48, 0.0, "gelu", batch_first=True, norm_first=True, bias=False).double()
    names = {
        "self_attn.in_proj_weight": "attention.qkv.weight",
        "self_attn.out_proj.weight": "attention.project.weight",
        "linear1.weight": "expand.weight",
        "linear2.weight": "project.weight",
        "norm1.weight": "norm1.weight",
        "norm2.weight": "norm2.weight",
    }
    weights = block.state_dict()
    oracle.load_state_dict({theirs: weights[ours] for theirs, ours in names.items()})
    mask = nn.Transformer.generate_square_subsequent_mask(9, dtype=torch.float64)
    torch.testing.assert_close(block(x), oracle(x, src_mask=mask))


@torch.no_grad()
@pytest.mark.parametrize("place", [0, 5, 12])
def test_a_later_character_changes_no_earlier_logit(place):
    net, x = made(), codes(3, 13)
    changed = x.clone()
    changed[:, place] = (x[:, place] + 1) % 7
    moved = (net(x) - net(changed)).abs().amax((0, 2))
    assert (moved[:place] == 0).all() and (moved[place:] > 1e-6).all()


@torch.no_grad()
def test_the_order_of_the_past_matters():
    net, x = made(), codes(1, 6)
    assert (net(x)[0, -1] - net(x[:, [1, 0, 2, 3, 4, 5]])[0, -1]).abs().max() > 1e-6


@torch.no_grad()
def test_dropout_is_for_training_alone():
    net, x = made(TINY._replace(dropout=0.3)), codes(2, 12)
    assert torch.equal(net(x), made()(x))
    net.train()
    assert not torch.allclose(net(x), net(x))


@pytest.mark.parametrize("chosen, published", [(SMALL, "0.80M"), (LARGE, "10.65M")])
def test_sizes_are_those_that_nanogpt_reports_without_positions(chosen, published):
    net = GPT(SIZE, chosen)
    assert f"{(sum(p.numel() for p in net.parameters()) - net.positions.weight.numel()) / 1e6:.2f}M" == published


def test_weights_begin_as_published_and_what_adds_up_begins_smaller():
    torch.manual_seed(0)
    for name, p in GPT(SIZE, SMALL).named_parameters():
        if p.ndim == 1:
            assert (p == 1).all()
        else:
            expected = 0.02 / math.sqrt(8) if name.endswith(".project.weight") else 0.02
            assert p.std().item() == pytest.approx(expected, rel=5 / math.sqrt(2 * p.numel()))
            assert abs(p.mean().item()) < 5 * expected / math.sqrt(p.numel())


# The optimiser


def test_only_matrices_decay_as_many_as_nanogpt_reports():
    decayed, others = char_gpt.decayed_adam(list(GPT(SIZE, LARGE).parameters()), lr=1e-3).param_groups
    assert (decayed["weight_decay"], others["weight_decay"]) == (0.1, 0)
    assert (len(decayed["params"]), sum(p.numel() for p in decayed["params"])) == (26, 10_740_096)
    assert (len(others["params"]), sum(p.numel() for p in others["params"])) == (13, 4_992)


def test_without_a_gradient_matrices_shrink_and_gains_stay():
    matrix, gain = nn.Parameter(torch.ones(2, 3)), nn.Parameter(torch.ones(3))
    optimizer = char_gpt.decayed_adam([matrix, gain], lr=0.5)
    matrix.grad, gain.grad = torch.zeros(2, 3), torch.zeros(3)
    optimizer.step()
    torch.testing.assert_close(matrix.data, torch.full((2, 3), 1 - 0.5 * 0.1))
    assert (gain == 1).all()


def test_the_gradient_of_all_weights_together_is_cut_to_length_1():
    matrix, gain = nn.Parameter(torch.ones(1, 1)), nn.Parameter(torch.ones(1))
    optimizer = char_gpt.decayed_adam([matrix, gain], lr=0.1)
    for given, used in [((30.0, 40.0), (0.6, 0.8)), ((0.3, 0.4), (0.3, 0.4))]:
        matrix.grad, gain.grad = torch.full((1, 1), given[0]), torch.full((1,), given[1])
        optimizer.step()
        assert (matrix.grad.item(), gain.grad.item()) == pytest.approx(used, rel=1e-5)


@pytest.mark.parametrize("iterations", [SMALL.iterations, LARGE.iterations])
def test_the_rate_is_the_published_one_at_each_iteration(iterations):
    factor = char_gpt.schedule(iterations)
    for i in range(0, iterations, 7):
        if i < 100:
            rate = 1e-3 * (i + 1) / 101
        else:
            rate = 1e-4 + 9e-4 * (1 + math.cos(math.pi * (i - 100) / (iterations - 100))) / 2
        assert char_gpt.LR * factor(i / iterations) == pytest.approx(rate, rel=1e-9, abs=1e-15)


# The text


def test_the_first_nine_tenths_are_for_training_and_codes_follow_the_alphabet():
    train, val, size = char_gpt.split("dcba" * 5)
    assert (train.tolist() + val.tolist(), len(train), size) == ([3, 2, 1, 0] * 5, 18, 4)


def test_all_windows_lie_side_by_side_and_ask_for_the_next_character():
    x, y = char_gpt.all_windows(torch.arange(100, 111), 5)
    assert x.tolist() == [[100, 101, 102, 103, 104], [105, 106, 107, 108, 109]] and torch.equal(y, x + 1)
    assert char_gpt.all_windows(torch.arange(10), 5).x.shape == (1, 5)  # the last one would lack its answer


def test_random_windows_begin_everywhere_and_ask_for_the_next_character():
    torch.manual_seed(0)
    x, y = char_gpt.random_windows(torch.arange(12), 500, 5)
    assert x.shape == (500, 5) and torch.equal(y, x + 1) and torch.equal(x, x[:, :1] + torch.arange(5))
    assert x[:, 0].unique().tolist() == list(range(7))


def test_an_epoch_is_new_windows_that_the_seed_decides(monkeypatch):
    monkeypatch.setattr(char_gpt, "EVERY", 3)
    drawn = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        batches = char_gpt.Draws(torch.arange(1000), TINY)
        epochs = [list(batches), list(batches)]
        assert len(batches) == len(epochs[0]) == 3 and epochs[0][0].x.shape == (8, 13)
        drawn.append([x for batch in chain(*epochs) for x in batch.x[:, 0].tolist()])
    assert drawn[0] == drawn[1] != drawn[2]
    assert len(set(drawn[0])) > 40  # of 48 windows, no batch twice


def test_a_batch_is_drawn_before_the_last_one_is_over():
    torch.manual_seed(0)
    first, second, third = (char_gpt.random_windows(torch.arange(99), 8, 13) for _ in range(3))
    torch.manual_seed(0)
    batches = char_gpt.Draws(torch.arange(99), TINY)
    between = char_gpt.random_windows(torch.arange(99), 8, 13)  # by whoever looks before training
    drawn = iter(batches)
    assert all(map(torch.equal, (next(drawn).x, between.x, next(drawn).x), (first.x, second.x, third.x)))


def test_nats_are_the_mean_over_all_characters_without_dropout(monkeypatch):
    net = made(TINY._replace(dropout=0.5))
    net.train()
    windows = Batch(codes(131, 12), codes(131, 12, seed=1))  # more than one part, of different sizes
    found = char_gpt.nats(net, windows)
    log_p = net(windows.x).log_softmax(2).gather(2, windows.y[..., None])
    assert found == pytest.approx(-log_p.mean().item(), rel=1e-9)


def test_models_of_counts_are_those_of_a_counter():
    content = "".join(random.Random(0).choices("abc ", (5, 3, 1, 2), k=300))
    train, val = content[:270], content[270:]
    single, pairs = Counter(train), Counter(pairwise(train))
    before = Counter(train[:-1])
    unigram = [-math.log((single[c] + 1) / (270 + 4)) for c in val]
    bigram = [-math.log((pairs[a, b] + 1) / (before[a] + 4)) for a, b in pairwise(val)]
    found = char_gpt.counted(*char_gpt.split(content))
    assert found["unigram"] == pytest.approx(sum(unigram) / len(unigram), rel=1e-6)
    assert found["bigram"] == pytest.approx(sum(bigram) / len(bigram), rel=1e-6)


# Training


def test_a_run_learns_what_pairs_of_characters_cannot_tell(monkeypatch):
    content = "aabb" * 500  # after an a comes an a or a b, which only the character before tells
    monkeypatch.setattr(char_gpt, "text", lambda: content)
    monkeypatch.setattr(char_gpt, "SETTINGS", {"tiny": TINY})
    monkeypatch.setattr(char_gpt, "EVERY", 100)
    run = char_gpt.one_run("tiny", seed=0)
    bigram = char_gpt.counted(*char_gpt.split(content))["bigram"]
    first = math.log(2) / TINY.context  # at a window's first character nothing is known
    assert bigram == pytest.approx(math.log(2), abs=0.01)
    assert run["val"] == pytest.approx(first, abs=0.01)
    assert (run["val_random"], run["train_random"]) == pytest.approx((run["val"], run["val"]), abs=0.01)
    assert run["val_best"] <= run["val"] and run["val_random_best"] <= run["val_random"] and run["iterations"] == 600
    assert run["untrained"] == pytest.approx(math.log(2), abs=0.05)


def test_the_stored_runs_beat_the_models_of_counts():
    stored = data.result("char_gpt")
    assert stored["published"] == {"4 layers": 1.88, "6 layers": 1.4697}
    assert {name: round(value, 3) for name, value in stored["counted"].items()} == {"unigram": 3.347, "bigram": 2.482}
    for run in chain(*stored["runs"].values()):
        assert max(run["val"], run["val_random"], run["train_random"]) < stored["counted"]["bigram"] < run["untrained"]


def test_nanogpts_seed_gives_the_figures_that_its_log_ends_with():
    (run,) = (run for run in data.result("char_gpt")["runs"]["4 layers"] if run["seed"] == 1337)
    assert (round(run["train_random"], 3), round(run["val_random"], 3)) == (1.765, 1.886)


needs_the_text = pytest.mark.skipif(
    not data.available("shakespeare"), reason="the text is not in the cache folder (COURSE_DATA)"
)


@needs_the_text
def test_nanogpts_seed_gives_the_figures_that_its_log_begins_with():
    train, val, size = char_gpt.split(data.text())
    torch.manual_seed(1337)
    net, _ = GPT(size, SMALL), char_gpt.Draws(train, SMALL)
    found = [char_gpt.nats(net, char_gpt.random_windows(c, 20 * SMALL.batch, SMALL.context)) for c in (train, val)]
    assert found == pytest.approx([4.1676, 4.1649], abs=1e-4)


@needs_the_text
def test_counts_of_the_real_text_give_the_computed_figures():
    *parts, size = char_gpt.split(data.text())
    assert ([len(part) for part in parts], size) == ([1_003_854, 111_540], SIZE)
    found = char_gpt.counted(*parts, size)
    assert (round(found["unigram"], 3), round(found["bigram"], 3)) == (3.347, 2.482)
