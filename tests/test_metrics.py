import hashlib
import math
import re

import numpy as np
import pytest
import torch
from sklearn.neighbors import NearestNeighbors
from torch.distributions import Independent, Normal

from course_lib import metrics
from course_lib.data import available, load, shipped
from course_lib.linear_gaussian import ProbabilisticPCA


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


def pca_and_data(n=40):
    W = torch.randn(5, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    pca = ProbabilisticPCA(W, torch.zeros(5, dtype=torch.float64), 0.8)
    return pca, pca.sample(n, torch.Generator().manual_seed(1))[0]


def widened(pca, seed=0, width=1.2, record=None):
    """log_weights for q a diagonal normal `width` times as wide as the exact posterior."""
    generator = torch.Generator().manual_seed(seed)

    def log_weights(x, k):
        mean, sd = pca.posterior(x).mean, width * pca.posterior_cov.diagonal().sqrt()
        z = mean + sd * torch.randn(k, *mean.shape, dtype=mean.dtype, generator=generator)
        log_w = pca.log_joint(x, z) - Independent(Normal(mean, sd), 1).log_prob(z)
        if record is not None:
            record.append(log_w)
        return log_w

    return log_weights


def exact(pca):
    """log_weights for q the exact posterior: each weight is p(x)."""

    def log_weights(x, k):
        q = pca.posterior(x)
        z = q.sample((k,))
        return pca.log_joint(x, z) - q.log_prob(z)

    return log_weights


def test_log_likelihood_agrees_with_the_exact_one():
    pca, x = pca_and_data()
    record = []
    estimate = metrics.log_likelihood(widened(pca, record=record), x, k=2000, chunk=16)
    weights = torch.cat(record, 1).exp()
    relative_variance = weights.var(0) / weights.mean(0).square() / len(weights)
    standard_error = relative_variance.sum().sqrt().item() / len(x)  # of the k draws, the data held fixed
    assert standard_error < 0.01
    assert abs(estimate.mean - pca.log_prob(x).mean().item()) < 4 * standard_error


@pytest.mark.parametrize("chunk", [1, 7, 100])
def test_log_likelihood_with_the_exact_posterior_is_exact_with_one_draw(chunk):
    pca, x = pca_and_data()
    log_px = pca.log_prob(x)
    estimate = metrics.log_likelihood(exact(pca), x, k=1, chunk=chunk)
    assert estimate.mean == pytest.approx(log_px.mean().item(), rel=1e-9)
    assert estimate.standard_error == pytest.approx(log_px.numpy().std(ddof=1) / math.sqrt(40), rel=1e-9)


def test_log_likelihood_rises_with_k_towards_the_exact_one():
    pca, x = pca_and_data()
    runs = [[metrics.log_likelihood(widened(pca, s, width=2.0), x, k).mean for s in range(50)] for k in (1, 5, 50)]
    one, five, fifty = np.mean(runs, 1)
    errors = np.std(runs, 1, ddof=1) / math.sqrt(50)
    assert five - one > 4 * np.hypot(*errors[:2])
    assert fifty - five > 4 * np.hypot(*errors[1:])
    assert fifty < pca.log_prob(x).mean().item() + 4 * errors[2]


def test_log_likelihood_of_one_point_has_no_standard_error():
    pca, x = pca_and_data(1)
    estimate = metrics.log_likelihood(exact(pca), x, k=2)
    assert math.isfinite(estimate.mean)
    assert math.isnan(estimate.standard_error)


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


@pytest.mark.parametrize(
    ("log_weights", "x", "k", "message"),
    [
        (None, X, 0, r"k is 0 .*give k >= 1"),
        (None, X[:0], 5, "at least one point"),
        (lambda x, k: torch.zeros(len(x)), X, 5, r"shape \(K, B\)"),
    ],
)
def test_log_likelihood_refuses_bad_input(log_weights, x, k, message):
    with pytest.raises(ValueError, match=message):
        metrics.log_likelihood(log_weights, x, k)
