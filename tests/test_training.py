"""Training: against a hand-written loop, across interruptions of every kind, and with several players."""

import json
import math
import os
import resource
import signal
import subprocess
import sys
import time
from collections import Counter
from itertools import cycle, islice, pairwise
from pathlib import Path

import pytest
import torch
from faults import same
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.data import DataLoader, TensorDataset

from course_lib.data import Batch, Batches, load
from course_lib.runtime import seed_everything
from course_lib.training import History, Player, train, warmup_cosine
from course_lib.vae import VAE, negative_elbo


def numbers(n=24, features=3, dtype=torch.float32):
    """n points and the targets of a linear function with a little noise."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(n, features, generator=generator, dtype=dtype)
    noise = torch.randn(n, generator=generator, dtype=dtype)
    return x, x @ torch.arange(1, features + 1, dtype=dtype) - 0.5 + 0.1 * noise


def squared_error(net, batch):
    return {"loss": (net(batch.x).squeeze(1) - batch.y).square().mean()}


def linear(seed=0, dtype=torch.float32):
    torch.manual_seed(seed)
    return nn.Linear(3, 1, dtype=dtype)


def line(name="line", loss=squared_error, seed=0, **options):
    return Player(name, linear(seed), loss, **options)


def weights(net):
    return [p.detach().clone() for p in net.parameters()]


def contents(path):
    return torch.load(path, weights_only=True)


def quietly(players, batches, epochs, **options):
    return train(players, batches, epochs, progress=False, **options)


# It learns


def test_full_batch_descent_reaches_the_closed_form_of_linear_regression():
    x, y = numbers(dtype=torch.float64)
    player = Player("line", linear(dtype=torch.float64), squared_error, lr=0.1, optimizer=torch.optim.SGD)
    history = quietly(player, Batches((x, y), len(x)), 500)
    exact = torch.linalg.lstsq(torch.cat([x, torch.ones(len(x), 1, dtype=x.dtype)], 1), y).solution
    found = torch.cat([player.net.weight[0], player.net.bias]).detach()
    torch.testing.assert_close(found, exact, rtol=0, atol=1e-9)
    assert history["line.loss"][-1] < 0.02 < 1 < history["line.loss"][0]


def test_one_player_is_the_hand_written_loop_bit_for_bit():
    epochs, data = 3, numbers()
    player = line(lr=0.01)
    history = quietly(player, Batches(data, 5, seed=1), epochs)

    net, batches = linear(), Batches(data, 5, seed=1)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01, fused=True)
    losses = []
    for _ in range(epochs):
        total = 0
        for x, y in batches:
            loss = (net(x).squeeze(1) - y).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.detach()
        losses.append(float(total) / len(batches))
    assert same(weights(player.net), weights(net))
    assert same(player.optimizer.state_dict(), optimizer.state_dict())
    assert history["line.loss"] == losses


def test_the_optimizer_is_the_one_given():
    player = line(lr=0.1, optimizer=torch.optim.SGD)
    before = weights(player.net)
    gradients = torch.autograd.grad(squared_error(player.net, Batch(*numbers()))["loss"], list(player.net.parameters()))
    quietly(player, [numbers()], 1)
    assert same(weights(player.net), [p - 0.1 * g for p, g in zip(before, gradients, strict=True)])


def test_the_same_seed_gives_the_same_bits_and_another_one_does_not(tmp_path):
    files = [tmp_path / f"{i}.pt" for i in range(3)]
    for file, seed in zip(files, (0, 0, 1), strict=True):
        digits_run(2, seed=seed, checkpoint=file)
    first, second, other = map(contents, files)
    assert same(first, second)
    assert not same(first["players"], other["players"])


def test_networks_are_put_into_training_mode_each_epoch():
    player, modes = line(), []
    player.net.eval()

    def loss(net, batch):
        modes.append(net.training)
        return squared_error(net, batch)

    player.loss = loss
    quietly(player, [numbers()], 3, evaluate=lambda: player.net.eval() and {})
    assert modes == [True] * 3


# Turns


def recorded_game(*steps):
    """Players a, b, c … with these steps, and what each loss saw: its name, its samples, who requires grad."""
    seen, players = [], []

    def loss_of(name):
        def loss(net, batch):
            grads = {p.name: {w.requires_grad for w in p.net.parameters()} for p in players}
            seen.append((name, batch.x[:, 0].tolist(), grads))
            return squared_error(net, batch)

        return loss

    players += [line(name, loss_of(name), seed, steps=n) for seed, (name, n) in enumerate(zip("abc", steps))]  # noqa: B905
    return players, seen


@pytest.mark.parametrize(
    "steps, order", [((1,), "a"), ((1, 1), "ab"), ((5, 1), "aaaaab"), ((1, 2), "abb"), ((2, 1, 3), "aabccc")]
)
def test_players_move_in_turn_across_epochs(steps, order):
    players, seen = recorded_game(*steps)
    quietly(players, Batches(numbers(16), 4), 4)  # 16 moves, no multiple of a round of 3, 5 or 6
    assert [name for name, _, _ in seen] == list(islice(cycle(order), 16))


def test_each_step_is_on_a_fresh_batch():
    players, seen = recorded_game(2, 1)
    x, y = numbers(20)
    quietly(players, Batches((x, y), 4), 2)
    for epoch in (seen[:5], seen[5:]):
        drawn = [value for _, samples, _ in epoch for value in samples]
        assert sorted(drawn) == sorted(x[:, 0].tolist())


@pytest.mark.parametrize("steps", [(1, 1), (5, 1), (2, 1, 3)])
def test_only_the_player_whose_turn_it_is_requires_grad(steps):
    players, seen = recorded_game(*steps)
    quietly(players, Batches(numbers(16), 4), 3)
    for name, _, grads in seen:
        assert grads == {player.name: {player.name == name} for player in players}
    assert all(w.requires_grad for player in players for w in player.net.parameters())


def test_a_move_changes_no_other_player():
    a, b = line("a", seed=1), line("b", seed=2)
    b.loss = lambda net, batch: {"loss": (net(batch.x) - a.net(batch.x)).square().mean()}
    before_a, before_b = weights(a.net), weights(b.net)
    quietly([a, b], [numbers()], 1)
    after_a = weights(a.net)
    assert not same(after_a, before_a) and same(weights(b.net), before_b)
    quietly([b, a], [numbers()], 1)
    assert same(weights(a.net), after_a) and not same(weights(b.net), before_b)
    assert all(p.grad is not None for p in b.net.parameters())


def test_frozen_parameters_stay_frozen():
    torch.manual_seed(0)
    net, frozen_inside = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 1)), []
    net[0].requires_grad_(False)
    before = weights(net)

    def loss(net, batch):
        frozen_inside.append(not net[0].weight.requires_grad)
        return squared_error(net, batch)

    quietly([Player("a", net, loss), line("b")], Batches(numbers(), 4), 2)
    assert all(frozen_inside)
    assert [p.requires_grad for p in net.parameters()] == [False, False, True, True]
    assert same(weights(net[0]), before[:2])
    assert not same(weights(net[1]), before[2:])


def test_players_may_share_a_network():
    def size(net, batch):
        return {"loss": net(batch.x).square().mean()}

    net, batches = linear(), [Batch(*numbers())] * 4
    quietly([Player("a", net, squared_error), Player("b", net, size)], batches, 1)

    expected = linear()
    moves = [(loss, torch.optim.Adam(expected.parameters(), lr=1e-3, fused=True)) for loss in (squared_error, size)]
    for batch, (loss, optimizer) in zip(batches, cycle(moves), strict=False):
        optimizer.zero_grad()
        loss(expected, batch)["loss"].backward()
        optimizer.step()
    assert same(weights(net), weights(expected))
    assert all(p.requires_grad for p in net.parameters())


# History


def constant_loss(net, batch):
    """A loss whose value is the batch's first number, and a second part that is its square."""
    value = batch.x.flatten()[0]
    return {"loss": value + 0 * net.weight.sum(), "square": value**2}


def valued(*values):
    return [Batch(torch.full((2, 3), float(value)), None) for value in values]


def test_history_holds_the_mean_of_each_part_over_each_epoch():
    history = quietly(line("p", constant_loss), valued(1, 2, 6), 2)
    assert len(history) == 2 and not history.interrupted
    assert history["p.loss"] == [3, 3]
    assert history["p.square"] == [pytest.approx(41 / 3)] * 2
    assert [set(row) for row in history.rows] == [{"p.loss", "p.square", "seconds"}] * 2


def test_history_averages_each_player_over_its_own_moves():
    history = quietly([line("a", constant_loss, steps=2), line("b", constant_loss)], valued(1, 3, 5, 8), 2)
    # Moves: a1 a3 b5 a8 | a1 b3 a5 a8
    assert history["a.loss"] == [pytest.approx(4), pytest.approx(14 / 3)]
    assert history["b.loss"] == [5, 3]
    assert history["b.square"] == [25, 9]


def test_an_epoch_in_which_a_player_did_not_move_is_nan():
    history = quietly([line("a", constant_loss, steps=3), line("b", constant_loss)], valued(1, 4), 3)
    # Moves: a1 a4 | a1 b4 | a1 a4
    assert history["a.loss"] == [2.5, 1, 2.5]
    first, second, third = history["b.loss"]
    assert math.isnan(first) and second == 4 and math.isnan(third)


def test_an_unknown_key_is_answered_with_the_known_ones():
    history = quietly(line("p", constant_loss), valued(1), 1)
    with pytest.raises(KeyError, match=r"'vae\.loss' was not logged; there are p\.loss, p\.square, seconds"):
        history["vae.loss"]


def test_history_says_what_it_holds():
    assert repr(History()) == "History(0 epochs; nothing logged)"
    assert repr(History([{"p.loss": 1.23456}])) == "History(1 epochs; p.loss 1.235)"


def test_evaluate_is_called_without_gradients_after_each_epoch():
    player, calls = line(), []

    def evaluate():
        calls.append((torch.is_grad_enabled(), weights(player.net)))
        return {"error": torch.tensor(float(len(calls))), "half": 0.5}

    history = quietly(player, Batches(numbers(), 6), 3, evaluate=evaluate)
    assert [enabled for enabled, _ in calls] == [False] * 3 and torch.is_grad_enabled()
    assert history["error"] == [1, 2, 3] and history["half"] == [0.5] * 3
    assert same(calls[-1][1], weights(player.net))
    assert not same(calls[0][1], calls[1][1])


def test_seconds_are_the_duration_of_each_epoch():
    def slow(net, batch):
        time.sleep(0.05)
        return constant_loss(net, batch)

    started = time.perf_counter()
    seconds = quietly(line("p", slow), valued(1, 2), 2)["seconds"]
    assert all(value >= 0.1 for value in seconds)
    assert sum(seconds) <= time.perf_counter() - started


def test_a_bar_appears_in_a_long_run_only_and_can_be_turned_off(capsys):
    def slow(net, batch):
        time.sleep(0.3)
        return constant_loss(net, batch)

    train(line("p", constant_loss), valued(1, 2), 2)
    quietly(line("p", slow), valued(1, 2, 3, 4, 5), 1)
    assert capsys.readouterr().out == ""
    train(line("p", slow), valued(1, 2, 3, 4, 5), 1)
    assert "epoch 1/1" in capsys.readouterr().out


# Schedule


def test_warmup_cosine_rises_to_one_and_falls_to_zero():
    factor = warmup_cosine(0.1)
    assert [factor(t) for t in (0, 0.05, 0.1, 0.55, 1)] == pytest.approx([0, 0.5, 1, 0.5, 0], abs=1e-12)
    grid = [factor(t / 1000) for t in range(1001)]
    assert all(a < b for a, b in pairwise(grid[:101])) and all(a > b for a, b in pairwise(grid[100:]))
    assert warmup_cosine(0)(0) == 1
    assert warmup_cosine()(0.1) == pytest.approx(1)


@pytest.mark.parametrize("warmup", [-0.1, 1, 1.5, float("nan")])
def test_warmup_is_a_share(warmup):
    with pytest.raises(ValueError, match=r"give a share in \[0, 1\)"):
        warmup_cosine(warmup)


def test_the_optimizer_sees_the_scheduled_rate_at_each_step():
    players, seen = [line("a", lr=0.1, steps=2), line("b", lr=10.0)], []
    for p in players:
        p.optimizer.register_step_pre_hook(lambda optimizer, *_: seen.append(optimizer.param_groups[0]["lr"]))
    quietly(players, Batches(numbers(16), 4), 2, schedule=warmup_cosine(0.25))  # 8 moves, a a b a a b a a
    halves = [math.cos(math.pi * k / 12) ** 2 for k in range(6)]  # (1 + cos 2t) / 2 = cos² t
    factors = [0, 0.5, *halves]
    rates = [0.1, 0.1, 10, 0.1, 0.1, 10, 0.1, 0.1]
    assert seen == pytest.approx([factor * rate for factor, rate in zip(factors, rates, strict=True)], abs=1e-12)


def test_players_know_the_progress_before_each_move():
    players, seen = [line("a", steps=2), line("b")], []
    for p in players:
        p.register_forward_pre_hook(lambda p, *_: seen.append((p.name, p.progress)))
    quietly(players, Batches(numbers(16), 4), 2)
    assert seen == [(name, i / 8) for i, name in enumerate("aabaabaa")]


def test_without_a_schedule_the_rate_is_constant():
    player, seen = line(lr=0.3), []
    player.optimizer.register_step_pre_hook(lambda optimizer, *_: seen.append(optimizer.param_groups[0]["lr"]))
    quietly(player, Batches(numbers(16), 4), 2)
    assert seen == [0.3] * 8


# Reading losses


def tracked(net, batch):
    parts = squared_error(net, batch)
    return parts | {"penalty": parts["loss"].detach()}


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("part", ["loss", "penalty"])
def test_a_loss_that_is_not_finite_names_player_epoch_and_part(value, part, tmp_path):
    moves = []

    def loss(net, batch):
        moves.append(1)
        parts = tracked(net, batch)
        return parts | {part: parts[part] + value} if len(moves) == 6 else parts

    players = [line("fine"), line("bad", loss)]
    stopped, good = tmp_path / "stopped.pt", tmp_path / "good.pt"
    with pytest.raises(FloatingPointError, match=f"player 'bad', epoch 3: {part} is {value}. Try a smaller lr"):
        quietly(players, Batches(numbers(16), 4), 5, checkpoint=stopped)  # "bad" moves twice an epoch
    quietly([line("fine"), line("bad", tracked)], Batches(numbers(16), 4), 2, checkpoint=good)
    assert same(contents(stopped), contents(good))
    assert all(p.requires_grad for player in players for p in player.net.parameters())


class Reads(TorchDispatchMode):
    """Counts how often a tensor's value is handed to Python: item, float, bool, int and comparisons in `if`."""

    count = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.count += "_local_scalar_dense" in str(function)
        return function(*args, **(kwargs or {}))


def reads(steps, loss=tracked):
    player = line(loss=loss, optimizer=torch.optim.SGD)  # Adam reads its own step counter
    with Reads() as mode:
        quietly(player, [Batch(*numbers())] * steps, 1, schedule=warmup_cosine())
    return mode.count


def test_losses_are_read_once_an_epoch_never_inside_a_step():
    assert reads(3) == reads(30) == 0  # the two parts are read together, at the end, in one transfer

    def reading(net, batch):
        parts = tracked(net, batch)
        return parts if float(parts["loss"].detach()) >= 0 else {}

    assert reads(30, reading) == 30  # so the count does see a read


# Moving averages


def test_the_average_follows_weights_and_buffers_by_the_recursion():
    net = nn.Sequential(linear(), nn.BatchNorm1d(1))
    player, expected = Player("a", net, squared_error, lr=0.1, ema=0.75), None
    for _ in range(6):
        quietly(player, [numbers()], 1)
        now = [value.detach().clone() for value in (*net.parameters(), net[1].running_mean, net[1].running_var)]
        pairs = zip(expected or now, now, strict=True)
        expected = [0.75 * average + 0.25 * value for average, value in pairs]
    average = player.average.module
    torch.testing.assert_close([*average.parameters(), average[1].running_mean, average[1].running_var], expected)
    assert not torch.equal(expected[0], now[0])


def test_an_average_changes_nothing_else():
    plain, averaged = line(), line(ema=0.9)
    for player in (plain, averaged):
        quietly(player, Batches(numbers(), 5), 2)
    assert all(map(torch.equal, weights(plain.net), weights(averaged.net)))
    assert plain.average is None and not any(p.requires_grad for p in averaged.average.parameters())


def test_a_checkpoint_without_the_average_is_refused(tmp_path):
    quietly(line(), [numbers()], 1, checkpoint=tmp_path / "run.pt")
    with pytest.raises(ValueError, match="networks of another form"):
        quietly(line(ema=0.9), [numbers()], 2, checkpoint=tmp_path / "run.pt", resume=True)


# Checkpoints


def digits_run(epochs, seed=0, loss=negative_elbo, **options):
    """A small VAE on digits: its loss draws random numbers."""
    seed_everything(seed)
    player = Player("vae", VAE(latent_dim=4), loss)
    batches = Batches(load("digits").take(250), 64, seed=seed)
    return quietly(player, batches, epochs, **options)


def two_player_run(epochs, seed=0, **options):
    """Moves that are not aligned with epochs, a batch norm (a buffer), momentum, and a shuffled DataLoader."""
    seed_everything(seed)
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 1))
    momentum = lambda parameters, lr: torch.optim.SGD(parameters, lr=lr, momentum=0.9)  # noqa: E731
    players = [Player("a", net, squared_error, steps=2), line("b", seed=seed, optimizer=momentum)]
    return quietly(players, DataLoader(TensorDataset(*numbers()), 7, shuffle=True), epochs, **options)


def averaging_run(epochs, seed=0, **options):
    """A moving average, of a batch norm's buffers as well."""
    seed_everything(seed)
    player = Player("a", nn.Sequential(linear(seed), nn.BatchNorm1d(1)), squared_error, ema=0.9)
    return quietly(player, Batches(numbers(), 5, seed=seed), epochs, **options)


@pytest.mark.parametrize("run", [digits_run, two_player_run, averaging_run])
def test_a_resumed_run_is_the_straight_one_bit_for_bit(run, tmp_path):
    straight, parts = tmp_path / "straight.pt", tmp_path / "parts.pt"
    expected = run(4, checkpoint=straight)
    run(2, checkpoint=parts)
    assert not same(contents(parts), contents(straight))
    history = run(4, seed=99, checkpoint=parts, resume=True)  # other weights, seeds, order: all come from the file
    assert same(contents(parts), contents(straight))
    assert same(history.rows, expected.rows) and len(history) == 4


def test_the_networks_and_optimizers_are_what_the_checkpoint_says(tmp_path):
    player = line()
    history = quietly(player, Batches(numbers(), 5), 2, checkpoint=str(tmp_path / "folder" / "run.pt"))
    stored = contents(tmp_path / "folder" / "run.pt")
    assert same(stored["players"]["line"]["net"], dict(player.net.state_dict()))
    assert same(stored["players"]["line"]["optimizer"], player.optimizer.state_dict())
    assert stored["rows"] == history.rows
    assert os.listdir(tmp_path / "folder") == ["run.pt"]


def test_resuming_a_finished_run_changes_nothing(tmp_path):
    file = tmp_path / "run.pt"
    expected = digits_run(2, checkpoint=file)
    before = file.read_bytes()
    assert digits_run(2, seed=5, checkpoint=file, resume=True).rows == expected.rows
    assert file.read_bytes() == before


def test_without_a_file_resume_starts_anew(tmp_path):
    a, b = tmp_path / "a.pt", tmp_path / "b.pt"
    digits_run(1, checkpoint=a, resume=True)
    digits_run(1, checkpoint=b)
    assert same(contents(a), contents(b))


def test_without_resume_the_file_is_replaced(tmp_path):
    a, b = tmp_path / "a.pt", tmp_path / "b.pt"
    digits_run(2, seed=3, checkpoint=a)
    assert len(digits_run(1, checkpoint=a)) == 1
    digits_run(1, checkpoint=b)
    assert same(contents(a), contents(b))


KILLED = """
import os, signal, sys
from pathlib import Path
import torch
from test_training import digits_run, negative_elbo, warmup_cosine
checkpoint, moment = sys.argv[1:]
count, save = 0, torch.save

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def loss(net, batch):
    global count
    count += 1
    if moment == "step" and count == 10:
        die()
    return negative_elbo(net, batch)

def save_half(state, path):
    save(state, path)
    if len(state["rows"]) == 3:
        Path(path).write_bytes(Path(path).read_bytes()[:5000])
        die()

if moment == "write":
    torch.save = save_half
digits_run(4, loss=loss, checkpoint=checkpoint, schedule=warmup_cosine())
"""


def import_paths():
    """PYTHONPATH of a process that imports tests, the package and the benchmarks as the tests do."""
    root = Path(__file__).resolve().parents[1]
    return os.pathsep.join([*map(str, (root / "tests", root, root / "benchmarks")), os.environ["PYTHONPATH"]])


def child(script, *arguments, **options):
    threads = str(torch.get_num_threads())  # sums in another order differ in their last bits
    environment = os.environ | {"PYTHONPATH": import_paths(), "OMP_NUM_THREADS": threads}
    return subprocess.Popen([sys.executable, "-c", script, *map(str, arguments)], env=environment, **options)


@pytest.mark.parametrize("moment", ["step", "write"])
def test_a_killed_run_is_resumed_to_the_straight_one(moment, tmp_path):
    straight, killed = tmp_path / "straight.pt", tmp_path / "killed.pt"
    process = child(KILLED, killed, moment)
    digits_run(4, checkpoint=straight, schedule=warmup_cosine())
    assert process.wait(timeout=120) == -signal.SIGKILL
    assert len(contents(killed)["rows"]) == 2  # killed in the third epoch
    digits_run(4, seed=99, checkpoint=killed, resume=True, schedule=warmup_cosine())
    assert same(contents(killed), contents(straight))


def test_a_checkpoint_that_cannot_be_written_leaves_the_old_one(tmp_path):
    file = tmp_path / "run.pt"
    digits_run(1, checkpoint=file)
    before = file.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, hard))  # as if the disk were full
    try:
        with pytest.raises((OSError, RuntimeError)):
            digits_run(2, checkpoint=file, resume=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert file.read_bytes() == before
    assert os.listdir(tmp_path) == ["run.pt"]


class Trap:
    """What a hostile pickle looks like: loading it without `weights_only` makes a folder."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


def change_a_weight(path):
    stored = bytearray(path.read_bytes())
    weight = contents(path)["players"]["line"]["net"]["weight"].numpy().tobytes()
    stored[stored.index(weight)] ^= 1
    path.write_bytes(stored)


DAMAGES = {
    "one bit differs": change_a_weight,
    "empty": lambda path: path.write_bytes(b""),
    "truncated": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "without its end": lambda path: path.write_bytes(path.read_bytes()[:-100]),
    "text": lambda path: path.write_text("epoch 3\n"),
    "another thing": lambda path: torch.save([1, 2], path),
    "weights alone": lambda path: torch.save({"net.weight": torch.zeros(3)}, path),
    "code": lambda path: torch.save({"players": Trap(str(path.parent / "sprung"))}, path),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_checkpoint_is_refused_by_name_and_runs_nothing(damage, tmp_path):
    file = tmp_path / "run.pt"
    quietly(line(), [numbers()], 1, checkpoint=file)
    damage(file)
    player = line()
    before = weights(player.net)
    with pytest.raises(ValueError, match=r"run\.pt is not a readable checkpoint .*; remove it"):
        quietly(player, [numbers()], 2, checkpoint=file, resume=True)
    assert same(weights(player.net), before)
    assert os.listdir(tmp_path) == ["run.pt"]


@pytest.mark.parametrize("names", [["b"], ["a", "b"], []], ids=str)
def test_a_checkpoint_of_other_players_is_refused(names, tmp_path):
    file = tmp_path / "run.pt"
    quietly([line("a"), line("c")], [numbers()], 1, checkpoint=file)
    players = [line(name) for name in names] or [line("c"), line("a")]
    with pytest.raises(ValueError, match=r"run\.pt holds players \['a', 'c'\], not "):
        quietly(players, [numbers()], 2, checkpoint=file, resume=True)


def test_a_checkpoint_of_networks_of_another_shape_is_refused(tmp_path):
    file = tmp_path / "run.pt"
    quietly(line(), [numbers()], 1, checkpoint=file)
    wider = Player("line", nn.Linear(3, 2), squared_error)
    with pytest.raises(ValueError, match=r"run\.pt holds networks of another form"):
        quietly(wider, [numbers()], 2, checkpoint=file, resume=True)


def test_a_checkpoint_made_with_other_batches_resumes(tmp_path):
    file = tmp_path / "run.pt"
    quietly(line(), [numbers()], 1, checkpoint=file)
    assert len(quietly(line(), Batches(numbers(), 64), 2, checkpoint=file, resume=True)) == 2


# Ctrl-C


def test_an_interrupt_ends_training_and_keeps_what_was_learned(tmp_path, capsys):
    steps = []

    def loss(net, batch):
        steps.append(1)
        if len(steps) == 8:  # "a" moves four times an epoch: its last move of the second
            raise KeyboardInterrupt
        return squared_error(net, batch)

    player, other = line("a", loss), line("b")
    file = tmp_path / "run.pt"
    history = quietly([player, other], Batches(numbers(16), 2), 5, checkpoint=file)
    assert history.interrupted and len(history) == 1
    assert "Stopped in epoch 2" in capsys.readouterr().out
    assert len(contents(file)["rows"]) == 1
    assert all(p.requires_grad for who in (player, other) for p in who.net.parameters())

    expected, partner = line("a"), line("b")
    optimizers = {p: torch.optim.Adam(p.net.parameters(), lr=1e-3, fused=True) for p in (expected, partner)}
    batches = Batches(numbers(16), 2)
    moves = [batch for _ in range(2) for batch in batches][:14]
    for mover, batch in zip(cycle([expected, partner]), moves, strict=False):
        optimizers[mover].zero_grad()
        squared_error(mover.net, batch)["loss"].backward()
        optimizers[mover].step()
    assert same(weights(player.net), weights(expected.net)) and same(weights(other.net), weights(partner.net))


INTERRUPTED = """
import json, signal, sys, time
from test_training import Batches, line, numbers, quietly, squared_error
signal.signal(signal.SIGINT, signal.default_int_handler)
count = 0

def loss(net, batch):
    global count
    count += 1
    if count == 6:
        print("ready", flush=True)
    time.sleep(0.005)
    return squared_error(net, batch)

players = [line("a", loss), line("b", loss)]
history = quietly(players, Batches(numbers(16), 4), 10_000, checkpoint=sys.argv[1])
free = all(p.requires_grad for player in players for p in player.net.parameters())
print(json.dumps({"interrupted": history.interrupted, "epochs": len(history), "free": free, "count": count}))
"""


def test_a_real_sigint_ends_training_and_the_program_goes_on(tmp_path):
    process = child(INTERRUPTED, tmp_path / "run.pt", stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    message, result = out.splitlines()
    result = json.loads(result)
    assert process.returncode == 0 and result["interrupted"] and result["free"]
    assert 1 <= result["epochs"] <= result["count"] // 4 < 10_000
    assert message == f"Stopped in epoch {result['epochs'] + 1}; what was learned is kept."
    assert len(contents(tmp_path / "run.pt")["rows"]) in (result["epochs"], result["epochs"] - 1)


def test_other_errors_of_a_loss_come_through_and_all_can_train_again():
    def broken(net, batch):
        raise RuntimeError("shapes differ")

    players = [line("a"), line("b", broken)]
    with pytest.raises(RuntimeError, match="shapes differ"):
        quietly(players, Batches(numbers(), 4), 1)
    assert all(p.requires_grad for player in players for p in player.net.parameters())


# Stand-ins and wrappers


def test_a_data_loader_stands_in_for_batches():
    data = numbers()
    loader = DataLoader(TensorDataset(*data), batch_size=5)
    a, b = line(), line()
    history = quietly(a, loader, 3)
    other = quietly(b, [Batch(x, y) for x, y in zip(data[0].split(5), data[1].split(5), strict=True)], 3)
    assert same(weights(a.net), weights(b.net)) and same(history.rows, other.rows)


def test_wrap_is_applied_once_to_each_player():
    players, calls = [line("a", steps=3), line("b", steps=2)], []

    def wrap(player):
        calls.append(player)

        def forward(batch):
            used[player.name] += 1
            return player(batch)

        return forward

    used = Counter()
    quietly(players, Batches(numbers(20), 2), 1, wrap=wrap)
    assert calls == players
    assert used == {"a": 6, "b": 4}


def test_a_compiled_player_learns_the_same_weights():
    graphs = []

    def eager(graph, inputs):
        graphs.append(graph)
        return graph

    runs = []
    for wrap in (None, lambda player: torch.compile(player, backend=eager)):
        players = [line("a", seed=1, steps=2), line("b", seed=2)]
        history = quietly(players, Batches(numbers(), 5), 2, wrap=wrap)
        runs.append((weights(players[0].net), weights(players[1].net), history.rows))
    assert same(*runs)
    assert graphs


# Bad input


@pytest.mark.parametrize(
    "options, message",
    [
        ({"lr": 0}, "lr 0 and steps 1"),
        ({"lr": -1e-3}, "lr -0.001"),
        ({"lr": math.nan}, "lr nan"),
        ({"steps": 0}, "steps 0"),
        ({"steps": -2}, "steps -2"),
        ({"net": nn.ReLU()}, "player 'p' has no parameter that requires grad"),
        ({"net": nn.Linear(3, 1).requires_grad_(False)}, "no parameter that requires grad"),
    ],
)
def test_a_player_refuses_bad_input(options, message):
    with pytest.raises(ValueError, match=message):
        Player(**{"name": "p", "net": linear(), "loss": squared_error} | options)


@pytest.mark.parametrize(
    "players, batches, epochs",
    [
        ([], [numbers()], 1),
        ([line("a"), line("a")], [numbers()], 1),
        (line(), [], 1),
        (line(), [numbers()], 0),
        (line(), [numbers()], -1),
    ],
    ids=["no players", "equal names", "no batches", "no epochs", "negative epochs"],
)
def test_train_refuses_bad_input(players, batches, epochs):
    with pytest.raises(ValueError, match="give at least one player, names that differ, at least one batch"):
        quietly(players, batches, epochs)


@pytest.mark.parametrize(
    "returned",
    [
        lambda loss: loss,
        lambda loss: None,
        lambda loss: {},
        lambda loss: {"total": loss},
        lambda loss: {"loss": loss.detach().item()},
        lambda loss: {"loss": loss.expand(4)},
        lambda loss: {"loss": loss, "part": loss.expand(4)},
        lambda loss: {"loss": loss, "part": 0.5},
    ],
    ids=["tensor", "None", "empty", "no loss", "float", "per sample", "part per sample", "part float"],
)
def test_a_loss_that_returns_something_else_is_refused(returned):
    player = line("p", lambda net, batch: returned(squared_error(net, batch)["loss"]))
    with pytest.raises(ValueError, match=r"the loss of player 'p' returns .*; give \{'loss': …"):
        quietly(player, [numbers()], 1)
