"""Notebook 11's functions against numpy, scipy, torch's distributions and drawn strokes of known slant and width."""

from types import SimpleNamespace

import books
import numpy as np
import pytest
import torch
from scipy.spatial.distance import pdist
from torch.distributions import Categorical, kl_divergence

BOOK = SimpleNamespace(**books.definitions(books.of("11")))


def random(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def stroke(width, lean=0.0):
    """A straight stroke, (1, 1, 28, 28), `lean` columns to the right for each row upwards."""
    rows, columns = torch.meshgrid(torch.arange(28.0), torch.arange(28.0), indexing="ij")
    across = columns - 13.5 - lean * (13.5 - rows)
    inside = (width / 2 - across.abs()).clamp(0, 1) * ((rows >= 4) & (rows < 24))
    return inside[None, None]


@pytest.mark.parametrize("lean", [-0.5, 0.0, 0.3])
def test_slant_is_that_of_a_drawn_stroke(lean):
    assert BOOK.slant(stroke(4, lean)).item() == pytest.approx(lean, abs=0.03)


def test_stroke_width_follows_the_stroke_and_ink_its_area():
    thin, thick = (BOOK.style(stroke(width))[0] for width in (3, 6))
    assert thick[0] > 1.5 * thin[0]
    assert 1.5 < thick[2] / thin[2] < 2.5
    assert BOOK.style(stroke(3))[0, 0].item() == pytest.approx(stroke(3).mean().item())


def test_spread_within_classes_counts_classes_alike():
    x, y = random(60, 1, 2, 3), torch.arange(10).repeat_interleave(6)
    wanted = np.mean([pdist(x[y == k].flatten(1).numpy()).mean() for k in range(10)])
    assert BOOK.within(x, y).item() == pytest.approx(wanted)


def test_correlation_is_numpys():
    a, b = random(2000, 3), random(2000, 3, seed=1)
    b[:, 1] += a[:, 1]
    wanted = [np.corrcoef(p, q)[0, 1] for p, q in zip(a.T, b.T, strict=True)]
    torch.testing.assert_close(BOOK.correlation(a, b), torch.tensor(wanted), rtol=0.001, atol=1e-6)


def test_style_without_class_has_mean_zero_in_each_class():
    y = torch.arange(10).repeat_interleave(7)
    left = BOOK.without_class(random(70, 3) + y[:, None], y)
    assert max(left[y == k].mean(0).abs().max() for k in range(10)) < 1e-12


def test_unlabelled_bound_is_log_p_minus_the_divergence():
    bounds, log_q = 5 * random(40, 6), random(40, 6, seed=1).log_softmax(1)
    wanted = bounds.logsumexp(1) - kl_divergence(Categorical(logits=log_q), Categorical(logits=bounds))
    torch.testing.assert_close(BOOK.unlabelled(bounds, log_q), wanted)


def test_halves_fit_together_again():
    x = (random(3, 1, 28, 28) > 0).float()
    lower, upper = BOOK.halves(x)
    torch.testing.assert_close(BOOK.whole(lower, upper), x)


def test_condition_is_the_volume_in_the_column_of_the_class(monkeypatch):
    monkeypatch.setitem(BOOK.label.__globals__, "VOLUME", 3.0)
    c = BOOK.label(torch.tensor([2, 0]))
    assert c.shape == (2, 10)
    assert c.sum() == 6
    assert c[0, 2] == c[1, 0] == 3
