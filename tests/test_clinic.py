import math

import pytest
import torch

from course_lib import clinic
from course_lib.clinic import CASES, Case


def near(means, n=300, sd=0.1, seed=0):
    """n points around each of the means (K, 2)."""
    noise = torch.randn(n * len(means), 2, generator=torch.Generator().manual_seed(seed))
    return means.repeat_interleave(n, 0) + sd * noise


MEANS = clinic.ring().means
SYMPTOMS = {
    "healthy": near(MEANS),
    "one heap": near(MEANS[:1]),
    "modes missing": near(MEANS[:5]),
    "off the modes": near(MEANS, sd=0.3),
    "run away": near(2 * MEANS),
}


@pytest.mark.parametrize("symptom", SYMPTOMS)
def test_symptoms_of_samples_made_by_hand(symptom):
    assert clinic._symptom(SYMPTOMS[symptom]) == symptom


@pytest.mark.parametrize("name", CASES)
def test_each_case_is_broken_in_most_seeds(name):
    symptoms = [clinic._symptom(samples) for samples in clinic.run(CASES[name]).samples.unbind(1)]
    assert symptoms.count(clinic.HEALTHY) <= 1


def test_cases_as_handed_over_need_no_run():
    assert {clinic.verdict(case) for case in CASES.values()} == {clinic.UNTOUCHED}


def test_the_cases_and_the_default_all_differ():
    assert len({*CASES.values(), Case()}) == len(CASES) + 1


def test_run_returns_losses_and_samples_of_all_seeds_and_the_same_again():
    first, again = (clinic.run(Case(), rounds=80) for _ in range(2))
    assert first.samples.shape == (2500, clinic.SEEDS, 2)
    assert torch.equal(first.samples, again.samples)
    assert all(math.isfinite(v) for key in ("d.loss", "g.loss", "d.real", "d.fake") for v in first.history[key])


def test_a_case_without_shuffling_sees_the_modes_in_order():
    x = clinic._data(Case(shuffle=False))
    modes = [clinic.modes_of(batch.x[:, 0], clinic.ring()) for batch in x]
    assert max(len(m[m >= 0].unique()) for m in modes) <= 2
    mixed = [clinic.modes_of(batch.x[:, 0], clinic.ring()) for batch in clinic._data(Case())]
    assert min(len(m[m >= 0].unique()) for m in mixed[:-1]) == 8


def test_generator_ends_in_what_the_case_says():
    assert clinic.run(Case(end="sigmoid"), rounds=1).samples.min() >= 0


def _of(symptom):
    """2,000 samples with a symptom."""
    x = SYMPTOMS[symptom]
    return x[torch.randint(len(x), (2000,), generator=torch.Generator().manual_seed(0))]


@pytest.mark.parametrize(
    ("symptoms", "verdict"),
    [
        (("healthy", "healthy", "run away"), "healthy"),
        (("healthy", "run away", "modes missing"), "run away"),
        (("healthy", "modes missing", "one heap"), "one heap"),
        (("off the modes", "modes missing", "off the modes"), "off the modes"),
    ],
)
def test_verdict_is_healthy_for_most_seeds_only_and_the_worst_of_a_tie(symptoms, verdict, monkeypatch):
    samples = torch.stack([_of(symptom) for symptom in symptoms], 1)
    monkeypatch.setattr(clinic, "run", lambda case: clinic.Run(None, samples))
    assert clinic.verdict.__wrapped__(Case()) == verdict


def test_a_weight_without_a_penalty_changes_nothing():
    assert clinic.verdict(CASES["D"]._replace(penalty_weight=3.0)) == clinic.UNTOUCHED
