import math

import pytest
import torch

from course_lib.data.canvas import Canvas, along, colour

SIZE = 200


@pytest.fixture
def canvas():
    return Canvas(torch.zeros(1, 3, 1, 1), SIZE)


def area(canvas, distance):
    """The painted area, in units of the plane."""
    canvas.fill(distance, torch.ones(1, 3, 1, 1))
    return canvas.colours[0, 0].sum().item() * canvas.pixel**2


@pytest.mark.parametrize(
    ("shape", "wanted"),
    [
        (lambda c: c.ellipse(0.1, -0.2, 0.6, 0.3), math.pi * 0.6 * 0.3),
        (lambda c: c.box(-0.1, -0.5, 0.3, 0.4, 0.1), 0.8 * 0.8 - (4 - math.pi) * 0.1**2),
        (lambda c: c.stroke(-0.3, -0.4, 0.3, 0.4, 0.1), 2 * 0.1 * 1.0 + math.pi * 0.1**2),
        (lambda c: c.stroke(0.2, 0.2, 0.2, 0.2, 0.3), math.pi * 0.3**2),
        (lambda c: c.polygon([(0.0, -0.5), (0.6, 0.5), (-0.6, 0.5)]), 0.5 * 1.2 * 1.0),
        (lambda c: c.arc(0.0, 0.0, 0.5, 0.0, 0.1), 2 * 0.1 * 2 * 0.5 * (1 - 0.5 / 3)),
    ],
)
def test_a_shape_covers_the_area_of_its_formula(canvas, shape, wanted):
    assert area(canvas, shape(canvas)) == pytest.approx(wanted, rel=0.01)


def test_box_and_stroke_are_exact_distances(canvas):
    x, y = torch.broadcast_tensors(canvas.x[0], canvas.y[0])
    end = torch.hypot(x - 0.5, y) - 0.1
    torch.testing.assert_close(canvas.stroke(-0.5, 0.0, 0.5, 0.0, 0.1)[0][x > 0.5], end[x > 0.5])
    beside = (y.abs() - 0.1)[x.abs() < 0.5]
    torch.testing.assert_close(canvas.stroke(-0.5, 0.0, 0.5, 0.0, 0.1)[0][x.abs() < 0.5], beside)
    corner = torch.hypot(x - 0.3, y - 0.2)
    outside = (x > 0.4) & (y > 0.3)
    torch.testing.assert_close(canvas.box(0.0, -0.2, 0.2, 0.3, 0.0)[0][outside], corner[outside])


def test_a_polygon_is_negative_inside_only(canvas):
    inside = canvas.polygon([(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)])[0] < 0
    x, y = torch.broadcast_tensors(canvas.x[0], canvas.y[0])
    assert torch.equal(inside, (x.abs() < 0.5) & (y.abs() < 0.5))


def test_numbers_may_differ_between_pictures():
    canvas = Canvas(torch.zeros(2, 3, 1, 1), 50)
    at = torch.tensor([-0.5, 0.5])[:, None, None]
    canvas.fill(canvas.stroke(at, at, at, at, 0.2), torch.ones(1, 3, 1, 1))
    canvas.fill(canvas.polygon([(at, at), (at + 0.3, at), (at + 0.3, at + 0.3)]), torch.ones(1, 3, 1, 1))
    left, right = canvas.colours[:, 0]
    assert left[:25, :25].sum() > 0 == left[25:, 25:].sum()
    assert right[25:, 25:].sum() > 0 == right[:25, :25].sum()


def test_an_edge_is_one_pixel_wide(canvas):
    canvas.fill(canvas.box(0.0, -2.0, 2.0, 0.5 + canvas.pixel / 4, 0.0), torch.ones(1, 3, 1, 1))
    row = canvas.colours[0, 0, 100]
    assert ((row > 0) & (row < 1)).sum() == 2
    assert row[(row > 0) & (row < 1)].tolist() == pytest.approx([0.25, 0.25], abs=1e-3)


def test_colours_lie_on_a_path_and_halfway_between_its_stops():
    path = ((0.0, 0.2, 0.4), (1.0, 0.4, 0.0), (0.5, 0.0, 0.5))
    found = along(path, torch.tensor([0.0, 0.5, 1.0, 0.25])[:, None, None])
    assert found.shape == (4, 3, 1, 1)
    torch.testing.assert_close(found[:3, :, 0, 0], torch.tensor(path))
    torch.testing.assert_close(found[3, :, 0, 0], torch.tensor([0.5, 0.3, 0.2]))
    assert colour((0.1, 0.2, 0.3), found).flatten().tolist() == pytest.approx([0.1, 0.2, 0.3])
