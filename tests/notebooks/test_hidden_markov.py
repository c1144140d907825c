"""Notebook 06's hidden Markov functions against hmmlearn, on random models."""

from types import SimpleNamespace

import books
import numpy as np
import pytest
import torch
from hmmlearn.hmm import CategoricalHMM

BOOK = SimpleNamespace(**books.definitions(books.of("06")))
CLOSE = {"rtol": 0, "atol": 1e-8}

each_size = pytest.mark.parametrize(("states", "symbols"), [(1, 3), (2, 6), (4, 3), (5, 9)])


def random_model(states, symbols, *shape):
    """A model of the notebook with random tables; leading dimensions as given."""
    generator = torch.Generator().manual_seed(states)
    sizes = (states,), (states, states), (states, symbols)
    tables = [torch.rand(*shape, *size, generator=generator, dtype=torch.float64) + 0.05 for size in sizes]
    return BOOK.HMM(*map(BOOK.normalised, tables))


def sequences(symbols, n=6, length=30):
    return torch.randint(symbols, (n, length), generator=torch.Generator().manual_seed(symbols))


def hmmlearn(model, steps=0):
    """The same model in hmmlearn, to be fitted for a number of steps from there."""
    theirs = CategoricalHMM(len(model.start), n_iter=steps, tol=-np.inf, init_params="")
    theirs.n_features = model.emission.shape[1]
    theirs.startprob_, theirs.transmat_, theirs.emissionprob_ = (table.exp().numpy() for table in model)
    return theirs


def joined(x):
    """Sequences x (B, T) as hmmlearn takes them: one column, and the lengths."""
    return x.reshape(-1, 1).numpy(), [x.shape[1]] * len(x)


@each_size
def test_log_likelihood(states, symbols):
    model, x = random_model(states, symbols), sequences(symbols)
    theirs = [hmmlearn(model).score(row[:, None].numpy()) for row in x]
    torch.testing.assert_close(BOOK.log_likelihood(x, model), torch.tensor(theirs, dtype=torch.float64), **CLOSE)


@each_size
def test_posterior_of_states(states, symbols):
    model, x = random_model(states, symbols), sequences(symbols)
    theirs = torch.from_numpy(hmmlearn(model).predict_proba(*joined(x))).view(*x.shape, states)
    torch.testing.assert_close(BOOK.posterior_of_states(x, model), theirs, **CLOSE)


def log_p_of_path(x, path, model):
    moves = model.transition[path[:, :-1], path[:, 1:]].sum(1)
    return model.start[path[:, 0]] + moves + model.emission[path, x].sum(1)


@each_size
def test_viterbi_path_and_its_log_probability(states, symbols):
    model, x = random_model(states, symbols), sequences(symbols)
    path, log_p = BOOK.viterbi(x, model)
    values, theirs = zip(*(hmmlearn(model).decode(row[:, None].numpy()) for row in x), strict=True)
    torch.testing.assert_close(log_p, torch.tensor(values, dtype=torch.float64), **CLOSE)
    torch.testing.assert_close(log_p_of_path(x, path, model), log_p, **CLOSE)
    theirs = torch.from_numpy(np.stack(theirs))  # paths with the same moves in another order tie
    torch.testing.assert_close(log_p_of_path(x, theirs, model), log_p, **CLOSE)
    assert (path == theirs).all(1).any()


@each_size
@pytest.mark.parametrize("steps", [1, 2, 5])
def test_baum_welch_steps(states, symbols, steps):
    model, x = random_model(states, symbols), sequences(symbols)
    theirs = hmmlearn(model, steps).fit(*joined(x))
    for _ in range(steps):
        model, log_p = BOOK.baum_welch_step(x, model)
    tables = theirs.startprob_, theirs.transmat_, theirs.emissionprob_
    for ours, table in zip(model, tables, strict=True):
        torch.testing.assert_close(ours.exp(), torch.from_numpy(table), **CLOSE)
    assert log_p.item() == pytest.approx(theirs.monitor_.history[-1], abs=1e-8)


def test_a_single_observation():
    model = random_model(3, 4)
    x = torch.tensor([[2], [0]])
    theirs = [hmmlearn(model).score(row[:, None].numpy()) for row in x]
    torch.testing.assert_close(BOOK.log_likelihood(x, model), torch.tensor(theirs, dtype=torch.float64), **CLOSE)
    assert BOOK.viterbi(x, model)[0].tolist() == [[s] for s in (model.start + model.emission[:, x[:, 0]].T).argmax(1)]


def test_forbidden_moves_stay_forbidden():
    model = random_model(3, 4)
    transition = model.transition.exp()
    transition[0, 1] = transition[2, 0] = 0
    model, x = model._replace(transition=BOOK.normalised(transition)), sequences(4)
    theirs = hmmlearn(model, 5).fit(*joined(x))
    for _ in range(5):
        model, _ = BOOK.baum_welch_step(x, model)
    assert model.transition[0, 1] == model.transition[2, 0] == -torch.inf
    torch.testing.assert_close(model.transition.exp(), torch.from_numpy(theirs.transmat_), **CLOSE)


def test_several_models_at_once_are_as_each_alone():
    models, x = random_model(3, 4, 5), sequences(4)
    stepped, log_p = BOOK.baum_welch_step(x, models)
    path, best = BOOK.viterbi(x, models)
    for i in range(5):
        one = BOOK.HMM(*(table[i] for table in models))
        alone, value = BOOK.baum_welch_step(x, one)
        torch.testing.assert_close([table[i] for table in stepped], list(alone))
        torch.testing.assert_close(log_p[i], value)
        torch.testing.assert_close((path[i], best[i]), BOOK.viterbi(x, one))
