import numpy as np
import pytest
import torch
from sklearn.neighbors import NearestNeighbors
from torch import nn

from course_lib import losses
from course_lib.data import shapes
from course_lib.joint import JointSpace, search


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return JointSpace(len(shapes.WORDS))


@pytest.fixture(scope="module")
def pairs():
    drawn = shapes.sample(64)
    return drawn.x.float() / 255, shapes.counts(shapes.captions(drawn.factors))


def unit(n, dim, seed):
    return nn.functional.normalize(torch.randn(n, dim, generator=torch.Generator().manual_seed(seed)), dim=1)


def test_pictures_and_texts_are_unit_vectors_of_one_space(model, pairs):
    for e in (model.picture(pairs[0]), model.text(pairs[1])):
        assert e.shape == (64, 24)
        torch.testing.assert_close(e.norm(dim=1), torch.ones(64))


def test_forward_scores_texts_in_rows_with_pictures_in_columns(model, pairs):
    x, counts = pairs[0][:5], pairs[1][:5]
    scores = model(x, counts)
    for i in range(5):
        for j in range(5):
            cosine = nn.functional.cosine_similarity(model.text(counts)[i], model.picture(x)[j], dim=0)
            torch.testing.assert_close(scores[i, j], 10 * cosine)


def test_a_text_is_the_direction_of_the_sum_of_its_words(model):
    single = torch.stack([model.words.weight[:, shapes.WORDS.index(word)] for word in ("red", "red", "circle")])
    expected = single.sum(0) / single.sum(0).norm()
    torch.testing.assert_close(model.text(shapes.counts(["red circle, red"]))[0], expected)


def test_decoder_returns_logits_of_pictures_for_any_dimension_and_width():
    small = JointSpace(7, dim=5, width=4)
    logits = small.decode(unit(3, 5, 0))
    assert logits.shape == (3, 3, 28, 28) and logits.min() < 0 < logits.max()
    assert small.text(torch.ones(2, 7)).shape == small.picture(torch.rand(2, 3, 28, 28)).shape == (2, 5)


def test_scale_starts_at_10_is_learned_and_bounded(pairs):
    torch.manual_seed(0)
    space = JointSpace(len(shapes.WORDS))
    assert space.scale.item() == pytest.approx(10)
    losses.contrastive(space(*pairs)).mean().backward()
    assert space.log_scale.grad.abs() > 0
    space.log_scale.data.fill_(9.0)
    assert space.scale.item() == 50


def test_encoders_and_decoder_learn_a_batch_by_heart(pairs):
    torch.manual_seed(0)
    drawn = shapes.sample(16, seed=3)
    x, counts = drawn.x.float() / 255, shapes.counts(shapes.captions(drawn.factors, seed=1))
    space = JointSpace(len(shapes.WORDS), width=8)
    optimizer = torch.optim.Adam(space.parameters(), 0.01)
    for _ in range(120):
        e = space.picture(x).detach()
        loss = losses.contrastive(space(x, counts)).mean() + losses.squared_error(space.decode(e).sigmoid(), x).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert losses.contrastive(space(x, counts)).mean() < 0.2  # of log 16 = 2.77 at chance
    _, found = search(space.text(counts), space.picture(x), 1)
    assert (drawn.factors[found[:, 0]] == drawn.factors).all(1).float().mean() >= 0.9
    error = losses.squared_error(space.decode(space.text(counts)).sigmoid(), x).mean()
    assert error < 0.5 * losses.squared_error(x.mean(0).expand_as(x), x).mean()


def test_search_finds_the_neighbours_that_scikit_learn_finds():
    queries, keys = unit(20, 6, 0), unit(50, 6, 1)
    scores, index = search(queries, keys, 7)
    distance, expected = NearestNeighbors(n_neighbors=7, metric="cosine").fit(keys.numpy()).kneighbors(queries.numpy())
    np.testing.assert_array_equal(index.numpy(), expected)
    np.testing.assert_allclose(scores.numpy(), 1 - distance, atol=1e-6)


def test_search_finds_a_key_itself_first_and_all_keys_at_most():
    keys = unit(9, 4, 2)
    scores, index = search(keys, keys, 9)
    assert torch.equal(index[:, 0], torch.arange(9))
    assert torch.equal(index.sort(1).values, torch.arange(9).repeat(9, 1))
    assert (scores.diff(dim=1) <= 0).all()


@pytest.mark.parametrize("k", [0, 10, -1])
def test_search_for_too_few_or_many_is_refused(k):
    with pytest.raises(ValueError, match=f"k is {k}; give 1 to 9, the number of keys"):
        search(unit(2, 4, 0), unit(9, 4, 1), k)


@pytest.mark.parametrize(("queries", "keys"), [((4,), (9, 4)), ((2, 4), (9, 5)), ((2, 4), (9,))])
def test_search_among_other_shapes_is_refused(queries, keys):
    with pytest.raises(ValueError, match=r"give \(Q, D\) and \(N, D\)"):
        search(torch.ones(queries), torch.ones(keys), 1)


def test_wrong_shapes_are_refused(model):
    for x in (torch.rand(2, 1, 28, 28), torch.zeros(2, 3, 28, 28, dtype=torch.uint8), torch.rand(3, 28, 28)):
        with pytest.raises(ValueError, match=r"give float pictures \(B, 3, 28, 28\)"):
            model.picture(x)
    for counts in (torch.zeros(2, 3), torch.zeros(len(shapes.WORDS))):
        with pytest.raises(ValueError, match=rf"this space knows {len(shapes.WORDS)} words"):
            model.text(counts)
    for e in (torch.zeros(2, 23), torch.zeros(24)):
        with pytest.raises(ValueError, match=r"this decoder takes \(B, 24\)"):
            model.decode(e)
