import hashlib
import math
import re

import numpy as np
import pytest
import torch
from scipy import linalg
from scipy.spatial.distance import pdist
from sklearn.metrics import mutual_info_score
from sklearn.neighbors import NearestNeighbors

from course_lib import metrics
from course_lib.data import available, faces, load, shipped, toy


@pytest.fixture(scope="module")
def train():
    return load("digits").batch()


@pytest.fixture(scope="module")
def held_out():
    return load("digits", "test").batch()


@pytest.fixture(scope="module")
def confident(held_out):
    """For each digit, real test images of it that the classifier gets right with confidence."""
    label, confidence = metrics.classify(held_out.x)
    sure = (confidence > 0.9) & (label == held_out.y)
    return [held_out.x[sure & (held_out.y == digit)] for digit in range(10)]


def card():
    return shipped("weights/digit_classifier.md").read_text()


@pytest.mark.parametrize("name", ["digits", "mnist"])
def test_classifier_is_as_accurate_as_its_card_says(name):
    if not available(name):
        pytest.skip(f"{name} is not on this machine")
    images = load(name, "test").batch()
    accuracy = (metrics.classify(images.x)[0] == images.y).float().mean().item()
    assert f"{accuracy:.4f}" == re.search(rf"\| {name} \| (\d\.\d+) \|", card()).group(1)


def test_classifier_file_is_the_one_on_its_card():
    content = shipped("weights/digit_classifier.safetensors").read_bytes()
    assert hashlib.sha256(content).hexdigest() == re.search(r"sha256 `(\w+)`", card()).group(1)


def test_classifier_is_frozen_and_loaded_once():
    net = metrics.digit_classifier()
    assert net is metrics.digit_classifier()
    assert not net.training
    assert not any(p.requires_grad for p in net.parameters())


def test_classify_gives_the_largest_probability_and_its_class(held_out):
    x = held_out.x[:20]
    label, confidence = metrics.classify(x)
    probabilities = metrics.digit_classifier()(x).softmax(1)
    assert (label.shape, confidence.shape, label.dtype) == ((20,), (20,), torch.int64)
    torch.testing.assert_close(probabilities[torch.arange(20), label], confidence)
    assert (probabilities <= confidence[:, None] + 1e-6).all()


def test_confident_share_counts_the_images_above_the_threshold(held_out):
    confidence = metrics.classify(held_out.x)[1].numpy()
    for threshold in (0.0, 0.5, 0.9, 0.999):
        assert metrics.confident_share(held_out.x, threshold) == pytest.approx(
            np.mean(confidence > threshold), abs=1e-6
        )
    assert metrics.confident_share(held_out.x) > 0.9
    assert metrics.confident_share(held_out.x, 1.0) == 0


def test_grey_images_have_less_confidence_than_digits(held_out):
    assert metrics.confident_share(torch.full((5, 1, 28, 28), 0.5)) < metrics.confident_share(held_out.x)


def test_all_classes_are_found_among_real_digits(held_out):
    assert metrics.classes_found(held_out.x) == 10


def test_classes_found_counts_the_classes_that_are_there(confident):
    assert metrics.classes_found(torch.cat(confident[3:5])) == 2
    assert metrics.classes_found(confident[7]) == 1


@pytest.mark.parametrize(("rare", "found"), [(1, 1), (2, 2)])
def test_a_class_counts_from_one_percent_of_the_samples(confident, rare, found):
    zeros = confident[0][:1].expand(200 - rare, -1, -1, -1)
    assert metrics.classes_found(torch.cat([zeros, confident[1][:rare]])) == found


def test_a_class_counts_only_by_its_confident_samples(confident):
    assert metrics.classes_found(confident[3], threshold=1.0) == 0


def test_nearest_agrees_with_scikit_learn(train, held_out):
    x = torch.cat([held_out.x, train.x[:250] * 0.9])  # more than one chunk
    distance, index = metrics.nearest(x, train.x)
    oracle = NearestNeighbors(n_neighbors=1).fit(train.x.flatten(1).double().numpy())
    expected, neighbour = oracle.kneighbors(x.flatten(1).double().numpy())
    np.testing.assert_allclose(distance.numpy(), expected[:, 0], rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(index.numpy(), neighbour[:, 0])


def test_copies_are_found_at_distance_zero(train):
    order = torch.randperm(len(train.x), generator=torch.Generator().manual_seed(0))
    distance, index = metrics.nearest(train.x[order], train.x)
    assert (distance == 0).all()
    assert torch.equal(train.x[index], train.x[order])
    assert distance.shape == index.shape == (len(train.x),)


def test_nn_ratio_is_zero_for_copies_one_for_held_out_and_large_for_noise(train, held_out):
    noise = torch.rand(50, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    assert metrics.nn_ratio(train.x[:300], train.x, held_out.x) == 0
    assert metrics.nn_ratio(held_out.x, train.x, held_out.x) == 1
    assert metrics.nn_ratio(noise, train.x, held_out.x) > 2


def test_nn_ratio_is_the_ratio_of_medians(train, held_out):
    x, real = held_out.x[:51], held_out.x[51:100]  # odd numbers: the median is one of them
    medians = [np.median(metrics.nearest(part, train.x)[0].numpy()) for part in (x, real)]
    assert metrics.nn_ratio(x, train.x, real) == pytest.approx(medians[0] / medians[1], rel=1e-6)


def test_digit_quality_is_the_three_measures(train, held_out):
    x = held_out.x[:100]
    quality = metrics.digit_quality(x, train.x, held_out.x)
    expected = metrics.confident_share(x), metrics.classes_found(x), metrics.nn_ratio(x, train.x, held_out.x)
    assert quality == expected
    assert quality._fields == ("confident", "classes", "nn_ratio")


def test_active_units_by_hand():
    noise = torch.randn(4000, 1, generator=torch.Generator().manual_seed(0))
    mu = torch.cat([0.5 + 0 * noise, 0.09 * noise, 0.11 * noise, noise], 1)  # variances 0, 0.0081, 0.0121, 1
    assert metrics.active_units(mu) == 2


@pytest.mark.parametrize("mu", [torch.zeros(3), torch.zeros(1, 3), torch.full((3, 2), math.nan)])
def test_active_units_refuse_bad_input(mu):
    with pytest.raises(ValueError, match="give finite posterior means"):
        metrics.active_units(mu)


X = torch.zeros(2, 1, 28, 28)
BAD_IMAGES = [
    (X[0], r"images are \(1, 28, 28\) torch.float32; give floats \(N, C, H, W\)"),
    (X[:0], "N >= 1"),
    (X.to(torch.uint8), "torch.uint8; give floats"),
    (X + 2, r"images run from 2 to 2; give values in \[0, 1\]"),
    (X - 1, r"give values in \[0, 1\]"),
    (X * math.nan, r"images run from nan to nan; give values in \[0, 1\]"),
]
MEASURES = {
    "classify": metrics.classify,
    "confident_share": metrics.confident_share,
    "classes_found": metrics.classes_found,
    "nearest": lambda x: metrics.nearest(x, X),
    "nearest in bad reference": lambda x: metrics.nearest(X, x),
    "nn_ratio": lambda x: metrics.nn_ratio(x, X, X),
    "digit_quality": lambda x: metrics.digit_quality(x, X, X),
}


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize(("x", "message"), BAD_IMAGES)
def test_bad_images_are_refused(measure, x, message):
    with pytest.raises(ValueError, match=message):
        MEASURES[measure](x)


def test_images_of_another_size_are_refused():
    with pytest.raises(ValueError, match=r"the classifier takes \(B, 1, 28, 28\)"):
        metrics.classify(X[..., :8])
    with pytest.raises(ValueError, match="give images of one size"):
        metrics.nearest(X[..., :8], X)


# The reader of drawn faces


@pytest.fixture(scope="module")
def drawn():
    """A thousand faces of a seed that the reader did not see, and their factors."""
    x, factors = faces.sample(1000, seed=20_000)
    return x / 255, factors


def face_card():
    return shipped("weights/face_reader.md").read_text()


def test_reader_is_as_exact_as_its_card_says():
    x, factors = faces.sample(2000, seed=10_000)
    errors = (metrics.read_faces(x / 255) - factors).abs().mean(0).tolist()
    for name, error in zip(faces.FACTORS, errors, strict=True):
        assert error == pytest.approx(float(re.search(rf"\| {name} \| (\d\.\d+) \|", face_card()).group(1)), abs=2e-4)


def test_reader_file_is_the_one_on_its_card():
    content = shipped("weights/face_reader.safetensors").read_bytes()
    assert len(content) <= 400_000
    assert hashlib.sha256(content).hexdigest() == re.search(r"sha256 `(\w+)`", face_card()).group(1)


def test_reader_is_frozen_and_loaded_once():
    net = metrics.face_reader()
    assert net is metrics.face_reader() and not net.training
    assert not any(p.requires_grad for p in net.parameters())


def test_each_factor_is_read_off_faces_never_seen(drawn):
    x, factors = drawn
    read = metrics.read_faces(x)
    assert read.shape == (1000, 8) and read.min() >= 0 and read.max() <= 1
    errors = dict(zip(faces.FACTORS, (read - factors).abs().mean(0).tolist(), strict=True))
    assert errors.pop("smile") < 0.05  # measured 0.035; the others at most 0.014; 0.25 is what 0.5 for all would have
    assert max(errors.values()) < 0.02


def test_reading_survives_a_little_noise(drawn):
    x, factors = drawn
    noise = 0.03 * torch.randn(x.shape, generator=torch.Generator().manual_seed(0))
    errors = (metrics.read_faces((x + noise).clamp(0, 1)) - factors).abs().mean(0)
    assert errors.max() < 0.08


def test_faces_are_redrawn_as_they_were(drawn):
    distance = metrics.redraw_distance(drawn[0])
    assert distance.shape == (1000,)
    assert distance.median() < 0.015 and distance.max() < 0.05  # measured 0.010 and 0.038


def test_redraw_distance_is_the_distance_to_the_face_with_the_factors_read(drawn):
    x = drawn[0][:10]
    redrawn = faces.draw(metrics.read_faces(x))
    expected = ((x - redrawn).double().flatten(1).norm(dim=1) / math.sqrt(3 * 28 * 28)).float()
    torch.testing.assert_close(metrics.redraw_distance(x), expected)


def no_faces(x):
    """Pictures with something of faces, and the least redraw distance of any; faces have 0.038 at most."""
    g = torch.Generator().manual_seed(0)
    pick = torch.randint(len(x), (len(x), x[0].numel()), generator=g)
    return {
        "uniform noise": (torch.rand(x.shape, generator=g), 0.3),
        "noise with the marginals of faces": (x.flatten(1).gather(0, pick).view_as(x), 0.14),
        "shuffled pixels": (x.flatten(2)[..., torch.randperm(784, generator=g)].view_as(x), 0.1),
        "the mean face": (x.mean(0, keepdim=True), 0.08),
        "upside down": (x.flip(2), 0.12),
    }


def test_redraw_distance_is_large_for_what_is_no_face(drawn):
    for name, (x, least) in no_faces(drawn[0]).items():
        assert metrics.redraw_distance(x).min() > least, name
    other = drawn[0].roll(1, 0)
    for x in (
        torch.cat([drawn[0][..., :14], other[..., 14:]], 3),
        torch.cat([drawn[0][:, :, :14], other[:, :, 14:]], 2),
    ):
        assert metrics.redraw_distance(x).quantile(0.05) > 0.06  # halves of two faces that can be alike: 0.076


@pytest.mark.parametrize("measure", [metrics.read_faces, metrics.redraw_distance])
@pytest.mark.parametrize(
    ("x", "message"),
    [
        (torch.zeros(2, 1, 28, 28), r"the reader takes \(B, 3, 28, 28\)"),
        (torch.zeros(2, 3, 32, 32), r"the reader takes \(B, 3, 28, 28\)"),
        (torch.zeros(3, 28, 28), r"give floats \(N, C, H, W\)"),
        (torch.zeros(2, 3, 28, 28, dtype=torch.uint8), "give floats"),
        (torch.full((2, 3, 28, 28), 1.5), r"give values in \[0, 1\]"),
        (torch.full((2, 3, 28, 28), math.nan), r"give values in \[0, 1\]"),
    ],
)
def test_what_are_no_pictures_of_faces_is_refused(measure, x, message):
    with pytest.raises(ValueError, match=message):
        measure(x)


# What must not pass


def test_class_spread_is_that_of_numpy_within_the_classes_read(held_out):
    x = held_out.x[:100]
    label = metrics.classify(x)[0].numpy()
    pixels = x.flatten(1).numpy().astype(float)
    squares = sum(((pixels[label == k] - pixels[label == k].mean(0)) ** 2).sum() for k in np.unique(label))
    expected = math.sqrt(squares / pixels.size)
    whole = metrics.class_spread(x, held_out.x)
    assert metrics.class_spread(held_out.x, held_out.x) == pytest.approx(1)
    assert whole * metrics.images._spread_within(held_out.x).item() == pytest.approx(expected, rel=1e-5)


def test_the_impostors_are_what_they_are_called(train):
    found = metrics.impostors(train.x, train.y, 500)
    assert torch.equal(found["copies"], train.x[:500])
    for digit in range(10):
        torch.testing.assert_close(found["class means"][10 + digit], train.x[train.y == digit].mean(0))
    noise = found["noise"]
    assert torch.equal(noise, metrics.impostors(train.x, train.y, 500)["noise"])
    assert not torch.equal(noise, metrics.impostors(train.x, train.y, 500, seed=1)["noise"])
    same_pixel = (noise[:20, None] == train.x[None]).any(1)  # every value occurs at this place in some image
    assert same_pixel.all()
    assert (noise.mean(0) - train.x.mean(0)).abs().max() < 5 * 0.5 / math.sqrt(500)


def test_each_impostor_fails_a_measure(train, held_out):
    found = metrics.impostors(train.x, train.y, 300)
    assert metrics.confident_share(found["noise"]) < 0.05
    assert metrics.class_spread(found["class means"], held_out.x) < 1e-3
    assert metrics.nn_ratio(found["copies"], train.x, held_out.x) == 0


@pytest.mark.parametrize("n", [0, 1439])
def test_impostors_ask_for_as_many_as_can_be_copied(train, n):
    with pytest.raises(ValueError, match=rf"n is {n}; give 1 to 1438"):
        metrics.impostors(train.x, train.y, n)


# Distances between sets of features


def features(n, dim=6, shift=0.0, seed=0):
    """n draws of a Normal whose covariance is not diagonal, in double precision."""
    generator = torch.Generator().manual_seed(seed)
    mix = torch.randn(dim, dim, generator=torch.Generator().manual_seed(99), dtype=torch.float64)
    return torch.randn(n, dim, generator=generator, dtype=torch.float64) @ mix + shift


@pytest.mark.parametrize("seed", range(3))
def test_frechet_distance_is_the_formula_with_scipys_matrix_root(seed):
    a, b = features(50, seed=seed), 1.5 * features(80, shift=0.3, seed=seed + 10)
    mean, (cov_a, cov_b) = (a.mean(0) - b.mean(0)), (np.cov(a.T.numpy()), np.cov(b.T.numpy()))
    root = linalg.sqrtm(cov_a @ cov_b).real
    expected = float(mean.square().sum()) + np.trace(cov_a + cov_b - 2 * root)
    assert metrics.frechet_distance(a, b) == pytest.approx(expected, rel=1e-8)
    assert metrics.frechet_distance(b, a) == pytest.approx(expected, rel=1e-8)


def test_frechet_distance_of_equal_and_of_shifted_sets():
    a = features(100)
    assert metrics.frechet_distance(a, a) == pytest.approx(0, abs=1e-8)
    assert metrics.frechet_distance(a, a + 2) == pytest.approx(6 * 4, rel=1e-8)
    assert metrics.frechet_distance(a, 3 * a) == pytest.approx(
        float(4 * a.mean(0).square().sum() + 4 * torch.cov(a.T).trace()), rel=1e-6
    )


def test_frechet_distance_of_features_that_span_too_little_is_finite():
    flat = torch.cat([features(30), torch.zeros(30, 40, dtype=torch.float64)], 1)  # more dimensions than samples
    assert 0 <= metrics.frechet_distance(flat[:15], flat[15:]) < 100


@pytest.mark.parametrize("n", [100, 400])
def test_frechet_distance_of_one_distribution_to_itself_is_biased_upward_like_one_over_n(n):
    """And the kernel distance is not. 40 pairs of samples of one Normal, at n and at 4n."""
    small, large = (
        torch.tensor([metrics.frechet_distance(features(m, seed=i), features(m, seed=i + 1000)) for i in range(40)])
        for m in (n, 4 * n)
    )
    assert (small > 0).all() and 3 < small.mean() / large.mean() < 5.3
    kernel = torch.tensor([metrics.kernel_distance(features(n, seed=i), features(n, seed=i + 1000)) for i in range(40)])
    assert kernel.mean().abs() < 3 * kernel.std() / math.sqrt(40)
    assert kernel.min() < 0


def test_kernel_distance_is_the_sum_over_pairs():
    a, b = features(7), features(5, shift=0.4, seed=1)
    k = lambda x, y: (torch.dot(x, y) / 6 + 1) ** 3  # noqa: E731
    within = [sum(k(s[i], s[j]) for i in range(len(s)) for j in range(len(s)) if i != j) for s in (a, b)]
    across = sum(k(x, y) for x in a for y in b)
    expected = within[0] / (7 * 6) + within[1] / (5 * 4) - 2 * across / 35
    assert metrics.kernel_distance(a, b) == pytest.approx(float(expected))


def test_classifier_features_are_what_its_last_layer_reads(held_out):
    x = held_out.x[:20]
    features = metrics.classifier_features(x)
    assert features.shape == (20, 64)
    torch.testing.assert_close(
        metrics.digit_classifier().head(features).softmax(1).max(1).values, metrics.classify(x)[1]
    )


def test_distances_in_the_classifiers_features_order_digits_class_means_and_noise(train, held_out):
    real = metrics.classifier_features(train.x)
    means = torch.stack([train.x[train.y == digit].mean(0) for digit in range(10)]).repeat(30, 1, 1, 1)
    noise = torch.rand(300, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    sets = [metrics.classifier_features(x) for x in (held_out.x[:300], means, noise)]
    for distance in (metrics.frechet_distance, metrics.kernel_distance):
        good, flat, rubbish = (distance(s, real) for s in sets)
        assert 5 * good < min(flat, rubbish)


@pytest.mark.parametrize("distance", [metrics.frechet_distance, metrics.kernel_distance])
@pytest.mark.parametrize(
    ("a", "b"), [(features(1), features(5)), (features(5), features(5, 4)), (features(5)[0], features(5))]
)
def test_distances_refuse_features_that_do_not_fit(distance, a, b):
    with pytest.raises(ValueError, match=r"give \(N, D\) and \(M, D\), N and M >= 2"):
        distance(a, b)


# Coverage of modes

PERFECT = 1 - math.exp(-4.5)  # P(radius < 3 sd) in two dimensions


@pytest.mark.parametrize("mixture", [toy.ring(sd=0.01), toy.grid(), toy.ring(sd=0.05)], ids=["ring", "grid", "lesson"])
def test_a_perfect_sampler_scores_98_89_percent_and_the_floor(mixture):
    """200 samples of 2,500 points, the published number: all but 1.11 % within 3 sd, and KL of (K - 1) / 2N."""
    generator = torch.Generator().manual_seed(0)
    found = [metrics.modes(mixture.sample(2500, generator), mixture) for _ in range(200)]
    k = len(mixture.means)
    assert all(f.covered == k for f in found)
    quality = torch.tensor([f.high_quality for f in found])
    assert abs(quality.mean() - PERFECT) < 4 * math.sqrt(PERFECT * (1 - PERFECT) / (200 * 2500))
    kl = torch.tensor([f.reverse_kl for f in found])
    assert found[0].floor == (k - 1) / 5000
    assert abs(kl.mean() - found[0].floor) < 4 * kl.std() / math.sqrt(200)
    spread = torch.tensor([f.spread for f in found])
    truncated = math.sqrt(1 - 4.5 * math.exp(-4.5) / PERFECT)  # E[r²/2] of r²/2 ~ Exponential(1), cut at 9/2
    assert abs(spread.mean() - truncated) < 0.002


def test_modes_of_samples_made_by_hand():
    mixture = toy.Mixture(torch.tensor([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]]), torch.tensor([1.0, 0.1, 1.0]))
    x = torch.tensor([[2.9, 0.0], [0.0, 0.0], [10.0, 0.29], [10.0, 0.31]])
    found = metrics.modes(x, mixture)
    assert found.covered == 2 and found.high_quality == 0.75
    assert found.reverse_kl == pytest.approx(math.log(3) - math.log(2))


def test_spread_is_about_the_centre_of_each_modes_own_samples():
    """Numbers by hand: NumPy's deviations of two groups, one of them beside its mode; a third has nine samples."""
    mixture = toy.Mixture(torch.tensor([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]]), torch.tensor([1.0, 0.5, 1.0]))
    generator = torch.Generator().manual_seed(0)
    a, b, c = (torch.rand(n, 2, generator=generator) for n in (20, 10, 9))
    x = torch.cat([0.3 * a + 0.8, 0.5 * b + mixture.means[1], c + mixture.means[2]])
    ratios = np.array([[0.3 * a.numpy().std(0, ddof=1)], [0.5 * b.numpy().std(0, ddof=1) / 0.5]])
    assert metrics.modes(x, mixture).spread == pytest.approx(math.sqrt((ratios**2).mean()), rel=1e-5)
    assert metrics.modes(x[30:], mixture).spread == 0


def test_points_at_the_modes_or_beside_them_have_no_spread():
    ring = toy.ring()
    for points in (ring.means, ring.means + torch.tensor([0.03, 0.05])):
        found = metrics.modes(points.repeat(100, 1), ring)
        assert found.covered == 8 and found.high_quality == 1 and found.spread < 1e-3


def test_reverse_kl_is_against_the_weights_of_the_modes():
    mixture = toy.Mixture(torch.tensor([[0.0], [10.0]]), 1.0, torch.tensor([0.25, 0.75]))
    x = torch.tensor([[0.0], [10.0], [10.0], [10.0]])
    assert metrics.modes(x, mixture).reverse_kl == pytest.approx(0, abs=1e-7)
    assert metrics.modes(x[:1], mixture).reverse_kl == pytest.approx(math.log(4))


def test_a_mode_reached_by_poor_samples_only_is_not_covered():
    ring = toy.ring()
    found = metrics.modes(1.5 * ring.means, ring)
    assert found.covered == 0 and found.high_quality == 0
    assert found.reverse_kl == pytest.approx(0, abs=1e-6)  # which is why one number is not enough


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (torch.zeros(5, 3), r"x is \(5, 3\); give points of shape \(N, 2\)"),
        (torch.zeros(0, 2), "N >= 1"),
        (torch.full((3, 2), math.nan), "x has NaN or infinite values"),
    ],
)
def test_modes_refuses_bad_points(x, message):
    with pytest.raises(ValueError, match=message):
        metrics.modes(x, toy.ring())


# Disentanglement


def factors(n=4000, k=3, seed=0):
    return torch.rand(n, k, generator=torch.Generator().manual_seed(seed))


def turned(x, seed=0):
    """x after a random rotation of its columns."""
    noise = torch.randn(x.shape[1], x.shape[1], generator=torch.Generator().manual_seed(seed))
    return x @ torch.linalg.qr(noise).Q


def test_mutual_information_is_scikit_learns_of_numpys_histogram():
    codes, known = turned(torch.cat([factors(), factors(seed=1)], 1)), factors()
    found = metrics.mutual_information(codes, known, bins=7)
    assert found.shape == (6, 3)
    for d in range(6):
        for k in range(3):
            columns = codes[:, d].double().numpy(), known[:, k].double().numpy()
            cut = [np.digitize(c, np.histogram(c, 7)[1][:-1]) for c in columns]
            assert found[d, k].item() == pytest.approx(mutual_info_score(*cut), abs=1e-9)


def test_independent_columns_share_as_much_as_the_formula_of_the_bias_says():
    found = metrics.mutual_information(factors(20_000, 4), factors(20_000, 5, seed=1), bins=20)
    assert found.mean().item() == pytest.approx(19**2 / 40_000, rel=0.2)


def test_gap_is_one_when_each_factor_has_a_code_of_its_own_in_any_order_scale_and_sign():
    known = factors(20_000)
    codes = torch.cat([-3 * known[:, [2, 0, 1]] + 5, torch.zeros(20_000, 2)], 1)
    gap = metrics.mutual_information_gap(codes, known)
    assert gap.shape == (3,)
    torch.testing.assert_close(gap, torch.ones(3).double(), rtol=0, atol=0.01)  # the bias of the second best


def test_gap_of_a_code_that_tells_four_levels_of_a_factor_apart_is_its_share_of_the_entropy():
    known = factors(50_000, 1)
    codes = torch.cat([(known * 4).floor(), factors(50_000, 1, seed=1)], 1)
    gap = metrics.mutual_information_gap(codes, known, bins=8)
    assert gap.item() == pytest.approx(math.log(4) / math.log(8), abs=0.005)


def test_gap_falls_when_codes_are_turned_or_doubled_and_is_nothing_for_noise():
    known = factors(20_000)
    assert metrics.mutual_information_gap(turned(known), known).mean() < 0.3
    assert metrics.mutual_information_gap(torch.cat([known, known], 1), known).abs().max() < 1e-9
    assert metrics.mutual_information_gap(factors(20_000, 5, seed=1), known).max() < 0.01


@pytest.mark.parametrize(
    ("codes", "known", "message"),
    [
        (torch.rand(9, 2), torch.rand(8, 2), r"codes are \(9, 2\) and factors \(8, 2\)"),
        (torch.rand(9, 1), torch.rand(9, 2), r"codes are \(9, 1\); give \(N, D\) with D >= 2"),
        (torch.rand(9), torch.rand(9, 2), r"codes are \(9,\); give \(N, D\)"),
        (torch.rand(9, 2), torch.ones(9, 2), "factors that all vary"),
        (torch.full((9, 2), math.nan), torch.rand(9, 2), "give finite ones"),
    ],
)
def test_gap_refuses_bad_input(codes, known, message):
    with pytest.raises(ValueError, match=message):
        metrics.mutual_information_gap(codes, known)


def test_mutual_information_refuses_one_bin():
    with pytest.raises(ValueError, match=r"\(9, 2\) numbers in 1 bins"):
        metrics.mutual_information(torch.rand(9, 2), torch.rand(9, 2), bins=1)


# Collapse


def heaps(counts, sd=1.0, seed=0):
    """Points around (10, 0), (20, 0), …, as many as asked for, and the heap of each."""
    mode = torch.arange(len(counts)).repeat_interleave(torch.tensor(counts))
    noise = torch.randn(len(mode), 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return torch.stack([10.0 * (mode + 1), 0.0 * mode], 1) + sd * noise, mode


def test_all_modes_as_in_the_data_is_no_collapse():
    found = metrics.collapse(*heaps([100, 50, 50]), *heaps([200, 100, 100], seed=1))
    assert found.lost == 0
    assert found.spread == pytest.approx(1, abs=0.15)
    assert not found.collapsed


def test_lost_is_the_share_of_the_data_in_modes_with_less_than_a_quarter_of_it():
    real = heaps([500, 300, 200], seed=1)
    assert metrics.collapse(*heaps([80, 0, 20]), *real).lost == pytest.approx(0.3)
    assert metrics.collapse(*heaps([0, 0, 20]), *real).lost == pytest.approx(0.8)
    # Of 100 samples a quarter of a fifth is 5.
    assert metrics.collapse(*heaps([50, 46, 4]), *real).lost == pytest.approx(0.2)
    assert metrics.collapse(*heaps([50, 44, 6]), *real).lost == 0


def test_one_small_mode_lost_is_no_collapse_and_a_tenth_is_the_border():
    real = heaps([460, 460, 80], seed=1)
    found = metrics.collapse(*heaps([50, 50, 0]), *real)
    assert (found.lost, found.collapsed) == (pytest.approx(0.08), False)
    assert metrics.collapse(*heaps([50, 50, 0]), *heaps([440, 440, 120], seed=1)).collapsed


def test_narrow_modes_are_a_collapse_of_their_own():
    real = heaps([400, 400], seed=1)
    for sd, collapsed in ((0.1, True), (0.5, False)):
        found = metrics.collapse(*heaps([400, 400], sd=sd), *real)
        assert found.spread == pytest.approx(sd, rel=0.1)
        assert found.collapsed == collapsed


def test_samples_of_no_mode_count_against_none():
    x, mode = heaps([100, 100])
    wild = torch.cat([x, 1000 * torch.ones(300, 2)]), torch.cat([mode, torch.full((300,), -1)])
    real = heaps([100, 100], seed=1)
    assert metrics.collapse(*wild, *real) == metrics.collapse(x, mode, *real)
    nothing = metrics.collapse(x, torch.full_like(mode, -1), *real)
    assert (nothing.lost, nothing.collapsed) == (1.0, True)
    assert math.isnan(nothing.spread)


def test_spread_leaves_out_modes_with_few_samples():
    x, mode = heaps([100, 9])
    x[mode == 1] = 20.0
    assert metrics.collapse(x, mode, *heaps([100, 100], seed=1)).spread > 0.8


def test_collapse_of_images_is_that_of_their_pixels():
    x = torch.rand(60, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    mode = torch.arange(60) % 2
    found = metrics.collapse(x[:30] / 2, mode[:30], x[30:], mode[30:])
    half = [np.var(x[:30][mode[:30] == k].flatten(1).numpy() / 2, axis=0, ddof=1).mean() for k in (0, 1)]
    whole = [np.var(x[30:][mode[30:] == k].flatten(1).numpy(), axis=0, ddof=1).mean() for k in (0, 1)]
    assert found.spread == pytest.approx(math.sqrt(np.mean(np.divide(half, whole))), rel=1e-5)


def test_mode_of_a_point_is_the_nearest_within_half_the_way_to_the_next():
    mixture = toy.Mixture(torch.tensor([[0.0, 0.0], [4.0, 0.0], [10.0, 0.0]]), 0.1)
    x = torch.tensor([[1.9, 0.0], [0.0, -2.1], [2.1, 0.0], [6.1, 0.0], [7.1, 0.0], [10.0, 2.9]])
    assert metrics.modes_of(x, mixture).tolist() == [0, -1, 1, -1, 2, 2]
    assert metrics.modes_of(x, toy.Mixture(torch.zeros(1, 2), 1.0)).tolist() == [0] * 6


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x, m: (x, m[:3], x, m), "int64"),
        (lambda x, m: (x, m.float(), x, m), "int64"),
        (lambda x, m: (x, m - 2, x, m), "int64"),
        (lambda x, m: (x / 0, m, x, m), "NaN or infinite"),
        (lambda x, m: (x, m, x[:, :1], m), "of one form"),
        (lambda x, m: (x, m, x, torch.full_like(m, -1)), "real ones in modes"),
    ],
)
def test_collapse_refuses_what_does_not_fit(change, message):
    with pytest.raises(ValueError, match=message):
        metrics.collapse(*change(*heaps([5, 5])))


# Distance within a class


def test_distance_within_a_class_is_that_of_scipy():
    x, y = torch.rand(30, 1, 3, 3, dtype=torch.float64), torch.arange(30) % 3
    expected = np.mean([pdist(x[y == k].flatten(1).numpy()).mean() for k in range(3)])
    assert metrics.class_distance(x, y).item() == pytest.approx(expected)
    assert metrics.class_distance(x[:3].repeat(2, 1, 1, 1), y[:3].repeat(2)) == 0


@pytest.mark.parametrize("y", [torch.arange(4), torch.tensor([0, 0, 0]), torch.tensor([0, 0, 0, 1])])
def test_distance_within_a_class_refuses_what_does_not_fit(y):
    with pytest.raises(ValueError, match="two images a class or more"):
        metrics.class_distance(torch.rand(4, 1, 3, 3), y)
