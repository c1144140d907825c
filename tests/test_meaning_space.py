import base64
import importlib
import io
import math
import statistics
import time

import numpy as np
import pytest
import torch
from PIL import Image

from course_lib import widgets
from course_lib.data import vehicles

space = importlib.import_module("course_lib.widgets.meaning_space")  # the package has a function of this name


@pytest.fixture(scope="module")
def cloud():
    points = vehicles.table()
    return points, vehicles.draw(points, 80), list(vehicles.VEHICLES)


def pixels(picture):
    return np.asarray(Image.open(io.BytesIO(picture)).convert("RGB")).astype(int)


def near(picture, rgb, reach=40):
    """Where (y, x) a picture has about this colour."""
    return np.argwhere(np.abs(pixels(picture) - np.array(rgb)).max(2) < reach)


def plain(n, rgb):
    return torch.tensor(rgb).view(1, 3, 1, 1).expand(n, -1, 20, 20)


def test_projection_turns_and_tilts_as_rotation_matrices_do():
    points = torch.rand(30, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 2 - 1
    turn, tilt = math.radians(40), math.radians(25)
    about_the_upright = np.array([[math.cos(turn), -math.sin(turn), 0], [math.sin(turn), math.cos(turn), 0], [0, 0, 1]])
    about_the_level = np.array([[1, 0, 0], [0, math.cos(tilt), -math.sin(tilt)], [0, math.sin(tilt), math.cos(tilt)]])
    across, away, up = about_the_level @ about_the_upright @ points.numpy().T
    at, depth = space._project(points, 40, 25)
    np.testing.assert_allclose(depth.numpy(), away, atol=1e-12)
    shrink = space.UNIT * space.DISTANCE / (space.DISTANCE + away)
    np.testing.assert_allclose(at[:, 0].numpy(), space.MIDDLE[0] + across * shrink, atol=1e-9)
    np.testing.assert_allclose(at[:, 1].numpy(), space.MIDDLE[1] - up * shrink, atol=1e-9)


@pytest.mark.parametrize(("turn", "tilt"), [(0, 0), (45, 0), (30, 22), (135, 35), (-100, 60), (0, 90), (45, 55)])
def test_the_whole_cube_is_on_the_sheet(turn, tilt):
    at, _ = space._project(torch.cartesian_prod(*[torch.tensor([-1.0, 1.0])] * 3), turn, tilt)
    assert (at > 10).all() and (at[:, 0] < space.WIDTH - 10).all() and (at[:, 1] < space.HEIGHT - 10).all()


def test_near_pictures_hide_far_ones_from_either_side():
    """Two points one behind the other along the second axis, seen level; then turned by half a turn."""
    points = torch.tensor([[2.5, 0.0, 2.5], [2.5, 5.0, 2.5]])
    pictures = torch.cat([plain(1, [1.0, 0.0, 0.0]), plain(1, [0.0, 0.0, 1.0])])
    for order in ([0, 1], [1, 0]):
        for turn, near_by, hidden in ((0, (255, 0, 0), (0, 0, 255)), (180, (0, 0, 255), (255, 0, 0))):
            picture = space.meaning_space_picture(points[order], pictures[order], turn, 0)
            assert len(near(picture, near_by)) > 3000 and len(near(picture, hidden)) == 0


def test_a_picture_stands_where_its_point_is():
    points = torch.tensor([[5.0, 0.0, 0.0], [0.0, 0.0, 5.0]])
    pictures = torch.cat([plain(1, [1.0, 0.0, 1.0]), plain(1, [0.0, 1.0, 1.0])])
    picture = space.meaning_space_picture(points, pictures, 20, 15)
    expected, _ = space._project(2 * points.double() / 5 - 1, 20, 15)
    for (x, y), rgb in zip(expected.tolist(), ((255, 0, 255), (0, 255, 255)), strict=True):
        low, high = near(picture, rgb).min(0), near(picture, rgb).max(0)
        assert (low + high) / 2 == pytest.approx([y, x], abs=1.5)


def test_names_and_axes_are_written_if_given(cloud):
    points, pictures, names = cloud
    without, with_names = (widgets.meaning_space_picture(points, pictures, names=n) for n in (None, names))
    assert without != with_names
    assert widgets.meaning_space_picture(points, pictures, axes=("a", "b", "c")) != without
    seen = near(without, (189, 31, 1), 12)
    assert len(seen) > 50  # ink of the first axis and its name


def test_three_axes_lead_from_the_origin_and_the_other_edges_are_pale():
    """A single picture at the far corner leaves all axes but little else to be seen."""
    picture = space.meaning_space_picture(torch.full((1, 3), 5.0), plain(1, [1.0, 1.0, 0.0]), 30, 20, axes=(".",) * 3)
    shown = pixels(picture)
    corners = 2 * torch.cat([torch.eye(3), torch.zeros(1, 3)]).double() - 1
    *ends, origin = space._project(corners, 30, 20)[0].tolist()
    for (x, y), rgb in zip(ends, ((189, 31, 1), (22, 121, 111), (138, 90, 28)), strict=True):
        for share in (0.3, 0.5, 0.9):
            column, row = (round(a + share * (b - a)) for a, b in zip(origin, (x, y), strict=True))
            patch = shown[row - 1 : row + 2, column - 1 : column + 2].reshape(-1, 3)
            assert np.abs(patch - np.array(rgb)).max(1).min() < 60
    assert len(near(picture, (0xD6, 0xDA, 0xE3), 14)) > 300


def test_picture_is_the_same_each_time_and_follows_both_angles(cloud):
    angles = [(30, 20), (35, 20), (30, 25), (-180, 0)]
    pictures = {a: widgets.meaning_space_picture(*cloud[:2], *a) for a in angles}
    assert len(set(pictures.values())) == len(angles)
    assert pictures[30, 20] == widgets.meaning_space_picture(*cloud[:2], 30, 20)
    assert Image.open(io.BytesIO(pictures[30, 20])).size == (720, 560)


def test_a_whole_turn_leads_back(cloud):
    difference = pixels(widgets.meaning_space_picture(*cloud[:2], -180, 20)) - pixels(
        widgets.meaning_space_picture(*cloud[:2], 180, 20)
    )
    assert (np.abs(difference) > 8).mean() < 0.002


def test_sliders_move_the_picture_and_a_picture_is_left_without_a_kernel(cloud):
    widget = widgets.meaning_space(*cloud)
    image, turn, tilt = widget.children
    first = image.value
    assert first == widgets.meaning_space_picture(*cloud[:2], 30, 20, cloud[2])
    turn.value = 100
    second = image.value
    tilt.value = 75
    assert len({first, second, image.value}) == 3
    assert image.value == widgets.meaning_space_picture(*cloud[:2], 100, 75, cloud[2])
    bundle = widget._repr_mimebundle_()
    assert base64.b64decode(bundle["image/png"]) == first
    assert "run the notebook" in bundle["text/plain"]


def test_a_single_point_at_the_origin_is_drawn():
    assert space.meaning_space_picture(torch.zeros(1, 3), plain(1, [0.0, 0.0, 1.0]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"points": torch.zeros(10, 2)}, r"points are \(10, 2\); give \(N, 3\)"),
        ({"points": torch.full((10, 3), -1.0)}, "none below 0"),
        ({"points": torch.full((10, 3), float("nan"))}, "none below 0"),
        ({"pictures": torch.zeros(9, 3, 8, 8)}, r"pictures are \(9, 3, 8, 8\); give \(10, 3, H, W\)"),
        ({"names": ["car"]}, "there are 1 names and 10 points"),
        ({"axes": ("a", "b")}, "give three names"),
    ],
)
def test_what_does_not_fit_is_refused(cloud, change, message):
    given = dict(zip(("points", "pictures", "names"), cloud, strict=True)) | change
    with pytest.raises(ValueError, match=message):
        widgets.meaning_space_picture(**given)


def test_picture_takes_a_tenth_of_a_second_at_most(cloud):
    seconds = []
    for _ in range(9):
        started = time.process_time()
        widgets.meaning_space_picture(*cloud[:2], names=cloud[2])
        seconds.append(time.process_time() - started)
    assert statistics.median(seconds) <= 0.1  # measured 0.02
