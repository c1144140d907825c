import base64
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
from PIL import Image

from course_lib import plots, widgets
from course_lib.display import with_fallback
from course_lib.vae import VAE

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
    monkeypatch.setattr(widgets, "latent_picture", lambda model, z: drawn.append(z.clone()) or b"")
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
