"""Notebook 02's functions: files and numbers by exhaustion and at random, search and losses against scikit-learn."""

from itertools import product
from types import SimpleNamespace

import books
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import top_k_accuracy_score
from sklearn.neighbors import NearestNeighbors
from torch.nn import functional as F

BOOK = SimpleNamespace(**books.definitions(books.of("02")))
SOLVED = {
    number: books.answers(books.of("02"), books.tasks(books.of("02"))[number])[1]
    for number in ("02.3", "02.4", "02.10")
}
SHORT = ["".join(bits) for length in range(12) for bits in product("01", repeat=length)]

bit_strings = st.text("01", max_size=300)
files = st.binary(max_size=60) | st.binary(max_size=3).map(lambda data: b"\0\0" + data)


def random(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_short_bit_strings_and_the_first_integers_are_paired_off():
    assert [BOOK.to_number(bits) for bits in SHORT] == list(range(1, len(SHORT) + 1))
    assert [BOOK.to_bits(number) for number in range(1, len(SHORT) + 1)] == SHORT


@given(bit_strings)
def test_a_bit_string_comes_back_from_its_number(bits):
    assert BOOK.to_bits(BOOK.to_number(bits)) == bits


@given(st.integers(1, 2**300))
def test_a_number_comes_back_from_its_bit_string(number):
    assert BOOK.to_number(BOOK.to_bits(number)) == number


@given(files)
def test_a_file_comes_back_from_its_number(data):
    assert BOOK.file_of(BOOK.number_of(data)) == data
    assert BOOK.number_of(data) == BOOK.to_number("".join(f"{byte:08b}" for byte in data))


@given(files, files)
def test_two_files_have_two_numbers_repaired_or_not(one, other):
    assert (BOOK.number_of(one) == BOOK.number_of(other)) == (one == other)
    assert (SOLVED["02.10"](one) == SOLVED["02.10"](other)) == (one == other)


def test_the_line_of_exercise_3_starts_at_0_and_leaves_nothing_out():
    assert [SOLVED["02.3"](bits) for bits in SHORT] == list(range(len(SHORT)))


@given(st.integers(0, 2**200))
def test_exercises_3_and_4_are_each_others_inverse(number):
    assert SOLVED["02.3"](SOLVED["02.4"](number)) == number


@given(st.integers(0, 2**784 - 1))
def test_a_picture_and_its_number_come_back(number):
    assert BOOK.of_picture(BOOK.to_picture(number)) == number


def test_a_shift_to_the_right_halves_the_number_where_the_rim_is_white():
    x = (random(1, 28, 28) > 0).float()
    x[..., :2] = x[..., -2:] = 0
    assert BOOK.of_picture(x) == 2 * BOOK.of_picture(x.roll(1, -1))


def test_missing_bits_become_white_pixels_at_the_end():
    assert BOOK.picture_of("111", 2, 2).flatten().tolist() == [1, 1, 1, 0]


def test_agreement_counts_pairs_of_neighbours():
    x = (random(3, 1, 4, 5) > 0).float()
    for picture, share in zip(x[:, 0], BOOK.agreement(x), strict=True):
        pairs = [(picture[i, j], picture[i + 1, j]) for i in range(3) for j in range(5)]
        pairs += [(picture[i, j], picture[i, j + 1]) for i in range(4) for j in range(4)]
        assert share.item() == pytest.approx(sum(bool(a == b) for a, b in pairs) / len(pairs))


def test_contrastive_loss_is_cross_entropy_both_ways():
    similarity = 3 * random(9, 9)
    right = torch.arange(9)
    wanted = (
        F.cross_entropy(similarity, right, reduction="none") + F.cross_entropy(similarity.T, right, reduction="none")
    ) / 2
    torch.testing.assert_close(BOOK.contrastive(similarity), wanted)
    torch.testing.assert_close(BOOK.contrastive(similarity), BOOK.contrastive(similarity.T))


def test_encoders_give_unit_vectors_and_a_text_is_the_sum_of_its_words():
    reader, eye = BOOK.Reader(7, 4), BOOK.Eye(4)
    torch.testing.assert_close(eye(torch.rand(3, 3, 28, 28)).norm(dim=1), torch.ones(3))
    words = reader.vectors.weight.T
    both = reader(torch.eye(7)[[2]] + torch.eye(7)[[5]])
    torch.testing.assert_close(both, F.normalize((words[2] + words[5])[None], dim=1))


def test_search_is_that_of_scikit_learn():
    keys, queries = F.normalize(random(40, 6), dim=1), F.normalize(random(8, 6, seed=1), dim=1)
    distance, index = NearestNeighbors(n_neighbors=3, metric="cosine").fit(keys).kneighbors(queries)
    score, found = BOOK.search(queries, keys, 3)
    assert found.tolist() == index.tolist()
    np.testing.assert_allclose(1 - score.numpy(), distance, atol=1e-6)


@pytest.mark.parametrize("k", [1, 5])
def test_recall_is_that_of_scikit_learn(k):
    keys = F.normalize(random(30, 4), dim=1)
    right = torch.arange(30)[::2]
    queries = F.normalize(keys[right] + 0.5 * random(15, 4, seed=1), dim=1)
    wanted = top_k_accuracy_score(right, queries @ keys.T, k=k, labels=range(30))
    assert BOOK.recall(queries, keys, right, k) == pytest.approx(wanted)


def test_histogram_is_that_of_numpy():
    x = torch.rand(2, 3, 6, 5, generator=torch.Generator().manual_seed(0))
    for picture, counted in zip(x, BOOK.histogram(x), strict=True):
        wanted, _ = np.histogramdd(picture.flatten(1).T.numpy(), bins=4, range=[(0, 1)] * 3)
        assert counted.tolist() == wanted.flatten().tolist()


def test_views_keep_white_paper_and_a_repainted_picture_has_one_colour():
    torch.manual_seed(0)
    paper = torch.ones(2, 3, 28, 28)
    torch.testing.assert_close(BOOK.moved_about(paper), paper)
    torch.testing.assert_close(BOOK.repainted(paper), paper)
    x = paper.clone()
    x[:, :2, 10:18, 10:18] = 0
    ink = 1 - BOOK.repainted(x).flatten(2)  # (2, 3, pixels): each pixel a share of the same colour
    assert torch.linalg.matrix_rank(ink, atol=1e-4).tolist() == [1, 1]


def test_probe_finds_what_a_line_separates_and_nothing_in_noise():
    classes = torch.arange(3).repeat(60)
    features = F.one_hot(classes, 3) + 0.05 * random(180, 3)
    assert BOOK.probe(features, classes, features, classes, 4) == 1
    noise = random(180, 90), random(180, 90, seed=1)  # enough features to learn all examples by heart
    assert BOOK.probe(noise[0], classes, noise[1], classes, 20) < 0.5
