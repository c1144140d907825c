import itertools

import pytest
import torch
from torch.nn import functional as F

from course_lib.data import vehicles


def points(n, seed=0):
    return 5 * torch.rand(n, 3, generator=torch.Generator().manual_seed(seed))


def difference(a, b):
    """Root-mean-square difference of the pixels of each pair of pictures."""
    return (a - b).square().mean((1, 2, 3)).sqrt()


def hue_share(picture, rgb):
    """The share of pixels near a colour."""
    return ((picture - torch.tensor(rgb)[:, None, None]).abs().amax(0) < 0.12).float().mean().item()


def test_there_are_ten_vehicles_a_motorcycle_among_them_at_3_4_0():
    assert len(vehicles.VEHICLES) == len(set(vehicles.VEHICLES.values())) == 10
    assert vehicles.VEHICLES["motorcycle"] == (3, 4, 0)
    assert all(0 <= value <= vehicles.MOST for place in vehicles.VEHICLES.values() for value in place)
    torch.testing.assert_close(vehicles.table(), torch.tensor(list(vehicles.VEHICLES.values())).float())
    torch.testing.assert_close(vehicles.table(["bus", "car"]), torch.tensor([[5.0, 0, 5], [5, 0, 0]]))
    with pytest.raises(ValueError, match="there is no 'boat'; there are car, bicycle"):
        vehicles.table(["car", "boat"])


@pytest.mark.parametrize("size", [16, 28, 50])
def test_pictures_are_floats_in_range_the_same_each_time(size):
    x = vehicles.draw(points(5), size)
    assert x.shape == (5, 3, size, size) and x.dtype == torch.float32
    assert x.min() >= 0 and x.max() <= 1
    assert torch.equal(x, vehicles.draw(points(5), size))


def test_a_picture_does_not_depend_on_those_beside_it():
    many = vehicles.draw(points(150))
    torch.testing.assert_close(many[[3, 70, 149]], vehicles.draw(points(150)[[3, 70, 149]]))


def test_corners_faces_and_inside_of_the_cube_are_drawn():
    """Something dark, the tyres, is in every picture, and nothing is undefined."""
    cube = torch.tensor(list(itertools.product((0.0, 1e-4, 0.3, 2.5, 5.0), repeat=3)))
    x = vehicles.draw(cube)
    assert x.isfinite().all()
    assert (x.mean(1).amin((1, 2)) < 0.5).all()  # paper 0.97, road 0.88; most measured 0.41


@pytest.mark.parametrize("size", [28, 160])
def test_no_two_of_the_ten_look_alike(size):
    x = vehicles.draw(vehicles.table(), size)
    assert all(difference(a[None], b[None]) > 0.08 for a, b in itertools.combinations(x, 2))  # least measured 0.149


def test_a_hundredth_of_the_way_changes_little_and_a_whole_axis_much():
    start = points(60, 1) * 0.99
    for axis in range(3):
        moved = start.clone()
        moved[:, axis] += 0.05
        assert difference(vehicles.draw(start), vehicles.draw(moved)).max() < 0.05  # measured 0.033
        low, high = start.clone(), start.clone()
        low[:, axis], high[:, axis] = 0, 5
        assert difference(vehicles.draw(low), vehicles.draw(high)).min() > 0.08  # measured 0.11


def test_what_is_hardly_there_is_hardly_seen():
    none = vehicles.draw(torch.zeros(1, 3))
    hardly = vehicles.draw(1e-4 * torch.eye(3))
    assert (hardly - none).abs().max() < 1e-2


def test_bodies_frames_and_panes_are_seen_where_they_belong():
    names = list(vehicles.VEHICLES)
    x = dict(zip(names, vehicles.draw(vehicles.table(), 112), strict=True))
    assert hue_share(x["car"], vehicles.BODY[0]) > 0.05 > 0.01 > hue_share(x["bicycle"], vehicles.BODY[0])
    assert hue_share(x["bus"], vehicles.BODY[2]) > 0.1
    assert hue_share(x["carriage"], vehicles.BODY[4]) > 0.03 > hue_share(x["car"], vehicles.BODY[4])
    assert hue_share(x["bicycle"], vehicles.FRAME[0]) > 0.005 > hue_share(x["car"], vehicles.FRAME[0])
    assert hue_share(x["bus"], vehicles.GLASS) > 0.05 > hue_share(x["motorcycle"], vehicles.GLASS)


def test_a_bicycle_with_carriage_pulls_it_on_the_left():
    """Left of the middle a wagon's brown, right of it a bicycle's green; alone each is about as much on either side."""
    picture = vehicles.draw(vehicles.table(["rickshaw"]), 112)[0]
    left, right = picture[..., :56], picture[..., 56:]
    assert hue_share(left, vehicles.BODY[4]) > 0.02 > 0.001 > hue_share(right, vehicles.BODY[4])
    assert hue_share(right, vehicles.FRAME[0]) > 0.005 > hue_share(left, vehicles.FRAME[0])


def test_a_motorcycle_has_a_motor_and_a_lamp_where_a_bicycle_has_none():
    bicycle, motorcycle = vehicles.draw(vehicles.table(["bicycle", "motorcycle"]), 160)
    for rgb in (vehicles.LAMP, vehicles.STEEL):
        assert hue_share(motorcycle, rgb) > 1.5 * hue_share(bicycle, rgb) + 0.002
    assert (motorcycle.amax(0) < 0.25).sum() > 1.2 * (bicycle.amax(0) < 0.25).sum()  # fat tyres


@pytest.mark.parametrize(("name", "pillars"), [("car", 1), ("van", 1), ("bus", 2), ("carriage", 2)])
def test_pillars_part_the_windows(monkeypatch, name, pillars):
    def most_panes():
        picture = vehicles.draw(vehicles.table([name]), 320)[0]
        glass = (picture - torch.tensor(vehicles.GLASS)[:, None, None]).abs().amax(0) < 0.05
        return (glass.int().diff(dim=1) == 1).sum(1).max()

    parted = most_panes()
    monkeypatch.setattr(vehicles, "PILLARS", ())
    assert parted >= most_panes() + pillars


def test_a_carriage_alone_has_a_shaft_in_front_and_a_pulled_one_none():
    def shaft(ness):
        edge = vehicles.draw(torch.tensor([ness]), 160)[0, :, 80:, 138:]
        return hue_share(edge, [0.7 * v for v in vehicles.BODY[4]])

    assert shaft([0.0, 0, 5]) > 0.004 > shaft([0.0, 3, 5]) == 0


def test_a_bicycle_with_carriage_gets_a_third_wheel(monkeypatch):
    wheels = []
    monkeypatch.setattr(vehicles, "_paint_wheel", lambda *args: wheels.append(args))
    vehicles.draw(vehicles.table(["bicycle"]))
    assert len(wheels) == 4  # two of the bicycle, two of a body that is not seen
    vehicles.draw(vehicles.table(["tricycle with a wagon"]))
    assert len(wheels) == 4 + 5


def test_wheels_stand_on_the_ground_inside_the_picture():
    x = vehicles.draw(torch.cat([vehicles.table(), points(50)]), 112)
    ground = round((vehicles.GROUND + 1) * 56)
    below = x[:, :, ground + 4 :]
    torch.testing.assert_close(below, torch.tensor(vehicles.ROAD)[None, :, None, None].expand_as(below))
    tyre = (x.amax(1) < 0.3)[:, ground - 4 : ground]
    assert tyre.flatten(1).any(1).all()
    edge = x[..., [0, -1]].mean(1)
    assert (edge > 0.3).all()


@pytest.mark.parametrize(("size", "bound"), [(28, 0.07), (56, 0.04)])
def test_small_pictures_are_large_ones_averaged(size, bound):
    """Thin lines are kept visible, so a small picture is a little bolder; another vehicle differs by 0.15."""
    ness = torch.cat([vehicles.table(), points(40)])
    averaged = F.interpolate(vehicles.draw(ness, 112), size=(size, size), mode="area")
    assert difference(averaged, vehicles.draw(ness, size)).max() < bound


@pytest.mark.parametrize(
    ("ness", "message"),
    [
        (torch.zeros(3), r"coordinates are \(3,\); give \(N, 3\), N >= 1"),
        (torch.zeros(2, 2), r"coordinates are \(2, 2\)"),
        (torch.zeros(0, 3), "N >= 1"),
        (torch.full((1, 3), 5.1), r"coordinates run from 5.1 to 5.1; give values in \[0, 5\]"),
        (torch.full((1, 3), -0.1), r"give values in \[0, 5\]"),
        (torch.full((1, 3), float("nan")), r"give values in \[0, 5\]"),
    ],
)
def test_what_is_no_place_in_the_cube_is_refused(ness, message):
    with pytest.raises(ValueError, match=message):
        vehicles.draw(ness)


def test_too_small_a_size_is_refused():
    with pytest.raises(ValueError, match="size is 15; give 16 or more pixels a side"):
        vehicles.draw(torch.zeros(1, 3), 15)
