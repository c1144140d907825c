import base64
import hashlib
import io
import re
import statistics
import time

import ipywidgets
import nbclient
import nbconvert
import nbformat
import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from PIL import Image, ImageDraw, ImageFont
from scipy import stats
from torch import distributions as D

from course_lib import losses, metrics, plots, widgets
from course_lib.data import result, shipped, toy
from course_lib.display import with_fallback
from course_lib.text import TextVAE, Vocabulary
from course_lib.vae import VAE
from course_lib.widgets import divergence, frame, latent, optimisers, playground, theatre

VIEW = "application/vnd.jupyter.widget-view+json"


@pytest.fixture(scope="module")
def model():
    """A small VAE whose pictures depend clearly on z."""
    torch.manual_seed(0)
    vae = VAE(latent_dim=3, hidden=(16,))
    with torch.no_grad():
        for parameter in vae.parameters():
            parameter.mul_(3)
    return vae


@pytest.fixture
def explorer(model):
    return Explorer(model, dims=[2, 0])


class Explorer:
    """The parts of a latent explorer, by name."""

    def __init__(self, *args, **kwargs):
        self.widget = widgets.latent_explorer(*args, **kwargs)
        self.image, controls = self.widget.children
        *self.sliders, buttons = controls.children
        self.another, self.origin = buttons.children

    def values(self):
        return [slider.value for slider in self.sliders]


def pixels(picture):
    return np.asarray(Image.open(io.BytesIO(picture)))


def test_latent_picture_is_the_image_decoded_by_hand(model):
    z = torch.tensor([0.5, -1.0, 2.0])
    with torch.no_grad():
        image = (model.decoder(z[None]).sigmoid()[0, 0] * 255).round().byte().numpy()
    picture = pixels(widgets.latent_picture(model, z, scale=3))
    np.testing.assert_array_equal(picture, image.repeat(3, 0).repeat(3, 1))


def test_traversal_picture_is_the_rows_decoded_by_hand(model):
    z, dims, steps = torch.tensor([0.5, -1.0, 2.0]), [2, 0], 5
    picture = pixels(widgets.traversal_picture(model, z, dims, steps, scale=1))
    assert picture.shape == (2 * 28 + 2, 5 * 28 + 4 * 2)
    for row, dim in enumerate(dims):
        for column, value in enumerate((-3, -1.5, 0, 1.5, 3)):
            at = z.clone()
            at[dim] = value
            cell = picture[row * 30 : row * 30 + 28, column * 30 : column * 30 + 28]
            np.testing.assert_array_equal(cell, plots.grid(model.decode(at[None])))
    assert z.tolist() == [0.5, -1.0, 2.0]


def test_pictures_have_the_size_asked_for_and_are_the_same_each_time(model):
    z = torch.ones(3)
    for draw, size in (
        (lambda: widgets.latent_picture(model, z), (224, 224)),
        (lambda: widgets.traversal_picture(model, z, [0, 1, 2]), (2 * (7 * 30 - 2), 2 * (3 * 30 - 2))),
    ):
        assert pixels(draw()).shape[::-1] == size
        assert draw() == draw()


@pytest.mark.parametrize("dim", [0, 1, 2])
def test_moving_a_coordinate_that_the_decoder_uses_changes_the_picture(model, dim):
    z = torch.zeros(3)
    z[dim] = 1
    assert widgets.latent_picture(model, z) != widgets.latent_picture(model, torch.zeros(3))


@pytest.mark.parametrize("shape", [(2,), (1, 3), ()])
def test_latent_picture_refuses_another_shape_of_z(model, shape):
    with pytest.raises(ValueError, match=r"this model has z of shape \(3,\)"):
        widgets.latent_picture(model, torch.zeros(shape))


def test_pictures_of_the_published_size_take_a_tenth_of_a_second_at_most():
    model, z = VAE(), torch.zeros(20)
    for draw in (lambda: widgets.latent_picture(model, z), lambda: widgets.traversal_picture(model, z, range(6))):
        draw()
        assert statistics.median(cpu_seconds(draw) for _ in range(9)) <= 0.1


def cpu_seconds(function):
    started = time.process_time()
    function()
    return time.process_time() - started


def test_active_dims_are_those_whose_mean_varies_most():
    model = VAE(latent_dim=4, encoder=lambda x: (x.flatten(1) * torch.tensor([1.0, 0.0, 3.0, 2.0]) + 5, None))
    x = torch.randn(100, 1, 2, 2, generator=torch.Generator().manual_seed(0))
    assert widgets.active_dims(model, x, 3) == [2, 3, 0]
    assert widgets.active_dims(model, x) == [2, 3, 0, 1]


def test_sliders_redraw_the_image_from_their_values(model, explorer):
    explorer.origin.click()
    explorer.sliders[0].value = 1.5
    explorer.sliders[1].value = -2.0
    assert explorer.image.value == widgets.latent_picture(model, torch.tensor([-2.0, 0, 1.5]))
    explorer.sliders[0].value = -1.5
    assert explorer.image.value == widgets.latent_picture(model, torch.tensor([-2.0, 0, -1.5]))


def test_sliders_name_their_coordinates_and_reach_three_deviations(explorer):
    assert [(s.description, s.min, s.max) for s in explorer.sliders] == [("z[2]", -3, 3), ("z[0]", -3, 3)]


def test_first_image_is_that_of_the_sliders(model, explorer):
    z = torch.randn(3, generator=torch.Generator().manual_seed(0))
    z[[2, 0]] = torch.tensor(explorer.values())
    assert explorer.image.value == widgets.latent_picture(model, z)


def test_origin_sets_all_coordinates_to_zero_those_without_a_slider_too(model, explorer):
    explorer.origin.click()
    assert explorer.values() == [0, 0]
    assert explorer.image.value == widgets.latent_picture(model, torch.zeros(3))


def test_another_z_moves_sliders_and_image_and_is_the_same_for_a_seed(model, explorer):
    seen = {explorer.image.value}
    for _ in range(3):
        explorer.another.click()
        seen.add(explorer.image.value)
    assert len(seen) == 4
    twin = Explorer(model, dims=[2, 0])
    for _ in range(3):
        twin.another.click()
    assert (twin.values(), twin.image.value) == (explorer.values(), explorer.image.value)
    assert Explorer(model, dims=[2, 0], seed=1).values() != Explorer(model, dims=[2, 0]).values()


def test_buttons_draw_once_though_they_set_several_sliders(explorer, monkeypatch):
    drawn = []
    monkeypatch.setattr("course_lib.widgets.latent.latent_picture", lambda model, z: drawn.append(z.clone()) or b"")
    for button in (explorer.another, explorer.origin):
        drawn.clear()
        button.click()
        assert len(drawn) == 1
    explorer.sliders[0].value = 1.0
    assert len(drawn) == 2


def test_default_dims_are_the_first_six_or_all(model):
    assert len(Explorer(model).sliders) == 3
    assert [s.description for s in Explorer(VAE(8, hidden=(4,))).sliders] == [f"z[{d}]" for d in range(6)]


@pytest.mark.parametrize("dims", [[], [3], [-1], [0, 7]])
def test_explorer_refuses_coordinates_that_the_model_has_not(model, dims):
    with pytest.raises(ValueError, match="give coordinates from 0 to 2"):
        widgets.latent_explorer(model, dims)


def test_bundle_has_the_view_the_text_and_the_picture():
    widget = with_fallback(ipywidgets.HTML(), "Run it.", b"a picture")
    bundle = widget._repr_mimebundle_(include=None, exclude=None)
    assert bundle[VIEW]["model_id"] == widget.model_id
    assert bundle["text/plain"] == "Run it."
    assert base64.b64decode(bundle["image/png"]) == b"a picture"
    assert widget._ipython_display_ is None  # ipywidgets 7 would display itself, without the fallback
    assert set(with_fallback(ipywidgets.HTML(), "Run it.")._repr_mimebundle_()) == {VIEW, "text/plain"}


def test_explorer_falls_back_on_the_traversal(model, explorer):
    start = torch.randn(3, generator=torch.Generator().manual_seed(0))
    bundle = explorer.widget._repr_mimebundle_()
    assert base64.b64decode(bundle["image/png"]) == widgets.traversal_picture(model, start, [2, 0])
    assert "run the notebook" in bundle["text/plain"]


def test_fallback_survives_the_export_of_a_notebook_without_widget_state(tmp_path):
    sources = (
        "import torch; from course_lib import vae, widgets; _ = torch.manual_seed(0)",
        "widgets.latent_explorer(vae.VAE(2, (8,)))",
    )
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    resources = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(book, timeout=120, store_widget_state=False, resources=resources).execute()
    (output,) = book.cells[1].outputs
    assert {VIEW, "image/png", "text/plain"} <= set(output.data)
    assert "widgets" not in book.metadata
    page, _ = nbconvert.HTMLExporter().from_notebook_node(book)
    shown = re.findall(r'<img[^>]*src="data:image/png;base64,([^"]+)"', page)
    assert [base64.b64decode(picture) for picture in shown] == [base64.b64decode(output.data["image/png"])]


# --- the latent explorer of sentences ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def writer():
    """A small VAE of sentences whose sentences depend clearly on z."""
    torch.manual_seed(1)
    vae = TextVAE(Vocabulary([f"word{i}" for i in range(30)]), latent_dim=3, embedding=8, hidden=16)
    with torch.no_grad():
        for parameter in vae.parameters():
            parameter.mul_(3)
    return vae


class Says(torch.nn.Module):
    """A model that says the same whatever z is."""

    latent_dim = 2

    def __init__(self, *sentences):
        super().__init__()
        self.sentences, self.unused = list(sentences), torch.nn.Parameter(torch.zeros(1))

    def decode(self, z):
        return (self.sentences * len(z))[: len(z)]


def written_by_hand(*lines):
    from matplotlib import font_manager

    font = ImageFont.truetype(font_manager.findfont("DejaVu Sans"), 14)
    sheet = Image.new("L", (480, 20 * len(lines) + 10), 255)
    for i, line in enumerate(lines):
        ImageDraw.Draw(sheet).text((10, 5 + 20 * i), line, 0, font)
    return np.asarray(sheet)


def test_picture_of_a_sentence_is_black_text_on_white():
    picture = pixels(widgets.latent_picture(Says("the dog sleeps"), torch.zeros(2)))
    np.testing.assert_array_equal(picture, written_by_hand("the dog sleeps"))
    assert picture.min() == 0 and picture.max() == 255


def test_long_sentences_are_wrapped_and_empty_ones_keep_their_line():
    long = "some small whales that a loud crab follows see the grey seals under the waves"
    picture = pixels(widgets.latent_picture(Says(long), torch.zeros(2)))
    lines = "some small whales that a loud crab follows see the grey", "seals under the waves"
    np.testing.assert_array_equal(picture, written_by_hand(*lines))
    empty = pixels(widgets.latent_picture(Says(""), torch.zeros(2)))
    assert empty.shape == (30, 480) and empty.min() == 255
    widest = pixels(widgets.latent_picture(Says(("m" * 30 + " ") * 3), torch.zeros(2)))
    assert (widest[:, -1] == 255).all()


def test_traversal_of_sentences_is_a_paragraph_for_each_coordinate(writer, monkeypatch):
    written = []
    monkeypatch.setattr(latent, "_written", lambda lines: written.extend(lines) or np.zeros((1, 1), np.uint8))
    z = torch.tensor([0.5, -1.0, 2.0])
    widgets.traversal_picture(writer, z, [2, 0], steps=3)
    expected = []
    for dim in (2, 0):
        at = z.repeat(3, 1)
        at[:, dim] = torch.tensor([-3.0, 0, 3])
        expected += [f"z[{dim}] from -3 to 3", *writer.decode(at), ""]
    assert written == expected[:-1]
    assert len(set(written)) > 5


def test_explorer_of_sentences_follows_its_sliders_and_is_wide_enough(writer, model):
    explorer = Explorer(writer, dims=[2, 0])
    explorer.origin.click()
    explorer.sliders[0].value, explorer.sliders[1].value = 1.5, -2.0
    expected = widgets.latent_picture(writer, torch.tensor([-2.0, 0, 1.5]))
    assert explorer.image.value == expected != widgets.latent_picture(writer, torch.zeros(3))
    assert (explorer.image.layout.width, Explorer(model).image.layout.width) == ("480px", "224px")
    start = torch.randn(3, generator=torch.Generator().manual_seed(0))
    bundle = explorer.widget._repr_mimebundle_()
    assert base64.b64decode(bundle["image/png"]) == widgets.traversal_picture(writer, start, [2, 0])


def test_active_dims_of_sentences_are_those_whose_mean_varies_most(writer):
    tokens = writer.vocabulary.encode([f"word{i} word{j}" for i in range(6) for j in range(6)])
    spread = writer.encoder(tokens)[0].var(0)
    assert widgets.active_dims(writer, tokens, 2) == spread.argsort(descending=True)[:2].tolist()


def test_pictures_of_sentences_take_a_tenth_of_a_second_at_most():
    model, z = TextVAE(Vocabulary([f"word{i}" for i in range(50)])), torch.zeros(16)
    with torch.no_grad():
        model.decoder.vocabulary_layer.bias[0] = -100  # sentences of the greatest length
    for draw in (lambda: widgets.latent_picture(model, z), lambda: widgets.traversal_picture(model, z, range(6))):
        draw()
        assert statistics.median(cpu_seconds(draw) for _ in range(9)) <= 0.1


# --- the distribution playground -----------------------------------------------------------------------------------

SCIPY = {
    "Bernoulli": stats.bernoulli,
    "Binomial": stats.binom,
    "Poisson": stats.poisson,
    "Uniform": stats.uniform,
    "Normal": stats.norm,
    "Laplace": stats.laplace,
    "Exponential": lambda rate: stats.expon(scale=1 / rate),
    "Beta": stats.beta,
}
START = {name: {k: s.start for k, s in family.sliders.items()} for name, family in playground.FAMILIES.items()}
each_family = pytest.mark.parametrize("family", playground.FAMILIES)


def drawn(monkeypatch, family, parameters, **options):
    """The axis on which a picture was drawn."""
    axis = Figure().subplots()
    monkeypatch.setattr(playground, "draw", lambda paint, *size: paint(axis))
    widgets.distribution_picture(family, parameters, **options)
    return axis


@each_family
def test_playground_draws_scipys_mass_or_density(family, monkeypatch):
    (line,) = drawn(monkeypatch, family, START[family], n=0).lines
    x, y = line.get_data()
    oracle = SCIPY[family](*START[family].values())
    expected = oracle.pmf(x) if playground.FAMILIES[family].discrete else oracle.pdf(x)
    edge = family == "Uniform"  # its density jumps there
    np.testing.assert_allclose(y[edge:], expected[edge:], atol=1e-5)
    assert len(x) > 1


@each_family
def test_playground_names_scipys_mean_deviation_and_entropy(family, monkeypatch):
    title = drawn(monkeypatch, family, START[family], n=0).get_title()
    oracle = SCIPY[family](*START[family].values())
    numbers = [float(n) for n in re.findall(r"-?\d[\d.e-]*", title)]
    assert numbers == pytest.approx([oracle.mean(), oracle.std(), oracle.entropy()], rel=0.01, abs=0.001)


def test_histogram_holds_the_samples_as_a_density_or_as_shares(monkeypatch):
    axis = drawn(monkeypatch, "Normal", START["Normal"], n=10_000)
    heights, edges, _ = axis.patches[0].get_data()
    assert (heights * np.diff(edges)).sum() == pytest.approx(1, abs=1e-3)
    middles = (edges[1:] + edges[:-1]) / 2
    assert abs(heights - stats.norm.pdf(middles)).max() < 0.05
    bars = drawn(monkeypatch, "Binomial", START["Binomial"], n=10_000).patches
    shares = np.array([bar.get_height() for bar in bars])
    assert abs(shares - stats.binom(10, 0.3).pmf(np.arange(31))).max() < 0.02


@each_family
def test_every_slider_of_the_playground_changes_the_picture_at_both_ends(family):
    start = widgets.distribution_picture(family, START[family])
    for name, slider in playground.FAMILIES[family].sliders.items():
        ends = {widgets.distribution_picture(family, START[family] | {name: end}) for end in (slider.low, slider.high)}
        assert len(ends | {start}) >= 2 + (slider.start not in (slider.low, slider.high))


def test_seed_decides_the_samples_and_the_global_generator_is_left_alone():
    before = torch.random.get_rng_state()
    pictures = [widgets.distribution_picture("Normal", START["Normal"], 100, seed) for seed in (0, 0, 1)]
    assert pictures[0] == pictures[1] != pictures[2]
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize(
    ("family", "parameters", "message"),
    [
        ("Gaussian", {}, "there is no family 'Gaussian'; there are Bernoulli, Binomial"),
        ("Normal", {"mean": 0.0}, "parameters are mean; Normal has mean, sd"),
        ("Bernoulli", {"p": 0.5, "q": 0.5}, "Bernoulli has p"),
    ],
)
def test_playground_refuses_what_it_does_not_know(family, parameters, message):
    with pytest.raises(ValueError, match=message):
        widgets.distribution_picture(family, parameters)


def test_playground_follows_its_controls():
    box = widgets.distribution_playground()
    family, inner = box.children
    assert family.value == "Normal"
    image, mean, sd, n, seed = inner.children
    first = image.value
    mean.value, sd.value, n.value, seed.value = 1.0, 0.5, 100, 7
    assert image.value == widgets.distribution_picture("Normal", {"mean": 1.0, "sd": 0.5}, 100, 7) != first
    family.value = "Binomial"
    image, *sliders, n, seed = box.children[1].children
    assert [slider.description for slider in sliders] == ["trials", "p"]
    assert image.value == widgets.distribution_picture("Binomial", START["Binomial"])
    assert base64.b64decode(box._repr_mimebundle_()["image/png"]) == first


# --- the divergence explorer ---------------------------------------------------------------------------------------


def measures(mean, sd, separation):
    q = torch.tensor([[mean], [sd]], dtype=torch.float64)
    return {measure: divergence.divergence(measure, *q, separation).item() for measure in divergence.MEASURES}


@pytest.mark.parametrize(("mean", "sd"), [(0.0, 1.0), (2.0, 0.5), (-6.0, 4.0), (6.0, 0.3)])
def test_measures_between_normals_are_the_closed_forms(mean, sd):
    p, q = D.Normal(torch.tensor(0.0).double(), 0.7), D.Normal(torch.tensor(mean).double(), sd)
    found = measures(mean, sd, separation=0.0)
    assert found["KL(p‖q)"] == pytest.approx(D.kl_divergence(p, q).item(), rel=1e-3)
    assert found["KL(q‖p)"] == pytest.approx(D.kl_divergence(q, p).item(), rel=1e-3)
    levels = (torch.arange(20_000, dtype=torch.float64) + 0.5) / 20_000
    w1 = losses.wasserstein_1d(p.icdf(levels)[None], q.icdf(levels)[None]).item()
    assert found["W₁"] == pytest.approx(w1, rel=2e-3)


@pytest.mark.parametrize(("mean", "sd", "separation"), [(0.5, 1.0, 4.0), (-2.0, 0.7, 4.0), (3.0, 2.0, 8.0)])
def test_measures_against_two_modes_are_those_of_a_finer_sum(mean, sd, separation):
    x = torch.linspace(-12, 12, 24_001, dtype=torch.float64)
    p = sum(D.Normal(m, 0.7).log_prob(x).exp() for m in (-separation / 2, separation / 2)) / 2 * 0.001
    q = D.Normal(mean, sd).log_prob(x).exp() * 0.001
    found = measures(mean, sd, separation)
    both = p[None] / p.sum(), q[None] / q.sum()
    assert found["KL(p‖q)"] == pytest.approx(losses.kl_categorical(*both).item(), rel=1e-3)
    assert found["JS"] == pytest.approx(losses.js_divergence(*both).item(), rel=1e-3)
    assert found["TV"] == pytest.approx(losses.total_variation(*both).item(), abs=2e-3)
    w1 = stats.wasserstein_distance(x[::10], x[::10], both[0][0][::10], both[1][0][::10])
    assert found["W₁"] == pytest.approx(w1, rel=5e-3)


def test_measures_stay_finite_where_densities_underflow():
    found = measures(6.0, 0.3, 10.0)
    assert all(np.isfinite(value) for value in found.values())
    assert found["KL(p‖q)"] > 100
    assert found["JS"] < np.log(2) + 1e-9


def test_best_fit_covers_both_modes_forward_and_seeks_one_in_reverse():
    mean, sd = widgets.best_fit("KL(p‖q)", 4.0)
    assert (mean, sd) == (0.0, 2.1)  # p's own moments: sqrt(0.49 + 4) = 2.12
    mean, sd = widgets.best_fit("KL(q‖p)", 6.0)
    assert (abs(mean), sd) == (3.0, 0.7)
    for measure in divergence.MEASURES:
        mean, sd = widgets.best_fit(measure, 0.0)
        assert (abs(mean), sd) == (0.0, 0.7)
    with pytest.raises(ValueError, match="there is no measure 'L2'; there are KL"):
        widgets.best_fit("L2", 1.0)


def test_divergence_explorer_follows_sliders_and_buttons():
    image, mean, sd, separation, buttons = widgets.divergence_explorer().children
    mean.value, sd.value, separation.value = 1.0, 2.0, 6.0
    assert image.value == widgets.divergence_picture(1.0, 2.0, 6.0)
    for button, measure in zip(buttons.children, divergence.MEASURES, strict=True):
        button.click()
        assert (mean.value, sd.value) == pytest.approx(widgets.best_fit(measure, 6.0))
        assert image.value == widgets.divergence_picture(mean.value, sd.value, 6.0)


# --- the optimiser race --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("surface", optimisers.SURFACES.values(), ids=optimisers.SURFACES.keys())
def test_gradient_of_a_surface_is_that_of_autograd(surface):
    at = torch.randn(20, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    (expected,) = torch.autograd.grad(surface.value(at).sum(), at)
    torch.testing.assert_close(surface.gradient(at.detach()), expected)


def test_paths_are_those_of_the_optimisers_with_autograd():
    found = optimisers.race("Rosenbrock", 1e-3, 1e-2)
    make = {
        "gradient descent": lambda p: torch.optim.SGD(p, 1e-3),
        "momentum 0.9": lambda p: torch.optim.SGD(p, 1e-3, momentum=0.9),
        "RMSProp": lambda p: torch.optim.RMSprop(p, 1e-2),
        "Adam": lambda p: torch.optim.Adam(p, 1e-2),
    }
    assert list(found) == list(make)
    for label, path in found.items():
        point = torch.tensor([[-1.2, 1.0]], requires_grad=True)
        optimiser = make[label]([point])
        for step in range(20):
            torch.testing.assert_close(path[step], point.detach()[0], rtol=1e-4, atol=1e-5)
            optimiser.zero_grad()
            optimisers.SURFACES["Rosenbrock"].value(point).sum().backward()
            optimiser.step()
        assert path.shape == (optimisers.MOST_STEPS + 1, 2)


def test_gradient_descent_diverges_beyond_its_limit_and_the_picture_is_drawn_all_the_same():
    slow, fast = (optimisers.race("ravine", lr, 0.1)["gradient descent"] for lr in (0.9 * 2 / 25, 1.1 * 2 / 25))
    assert slow[-1].norm() < 0.01
    assert not fast[-1].norm() < 1e6
    assert pixels(widgets.race_picture("ravine", 0.5, 0.5, 120)).shape[2] == 4


def test_race_picture_shows_the_paths_up_to_the_step_and_their_values(monkeypatch):
    left, right = Figure().subplots(1, 2)
    monkeypatch.setattr(optimisers, "draw", lambda paint, *size, columns: paint(left, right))
    widgets.race_picture("ravine", -1.5, -1.0, 30)
    paths = optimisers.race("ravine", 10**-1.5, 0.1)
    for label, trace, end, values in zip(paths, left.lines[::2], left.lines[1::2], right.lines, strict=True):
        np.testing.assert_array_equal(trace.get_xydata(), paths[label][:31])
        np.testing.assert_array_equal(end.get_xydata(), paths[label][30:31])
        expected = optimisers.SURFACES["ravine"].value(paths[label][:31]).clamp(1e-8).log10()
        np.testing.assert_allclose(values.get_ydata(), expected, atol=1e-6)
        assert values.get_label().startswith(f"{label}: ")


def test_race_refuses_an_unknown_surface():
    with pytest.raises(ValueError, match="there is no surface 'bowl'; there are ravine, saddle, Rosenbrock"):
        widgets.race_picture("bowl", -1.0, -1.0, 10)


def test_race_follows_its_controls():
    image, surface, log_lr, log_adaptive_lr, steps, extra = widgets.optimiser_race().children
    first = image.value
    surface.value, log_lr.value, log_adaptive_lr.value, steps.value = "saddle", -1.0, -1.5, 100
    assert image.value == widgets.race_picture("saddle", -1.0, -1.5, 100) != first
    (play,) = extra.children
    assert (play.min, play.max) == (steps.min, steps.max) == (0, optimisers.MOST_STEPS)


def fresh_race():
    optimisers.race.cache_clear()
    return widgets.race_picture("Rosenbrock", -3.0, -1.5, 120)


# --- the theatre of adversarial runs --------------------------------------------------------------------------------

each_run = pytest.mark.parametrize("run", theatre.RUNS.values())


@each_run
def test_stored_modes_are_those_of_the_stored_samples(run):
    """Of 300 stored samples; the stored numbers are of 2,500, so they agree up to chance."""
    shown, ring = theatre.recording(run), toy.ring()
    assert shown.samples.shape == (60, 300, 2) and shown.belief.shape == (60, 41, 41)
    found = [metrics.modes(frame, ring) for frame in shown.samples]
    share = shown.high_quality.double()
    noise = (share * (1 - share) / 300).sqrt()
    assert (abs(torch.tensor([f.high_quality for f in found]) - share) <= 4.5 * noise + 0.01).all()
    assert all(f.covered <= stored for f, stored in zip(found, shown.covered, strict=True))


def test_one_run_covers_the_ring_and_the_other_does_not():
    assert theatre.recording("works").covered[-1] == 8 and theatre.recording("works").high_quality[-1] > 0.8
    assert theatre.recording("collapses").covered[-20:].max() <= 2


def test_the_discriminator_that_works_takes_the_modes_for_real():
    """The landscape lies the right way round: highest at the modes, low in the middle and outside."""
    belief, ring = theatre.recording("works").belief[-1], toy.ring()
    place = ((ring.means + theatre.REACH) / (2 * theatre.REACH) * 40).round().long()
    at_modes = belief[place[:, 0], place[:, 1]]
    assert at_modes.min() > 2 * belief.mean() and at_modes.min() > 3 * belief[20, 20]


def test_theatre_card_is_that_of_the_file():
    card = shipped("gan_theatre.md").read_text()
    assert hashlib.sha256(shipped("gan_theatre.npz").read_bytes()).hexdigest() in card
    for run in theatre.RUNS.values():
        shown = theatre.recording(run)
        assert re.search(rf"\| {run} .*\b{shown.covered[-1]:.0f} \({shown.high_quality[-1]:.0%}\)", card)


def test_theatre_picture_shows_the_frame_and_the_past(monkeypatch):
    left, right = Figure().subplots(1, 2)
    monkeypatch.setattr(theatre, "draw", lambda paint, *size, columns: paint(left, right))
    widgets.theatre_picture("collapses", 12)
    shown = theatre.recording("collapses")
    np.testing.assert_array_equal(left.images[0].get_array(), shown.belief[12].T)
    np.testing.assert_array_equal(left.lines[1].get_xydata(), shown.samples[12])
    for line, values in zip(right.lines, (shown.covered / 8, shown.high_quality), strict=True):
        np.testing.assert_array_equal(line.get_xydata(), np.stack([np.arange(13) * 30, values[:13]], 1))
    assert right.get_title() == "after 360 rounds"


def test_theatre_follows_its_controls():
    image, run, frame, extra = widgets.gan_theatre().children
    assert image.value == widgets.theatre_picture("works", 59)
    run.value, frame.value = "collapses", 7
    assert image.value == widgets.theatre_picture("collapses", 7)
    (play,) = extra.children
    assert (play.min, play.max) == (frame.min, frame.max) == (0, 59)


def test_theatre_refuses_an_unknown_run():
    with pytest.raises(ValueError, match="there is no run 'hamlet'; there are works, collapses"):
        widgets.theatre_picture("hamlet")


QUIET = 0.044  # CPU seconds for two empty axes on two cores with nothing else to do


def empty_picture():
    return frame.draw(lambda *axes: None, *optimisers.SIZE, columns=2)


PICTURES = {
    "playground": lambda: widgets.distribution_picture("Beta", START["Beta"], 10_000),
    "masses": lambda: widgets.distribution_picture("Binomial", START["Binomial"], 10_000),
    "divergences": lambda: widgets.divergence_picture(1.0, 1.0, 4.0),
    "race": fresh_race,
    "theatre": lambda: widgets.theatre_picture("works", 59),
}


@pytest.mark.parametrize("draw", PICTURES.values(), ids=PICTURES.keys())
def test_picture_takes_a_tenth_of_a_second_at_most_and_is_the_same_each_time(draw):
    assert draw() == draw()
    pairs = [(cpu_seconds(draw), cpu_seconds(empty_picture)) for _ in range(9)]
    least, empty = (min(times) for times in zip(*pairs, strict=True))
    assert least <= max(0.1, empty * 0.1 / QUIET)  # others at work on this machine slow both down


def test_each_picture_is_timed_in_the_benchmarks_and_takes_a_tenth_of_a_second_at_most():
    runs = result("widgets")["runs"]
    drawn = {name for name in widgets.__all__ if name.endswith("_picture")}
    assert {name.split(",")[0] for name in runs} == drawn
    assert max(run["median_ms"] for (run,) in runs.values()) <= 100
