import base64
import hashlib
import io
import re
import time
from itertools import pairwise

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from PIL import Image

from course_lib import losses, plots, widgets
from course_lib.data import load, result, shipped
from course_lib.widgets import rate_distortion
from course_lib.widgets.frame import draw

BETAS = [0.1, 0.3, 1.0, 2.0, 4.0, 10.0, 30.0]
QUIET = 0.044  # CPU seconds for two empty axes on two cores with nothing else to do


@pytest.fixture(scope="module")
def x():
    return (load("digits", "test").batch().x > 0.5).float()


@pytest.fixture
def axes(monkeypatch):
    """The two axes that a picture is painted on."""
    found = Figure().subplots(1, 2)
    monkeypatch.setattr(rate_distortion, "draw", lambda paint, *size, columns: paint(*found))
    return found


def test_file_is_the_one_on_its_card():
    content = shipped("weights/rate_distortion.safetensors").read_bytes()
    card = shipped("weights/rate_distortion.md").read_text()
    assert hashlib.sha256(content).hexdigest() == re.search(r"sha256 `(\w+)`", card).group(1)
    rows = {float(b): (float(r), float(d)) for b, r, d in re.findall(r"\| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|", card)}
    assert list(rows) == BETAS
    for beta, pair in rate_distortion.curve().items():
        assert pair == pytest.approx(rows[beta], abs=0.006)


def test_stored_models_are_frozen_in_order_and_loaded_once():
    models = widgets.stored_models()
    assert models is widgets.stored_models()
    assert list(models) == BETAS
    assert not any(m.training or any(p.requires_grad for p in m.parameters()) for m in models.values())


@pytest.mark.parametrize("beta", BETAS)
def test_each_stored_model_has_the_rate_and_distortion_that_are_stored_for_it(beta, x):
    model, (rate, distortion) = widgets.stored_models()[beta], rate_distortion.curve()[beta]
    torch.manual_seed(0)
    draws = torch.stack([model.elbo(x).reconstruction for _ in range(10)])
    assert losses.kl_diagonal_normals(*model.encoder(x)).mean().item() == pytest.approx(rate, abs=1e-3)
    error = (draws.var(0).mean() / len(x) * (1 / 10 + 1 / 20)).sqrt().item()  # of these ten draws and the stored twenty
    assert draws.mean().item() == pytest.approx(distortion, abs=4 * error)


def test_along_the_curve_rate_falls_and_distortion_rises():
    rates, distortions = zip(*rate_distortion.curve().values(), strict=True)
    assert list(rates) == sorted(rates, reverse=True)
    assert list(distortions) == sorted(distortions)


def test_each_seed_has_a_slope_between_the_two_weights_where_it_was_trained():
    """If D + βR is least at each β, then β₁ <= (D₂ - D₁) / (R₁ - R₂) <= β₂."""
    runs = result("rate_distortion")["runs"]
    for seeds in zip(*runs.values(), strict=True):
        for i, (low, high) in enumerate(pairwise(BETAS)):
            a, b = seeds[i], seeds[i + 1]
            assert low <= (b["distortion"] - a["distortion"]) / (a["rate"] - b["rate"]) <= high


def test_picture_marks_the_chosen_model_and_draws_its_slope(axes):
    widgets.rate_distortion_picture(4.0)
    curve, chosen, tangent = axes[0].lines
    np.testing.assert_allclose(curve.get_xydata(), list(rate_distortion.curve().values()))
    np.testing.assert_allclose(chosen.get_xydata()[0], rate_distortion.curve()[4.0])
    (x0, y0), (x1, y1) = tangent.get_xydata()
    assert (y1 - y0) / (x1 - x0) == pytest.approx(-4, rel=1e-5)
    assert ((x0 + x1) / 2, (y0 + y1) / 2) == pytest.approx(rate_distortion.curve()[4.0], rel=1e-5)


def test_picture_shows_images_their_copies_and_samples_of_the_chosen_model(axes, x):
    widgets.rate_distortion_picture(0.3)
    model, n = widgets.stored_models()[0.3], rate_distortion.SHOWN
    shown = axes[1].images[0].get_array()
    np.testing.assert_array_equal(shown[: 30 * 2 - 2], plots.grid(torch.cat([x[:n], model.reconstruct(x[:n])]), n))
    samples = model.sample(3 * n, generator=torch.Generator().manual_seed(0))
    np.testing.assert_array_equal(shown[60:], plots.grid(samples, n))


def test_picture_is_the_same_each_time_differs_by_beta_and_leaves_the_global_generator_alone():
    before = torch.random.get_rng_state()
    pictures = {beta: widgets.rate_distortion_picture(beta) for beta in BETAS}
    assert len(set(pictures.values())) == len(BETAS)
    assert pictures[1.0] == widgets.rate_distortion_picture(1.0)
    assert torch.equal(torch.random.get_rng_state(), before)
    width, height = Image.open(io.BytesIO(pictures[1.0])).size
    assert (width, height) == (688, 304)


def test_picture_of_another_beta_is_refused():
    with pytest.raises(ValueError, match=r"no stored model with β = 0.5; there are 0.1, 0.3, 1.0"):
        widgets.rate_distortion_picture(0.5)


def test_explorer_follows_its_slider_and_falls_back_on_a_picture():
    widget = widgets.rate_distortion_explorer()
    image, beta = widget.children
    assert [value for _, value in beta.options] == BETAS
    assert [label for label, _ in beta.options][:3] == ["0.1", "0.3", "1"]
    first = image.value
    assert first == widgets.rate_distortion_picture(1.0)
    beta.value = 10.0
    assert image.value == widgets.rate_distortion_picture(10.0) != first
    bundle = widget._repr_mimebundle_()
    assert base64.b64decode(bundle["image/png"]) == first
    assert "run the notebook" in bundle["text/plain"]


def cpu_seconds(function):
    started = time.process_time()
    function()
    return time.process_time() - started


def test_picture_takes_a_tenth_of_a_second_at_most():
    pairs = [
        (
            cpu_seconds(lambda: widgets.rate_distortion_picture(1.0)),
            cpu_seconds(lambda: draw(lambda *axes: None, *rate_distortion.SIZE, columns=2)),
        )
        for _ in range(9)
    ]
    least, empty = (min(times) for times in zip(*pairs, strict=True))
    assert least <= max(0.1, empty * 0.1 / QUIET)  # others at work on this machine slow both down
