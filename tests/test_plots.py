import io

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib import colors
from PIL import Image

from course_lib import plots


@pytest.fixture(autouse=True)
def figures(monkeypatch):
    """`plt.show` does nothing, and every test begins and ends without figures."""
    monkeypatch.setattr(plt, "show", lambda: None)
    plt.close("all")
    with plt.rc_context():
        yield
    plt.close("all")


def figure():
    """The one figure that was drawn, laid out."""
    assert len(plt.get_fignums()) == 1
    drawn = plt.gcf()
    drawn.canvas.draw()
    return drawn


def sheet_by_hand(x, columns, pad):
    """The grid, pixel by pixel."""
    n, channels, height, width = x.shape
    rows = -(-n // columns)
    sheet = np.full((rows * height + (rows - 1) * pad, columns * width + (columns - 1) * pad, channels), 255, np.uint8)
    for i in range(n):
        top, left = i // columns * (height + pad), i % columns * (width + pad)
        for a in range(height):
            for b in range(width):
                sheet[top + a, left + b] = [round(255 * x[i, c, a, b].item()) for c in range(channels)]
    return sheet


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("n", "columns", "pad"), [(1, 1, 0), (4, 2, 1), (5, 3, 2), (5, 2, 0), (2, 4, 3), (3, 1, 2)])
def test_grid_equals_the_one_put_together_by_hand(channels, n, columns, pad):
    x = torch.rand(n, channels, 3, 4, generator=torch.Generator().manual_seed(n))
    sheet = plots.grid(x, columns, pad)
    by_hand = sheet_by_hand(x, columns, pad)
    assert sheet.dtype == np.uint8
    np.testing.assert_array_equal(sheet, by_hand[..., 0] if channels == 1 else by_hand)


@pytest.mark.parametrize(("n", "shape"), [(1, (2, 2)), (4, (6, 6)), (5, (6, 10)), (9, (10, 10)), (10, (10, 14))])
def test_grid_is_about_square_where_no_columns_are_given(n, shape):
    assert plots.grid(torch.zeros(n, 1, 2, 2)).shape == shape


def test_grid_clamps_and_leaves_its_input_alone():
    x = torch.tensor([-1.0, 0.5, 2.0]).view(3, 1, 1, 1).requires_grad_()
    assert plots.grid(x, 3, 0).tolist() == [[0, 128, 255]]
    assert x.tolist() == [[[[-1.0]]], [[[0.5]]], [[[2.0]]]]


@pytest.mark.parametrize("shape", [(28, 28), (1, 28, 28), (0, 1, 28, 28), (4, 2, 28, 28), (4, 28, 28, 3)])
def test_grid_refuses_what_are_no_images(shape):
    with pytest.raises(ValueError, match=r"give float images \(N, 1, H, W\) or \(N, 3, H, W\), N >= 1"):
        plots.grid(torch.zeros(shape))


def test_grid_refuses_stored_bytes_which_would_all_turn_white():
    with pytest.raises(ValueError, match=r"x is \(2, 1, 3, 3\) torch.uint8; give float images"):
        plots.grid(torch.full((2, 1, 3, 3), 100, dtype=torch.uint8))


@pytest.mark.parametrize("shape", [(5, 3), (5, 3, 3)])
@pytest.mark.parametrize("scale", [1, 3])
def test_png_is_read_back_with_each_pixel_scaled(shape, scale):
    array = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    picture = Image.open(io.BytesIO(plots.png(array, scale)))
    assert (picture.format, picture.size) == ("PNG", (3 * scale, 5 * scale))
    np.testing.assert_array_equal(np.asarray(picture), array.repeat(scale, 0).repeat(scale, 1))


def test_show_images_draws_a_row_for_each_label_with_a_caption():
    rows = {"real": torch.rand(4, 1, 3, 3), "drawn": torch.rand(12, 1, 3, 3)}
    plots.show_images(rows, "What to see.", columns=6)
    drawn = figure()
    assert [axis.get_ylabel() for axis in drawn.axes] == ["real", "drawn"]
    for axis, x, columns in zip(drawn.axes, rows.values(), (4, 6), strict=True):
        np.testing.assert_array_equal(axis.images[0].get_array(), plots.grid(x, columns))
        assert axis.images[0].get_clim() == (0, 255)
    assert drawn.get_supxlabel() == "What to see."


def test_show_images_takes_one_tensor_without_a_label():
    plots.show_images(torch.rand(3, 3, 4, 4), "Colour.")
    (axis,) = figure().axes
    assert axis.get_ylabel() == ""
    assert axis.images[0].get_array().shape == (4, 16, 3)


def test_curves_are_labelled_and_told_apart_without_colour():
    plots.curves({"train": [3, 2, 1], "test": [3, 3, 3]}, "epoch", "nats", "The gap.")
    (axis,) = figure().axes
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("epoch", "nats")
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["train", "test"]
    assert [line.get_xdata().tolist() for line in axis.lines] == [[1, 2, 3]] * 2
    assert [line.get_ydata().tolist() for line in axis.lines] == [[3, 2, 1], [3, 3, 3]]
    assert len({line.get_linestyle() for line in axis.lines}) == 2
    assert figure().get_supxlabel() == "The gap."


def test_curves_are_drawn_over_the_x_that_is_given():
    plots.curves({"p": [1, 2]}, "z", "density", "", x=[-4, 4])
    assert figure().axes[0].lines[0].get_xdata().tolist() == [-4, 4]


def test_ten_colours_are_distinct_and_differ_clearly():
    rgb = np.array([colors.to_rgb(colour) for colour in plots.COLOURS])
    assert rgb.shape == (10, 3)
    apart = np.linalg.norm(rgb[:, None] - rgb[None], axis=2) + np.eye(10)
    assert apart.min() > 0.15


def test_style_is_set_for_all_figures_that_follow():
    plt.rcdefaults()
    plots.use_style()
    drawn, axis = plt.subplots()
    assert plt.rcParams["axes.prop_cycle"].by_key()["color"] == list(plots.COLOURS)
    assert drawn.get_size_inches().tolist() == [7, 3.2]
    assert drawn.get_facecolor() == (1, 1, 1, 1)
    assert drawn.get_constrained_layout()
    assert not axis.spines["top"].get_visible()
    assert not axis.spines["right"].get_visible()
    assert axis.plot([0, 1])[0].get_linewidth() == 2


# --- bars, points and level lines ----------------------------------------------------------------------------------


def test_bars_stand_side_by_side_around_their_tick():
    plots.bars({"a": [1.0, 2.0, 3.0], "b": [4.0, 5.0, 6.0]}, ["x", "y", "z"], "class", "share", "Two groups.")
    (axis,) = figure().axes
    heights = [bar.get_height() for bar in axis.patches]
    middles = [bar.get_x() + bar.get_width() / 2 for bar in axis.patches]
    assert heights == [1, 2, 3, 4, 5, 6]
    np.testing.assert_allclose(middles, [-0.2, 0.8, 1.8, 0.2, 1.2, 2.2])
    assert [label.get_text() for label in axis.get_xticklabels()] == ["x", "y", "z"]
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["a", "b"]
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("class", "share")
    assert plt.gcf().get_supxlabel() == "Two groups."


def test_one_group_of_bars_needs_no_legend():
    plots.bars({"": [1.0, 2.0]}, [0, 1], "x", "y", "One.")
    assert figure().axes[0].get_legend() is None


def test_scatter_shows_all_points_of_each_panel_on_the_same_axes():
    panels = {"a": torch.rand(5, 2), "b": 10 * torch.rand(7, 2)}
    plots.scatter(panels, "Points.")
    left, right = figure().axes
    for axis, (label, x) in zip((left, right), panels.items(), strict=True):
        (points,) = axis.lines
        np.testing.assert_array_equal(points.get_xydata(), x)
        assert axis.get_title() == label
    assert left.get_xlim() == right.get_xlim()
    assert left.get_ylim() == right.get_ylim()
    assert left.get_aspect() == 1
    for axis in (left, right):
        (x0, x1), (y0, y1) = axis.get_xlim(), axis.get_ylim()
        assert all(x0 < x < x1 and y0 < y < y1 for x, y in torch.cat(list(panels.values())).tolist())


def level_points(axis):
    """The points of all level lines, with the value of each line."""
    (lines,) = axis.collections
    return [(level, path.vertices) for level, path in zip(lines.levels, lines.get_paths(), strict=True) if len(path)]


def test_level_lines_lie_where_the_function_has_their_value():
    axis = plt.figure().subplots()
    plots.level_lines(axis, lambda at: at[:, 0] + 10 * at[:, 1], (-1, -2), (3, 4))
    found = level_points(axis)
    assert len(found) >= 5
    for level, points in found:
        np.testing.assert_allclose(points[:, 0] + 10 * points[:, 1], level, atol=1e-4)
        assert points[:, 0].min() >= -1 and points[:, 0].max() <= 3
        assert points[:, 1].min() >= -2 and points[:, 1].max() <= 4


def test_scatter_draws_level_lines_of_the_density():
    x = torch.tensor([[-3.0, -3.0], [3.0, 3.0]])
    plots.scatter({"data": x}, "With a density.", lambda at: -0.5 * at.square().sum(1))
    levels = level_points(figure().axes[0])
    for level, points in levels:
        np.testing.assert_allclose(np.exp(-0.5 * (points**2).sum(1)), level, atol=0.01)
