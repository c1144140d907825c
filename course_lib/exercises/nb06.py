"""Exercises and quiz of 06_mixtures_and_markov_chains."""

import math
from decimal import Decimal, localcontext
from itertools import pairwise

import torch
from torch import distributions as D
from torch.nn import functional as F

from .inputs import normal, simplex, together, uniform
from .records import Exercise, Question

TITLE = "Mixtures and Markov chains"


# --- mixtures -----------------------------------------------------------------------------------------------------


def _line_mixture(generator):
    """Weights, means and standard deviations of three Normals on the line."""
    return together(simplex(3), normal(3, scale=2), uniform(3, low=0.5, high=2))(generator)


def _near_and_far(generator):
    near, far = together(normal(5, scale=2), uniform(4, low=100, high=200))(generator)
    return torch.cat([near, far]), *_line_mixture(generator)


def _joint(x, weights, means, sd):
    return weights.log() + D.Normal(means, sd).log_prob(x[:, None])


def _sklearn_mixture(x, weights, means, sd, steps):
    """scikit-learn's mixture after EM steps from the given start."""
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    given = {"weights_init": weights, "means_init": means[:, None], "precisions_init": sd[:, None, None] ** -2}
    given = {name: value.numpy() for name, value in given.items()}
    model = GaussianMixture(len(weights), max_iter=steps, tol=0, reg_covar=0, **given)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(x.numpy()[:, None])


def _responsibilities(x, weights, means, sd):
    from sklearn.mixture import GaussianMixture

    model = GaussianMixture(len(weights), covariance_type="diag")
    model.weights_, model.means_ = weights.numpy(), means.numpy()[:, None]
    model.covariances_, model.precisions_cholesky_ = sd.numpy()[:, None] ** 2, 1 / sd.numpy()[:, None]
    return torch.from_numpy(model.predict_proba(x.numpy()[:, None]))


def _one_em_step(x, weights, means, sd):
    model = _sklearn_mixture(x, weights, means, sd, steps=1)
    return tuple(torch.from_numpy(v.reshape(-1)) for v in (model.weights_, model.means_, model.covariances_**0.5))


def _new_means(x, r):
    import numpy as np

    return torch.tensor(np.stack([np.average(x.numpy(), axis=0, weights=column) for column in r.T.numpy()]))


def _bic_diagonal(log_likelihood, n, k, dims):
    """scikit-learn's BIC of any mixture of this size shows what it charges for the parameters."""
    import numpy as np
    from sklearn.mixture import GaussianMixture

    model = GaussianMixture(k, covariance_type="diag")
    model.weights_, model.means_ = np.full(k, 1 / k), np.zeros((k, dims))
    model.covariances_ = model.precisions_cholesky_ = np.ones((k, dims))
    points = np.zeros((n, dims))
    return model.bic(points) + 2 * n * model.score(points) - 2 * log_likelihood


def _sizes(generator):
    n, k, dims = (torch.randint(low, high, (), generator=generator).item() for low, high in ((50, 500), (3, 9), (3, 7)))
    return -100 * torch.rand((), generator=generator).item() - 50, n, k, dims


def _charge(k_weights=-1, per_component=lambda d: 2 * d, price=math.log, sign=1, factor=2):
    """A BIC with one part exchanged."""

    def answer(log_likelihood, n, k, dims):
        return sign * (-factor * log_likelihood + (k + k_weights + k * per_component(dims)) * price(n))

    return answer


def _em_with(r_of, mean=None, spread=torch.sqrt):
    """An EM step with other responsibilities, or with one part of the M-step exchanged."""

    def answer(x, weights, means, sd):
        r = r_of(_joint(x, weights, means, sd))
        counts = r.sum(0)
        new = (r * x[:, None]).sum(0) / counts
        around = means if mean == "old" else new
        return counts / counts.sum() * r.sum() / len(x), new, spread((r * (x[:, None] - around) ** 2).sum(0) / counts)

    return answer


def _weights_sum_to_one(answer):
    def other(*inputs):
        weights, means, sd = answer(*inputs)
        return weights / weights.sum(), means, sd

    return other


def _over_points(joint):
    return joint.softmax(0)


def _over_components(joint):
    return joint.softmax(1)


def _hard(joint):
    return F.one_hot(joint.argmax(1), joint.shape[1]).to(joint)


# --- chains -------------------------------------------------------------------------------------------------------


def _count_table(generator):
    counts = torch.randint(0, 9, (5, 5), generator=generator).double()
    return counts, 0.2 + torch.rand((), generator=generator).item()


def _word(generator):
    length = torch.randint(3, 9, (), generator=generator).item()
    return torch.randint(1, 27, (length,), generator=generator), simplex(27, 27)(generator)


def _word_nll(word, P):
    dot = torch.zeros(1, dtype=torch.int64)
    ends, starts = torch.cat([word, dot]), torch.cat([dot, word])
    return -D.Categorical(P[starts]).log_prob(ends).sum()


def _null_vector(P):
    from scipy.linalg import null_space

    vector = torch.from_numpy(null_space(P.T.numpy() - torch.eye(len(P)).numpy())[:, 0])
    return vector / vector.sum()


def _left_eigenvector(P):
    return F.normalize(_null_vector(P), dim=0)


def _names(generator):
    def name():
        length = torch.randint(1, 7, (), generator=generator).item()
        return "".join(chr(97 + i) for i in torch.randint(0, 26, (length,), generator=generator).tolist())

    return ([name() for _ in range(12)],)


def _pairs_by_sklearn(names):
    from sklearn.feature_extraction.text import CountVectorizer

    letters = ".abcdefghijklmnopqrstuvwxyz"
    vocabulary = [a + b for a in letters for b in letters]
    counter = CountVectorizer(analyzer="char", ngram_range=(2, 2), vocabulary=vocabulary)
    return torch.from_numpy(counter.transform([f".{name}." for name in names]).toarray().sum(0)).view(27, 27)


def _pairs(texts):
    """Counts of neighbours in each text, in which a dot is 0."""
    table = torch.zeros(27, 27)
    for text in texts:
        c = [0 if letter == "." else ord(letter) - 96 for letter in text]
        for i, j in pairwise(c):
            table[i, j] += 1
    return table


# --- hidden Markov models -------------------------------------------------------------------------------------------


def _every_path(start, transition, seen):
    """All paths (S^T, T) and the log p of each together with what was seen; all arguments are logarithms."""
    paths = torch.cartesian_prod(*[torch.arange(len(start))] * len(seen))
    log_p = start[paths[:, 0]] + transition[paths[:, :-1], paths[:, 1:]].sum(1)
    return paths, log_p + seen[torch.arange(len(seen)), paths].sum(1)


def _path_inputs(generator):
    start, transition, seen = together(simplex(3), simplex(3, 3), normal(7, 3))(generator)
    return start.log(), (transition**2).log(), seen


def _best_of_all(start, transition, seen):
    paths, log_p = _every_path(start, transition, seen)
    return paths[log_p.argmax()]


def _likeliest_states(start, transition, seen):
    paths, log_p = _every_path(start, transition, seen)
    return torch.einsum("p,pts->ts", log_p.softmax(0), F.one_hot(paths, len(start)).double()).argmax(1)


def _greedy(start, transition, seen):
    path = [(start + seen[0]).argmax()]
    for now in seen[1:]:
        path.append((transition[path[-1]] + now).argmax())
    return torch.stack(path)


def _without_going_back(start, transition, seen):
    best = start + seen[0]
    path = [best.argmax()]
    for now in seen[1:]:
        best = (best[:, None] + transition).amax(0) + now
        path.append(best.argmax())
    return torch.stack(path)


def _step_inputs(generator):
    alpha, transition, seen = together(normal(4), simplex(4, 4), simplex(4))(generator)
    return alpha - 900, transition.log(), seen.log()


def _decimal(values):
    return [Decimal(value) for value in values.tolist()]


def _forward_step(alpha, transition, seen):
    """With numbers of 40 digits and any exponent, so without a logsumexp."""
    with localcontext(prec=40):
        before = [a.exp() for a in _decimal(alpha)]
        into = [[t.exp() for t in _decimal(column)] for column in transition.T]
        sums = [sum(a * t for a, t in zip(before, column, strict=True)) for column in into]
        return torch.tensor([float(s.ln()) for s in sums], dtype=torch.float64) + seen


def _six_throws(generator):
    """Six throws; start, transition and emission probabilities of two states and six symbols."""
    return torch.randint(6, (6,), generator=generator), *together(simplex(2), simplex(2, 2), simplex(2, 6))(generator)


def _long_memory(generator):
    """800 throws of dice that are nearly alike and change seldom, so that old throws count."""
    start, move, dice = together(simplex(2), simplex(2, 2), normal(2, 6, scale=0.2))(generator)
    transition = 0.995 * torch.eye(2, dtype=torch.float64) + 0.005 * move
    return torch.randint(6, (800,), generator=generator), start, transition, dice.softmax(-1)


def _sum_over_paths(x, start, transition, emission):
    return _every_path(start.log(), transition.log(), emission.T[x].log())[1].logsumexp(0)


def _loaded_now(x, start, transition, emission):
    """The forward recursion in numbers of 40 digits and any exponent."""
    with localcontext(prec=40):
        columns, shown = [_decimal(c) for c in transition.T], [_decimal(c) for c in emission.T]
        alpha = [s * e for s, e in zip(_decimal(start), shown[x[0]], strict=True)]
        for symbol in x[1:].tolist():
            into = [sum(a * t for a, t in zip(alpha, column, strict=True)) for column in columns]
            alpha = [a * e for a, e in zip(into, shown[symbol], strict=True)]
        return torch.tensor(float(alpha[1] / sum(alpha)), dtype=torch.float64)


def _recursion(move=lambda a, t, e: (a @ t) * e, end=lambda a: a.sum().log(), first=lambda s, e: s * e):
    """The forward recursion with its beginning, its step or its end exchanged."""

    def answer(x, start, transition, emission):
        alpha = first(start, emission[:, x[0]])
        for symbol in x[1:]:
            alpha = move(alpha, transition, emission[:, symbol])
        return end(alpha)

    return answer


def _share(alpha):
    return alpha[1] / alpha.sum()


def _scaled(alpha, transition, seen):
    alpha = (alpha @ transition) * seen
    return alpha / alpha.sum()


EXERCISES = [
    Exercise(
        id="06.1",
        title="Responsibilities",
        level=1,
        inputs=_near_and_far,
        oracle=_responsibilities,
        why="a responsibility is Bayes' rule, and subtracting logsumexp over the components neither underflows nor "
        "divides zero by zero.",
        mistakes=[
            (
                lambda x, w, m, s: _joint(x, w, m, s).exp() / _joint(x, w, m, s).exp().sum(1, keepdim=True),
                "Far from all means every density is 0 in floating point, and 0/0 is not a number. Stay in logarithms.",
            ),
            (lambda x, w, m, s: _joint(x, w, m, s).softmax(0), "Each point's shares sum to 1: use dim 1, not dim 0."),
            (
                lambda x, w, m, s: D.Normal(m, s).log_prob(x[:, None]).softmax(1),
                "The weights are missing: Bayes' rule multiplies each density by its prior probability.",
            ),
            (lambda x, w, m, s: _joint(x, w, m, s).log_softmax(1), "These are the logarithms. Take the exponential."),
            (
                lambda x, w, m, s: _joint(x, w, m, s.sqrt()).softmax(1),
                "`sd` is the standard deviation already. D.Normal takes it as it is.",
            ),
            (lambda x, w, m, s: _joint(x, w, m, s), "This is log p(x, z). Divide p(x, z) by its sum over z."),
        ],
    ),
    Exercise(
        id="06.2",
        title="The M-step: means",
        level=1,
        inputs=together(normal(8, 2), simplex(8, 3)),
        oracle=_new_means,
        why="each mean is the average of the points, weighted by the component's responsibilities.",
        mistakes=[
            (lambda x, r: r.T @ x / len(x), "Divide by N_k, the sum of the component's responsibilities, not by N."),
            (lambda x, r: r.T @ x, "The weighted sum is right. Divide it by the sum of the weights."),
            (
                lambda x, r: _hard(r).T @ x / _hard(r).sum(0)[:, None],
                "This gives each point to one component alone, as k-means does. EM uses the shares.",
            ),
            (
                lambda x, r: (r.T @ x / r.sum(0)[:, None]).T,
                "The result is transposed: one row for each component is wanted, (K, D).",
            ),
            (
                lambda x, r: r.softmax(0).T @ x,
                "Responsibilities are probabilities already. A softmax changes their proportions.",
            ),
        ],
    ),
    Exercise(
        id="06.3",
        title="BIC with diagonal covariances",
        level=2,
        inputs=_sizes,
        oracle=_bic_diagonal,
        why="K − 1 weights are free, and each component has D means and D variances, at log N each.",
        mistakes=[
            (
                _charge(per_component=lambda d: d + d * (d + 1) // 2),
                "This counts full covariances. A diagonal one has D free numbers.",
            ),
            (_charge(k_weights=0), "Weights sum to 1, so one of them follows from the others: K − 1 are free."),
            (_charge(price=lambda n: 2), "This is AIC, 2 for each parameter. BIC charges log N."),
            (_charge(sign=-1), "The sign is turned: with −2 log-likelihood, the smallest BIC is the best."),
            (_charge(factor=1), "The log-likelihood counts twice in this convention: −2 log p."),
            (_charge(per_component=lambda d: d), "The means or the variances are missing: each component has 2 D."),
        ],
    ),
    Exercise(
        id="06.4",
        title="From counts to probabilities",
        level=1,
        inputs=_count_table,
        oracle=lambda counts, alpha: D.Dirichlet(counts + alpha).mean,
        why="each row becomes a distribution: the posterior mean under a Dirichlet prior with parameter α.",
        mistakes=[
            (
                lambda c, a: (c + a) / (c + a).sum(0),
                "The rows are the current state, so each row must sum to 1. Here each column does.",
            ),
            (
                lambda c, a: (c + a) / (c + a).sum(),
                "This is the joint probability of pairs. Divide each row by its own sum.",
            ),
            (
                lambda c, a: (c + a) / c.sum(1, keepdim=True),
                "The rows sum to more than 1: α belongs in the denominator too.",
            ),
            (lambda c, a: c / c.sum(1, keepdim=True), "Nothing is smoothed: add α to every count first."),
            (
                lambda c, a: c / c.sum(1, keepdim=True) + a,
                "α is added to probabilities here. Add it to the counts, then normalise.",
            ),
        ],
    ),
    Exercise(
        id="06.5",
        title="What a word costs",
        level=2,
        inputs=_word,
        oracle=_word_nll,
        why="a word of T letters has T + 1 transitions, from the dot to the dot, and their logarithms add up.",
        mistakes=[
            (
                lambda w, P: -P[F.pad(w, (1, 0))[:-1], w].log().sum(),
                "The last letter is followed by the dot: without it, the word has not ended.",
            ),
            (
                lambda w, P: -P[w, F.pad(w, (0, 1))[1:]].log().sum(),
                "The word begins at the dot: p(first letter | dot) is missing.",
            ),
            (lambda w, P: -P[w[:-1], w[1:]].log().sum(), "Both ends are missing. Put a 0 before and behind the word."),
            (lambda w, P: _word_nll(w, P) / (len(w) + 1), "This is the mean per character. The sum is asked for."),
            (lambda w, P: _word_nll(w, P) / math.log(2), "These are bits. For nats use the natural logarithm."),
            (lambda w, P: -_word_nll(w, P), "This is the log-likelihood. The NLL has the other sign."),
            (lambda w, P: _word_nll(w.flip(0), P), "Row and column are exchanged: rows are the current letter."),
        ],
    ),
    Exercise(
        id="06.6",
        title="One step forward",
        level=2,
        inputs=_step_inputs,
        oracle=_forward_step,
        why="every state before may have led to state j, so their probabilities are summed, and logsumexp does it "
        "without leaving the logarithms.",
        mistakes=[
            (
                lambda a, t, s: (a + t).logsumexp(1) + s,
                "The transition table is used the wrong way round: rows are the state before, so sum over dim 0.",
            ),
            (
                lambda a, t, s: (a[:, None] + t).logsumexp(1) + s,
                "The sum runs over the state after, and each row sums to 1, so alpha comes back. Sum over dim 0.",
            ),
            (
                lambda a, t, s: (a[:, None] + t).amax(0) + s,
                "A maximum in place of the sum is Viterbi: the best path alone. Use logsumexp.",
            ),
            (lambda a, t, s: (a.exp() @ t.exp()).log() + s, "exp(−900) is 0 in floating point. Stay in logarithms."),
            (lambda a, t, s: (a[:, None] + t).logsumexp(0), "What was seen is missing: add log p(x | z)."),
            (
                lambda a, t, s: ((a + s)[:, None] + t).logsumexp(0),
                "`seen` belongs to the state after the move, so add it after the sum.",
            ),
        ],
    ),
    Exercise(
        id="06.7",
        title="The most probable path",
        level=3,
        inputs=_path_inputs,
        oracle=_best_of_all,
        why="the best path into each state is the best of the paths into the states before it, and the pointers lead "
        "back along it.",
        mistakes=[
            (
                _likeliest_states,
                "These are the likeliest states, each on its own. The single best path is another thing.",
            ),
            (
                _greedy,
                "This decides at once and never looks back. Keep the best path into every state, then go back.",
            ),
            (
                _without_going_back,
                "The maxima are right, the path is not: the best state at time t need not lie on the best path. "
                "Follow the pointers back from the end.",
            ),
            (
                lambda start, t, seen: _best_of_all(start, t.T, seen),
                "The transition table is transposed: rows are the state before.",
            ),
            (lambda start, t, seen: seen.argmax(1), "This looks at each observation alone. Transitions matter too."),
            (
                lambda start, t, seen: _best_of_all(start, t, seen).flip(0),
                "The path is backwards: it was collected from the end, so turn it round.",
            ),
        ],
    ),
    Exercise(
        id="06.8",
        title="In the long run",
        level=2,
        inputs=together(simplex(5, 5)),
        oracle=_null_vector,
        why="π P = π: one more step changes nothing, and with positive probabilities there is only one such π.",
        mistakes=[
            (lambda P: P.mean(0), "This is one step from an even start. Go on until nothing changes."),
            (
                lambda P: torch.full((len(P),), 1 / len(P), dtype=P.dtype),
                "P times a constant is a constant: that is the right eigenvector. The left one is wanted, π P = π.",
            ),
            (_left_eigenvector, "The direction is right. Divide by the sum, so that it is a distribution."),
            (lambda P: P[0], "This is where one goes from state 0. In the long run the start is forgotten."),
            (
                lambda P: torch.linalg.matrix_power(P, 500)[:, 0],
                "In a high power of P all rows are π. This is a column: π(0) again and again.",
            ),
            (lambda P: P.diagonal() / P.trace(), "Staying probable is not enough: a state must be entered as well."),
        ],
    ),
    Exercise(
        id="06.9",
        title="Spot the bug: EM that goes down",
        level=2,
        inputs=lambda g: (normal(40, scale=3)(g), *_line_mixture(g)),
        oracle=_one_em_step,
        handed_over=_em_with(_over_points),
        why="each point's responsibilities sum to 1 over the components, so it counts once, not K/N times.",
        mistakes=[
            (
                _em_with(lambda joint: joint.flatten().softmax(0).view_as(joint)),
                "Now all entries together sum to 1. Each row has to.",
            ),
            (
                _weights_sum_to_one(_em_with(_over_points)),
                "Making the weights sum to 1 hides the symptom: every component still gets the same weight.",
            ),
            (_em_with(_hard), "Every point now belongs to one component alone: that is k-means' way. Use shares."),
            (
                _em_with(_over_components, mean="old"),
                "The responsibilities are mended, but the variance is taken around the old means.",
            ),
            (
                _em_with(_over_components, spread=lambda variance: variance),
                "The responsibilities are mended, but the root of the variance is gone.",
            ),
        ],
    ),
    Exercise(
        id="06.10",
        title="Spot the bug: probabilities that do not sum to 1",
        level=2,
        inputs=_six_throws,
        oracle=_sum_over_paths,
        handed_over=_recursion(lambda a, t, e: (t @ a) * e),
        why="alpha @ transition sums over the state before, which stands in the rows.",
        mistakes=[
            (
                _recursion(lambda a, t, e: (a * e) @ t),
                "The throw is weighed before the move. Move first, then multiply by p(x | the new state).",
            ),
            (
                _recursion(lambda a, t, e: (a[:, None] * t).amax(0) * e),
                "A maximum in place of the sum: that is the best path into each state, not all of them.",
            ),
            (_recursion(_scaled), "Normalising at each step throws p(x) away: alpha must keep its size here."),
            (_recursion(end=lambda a: a.sum()), "The sum is right. The logarithm at the end is gone."),
            (
                _recursion(lambda a, t, e: a * e),
                "alpha comes back unchanged: the move is missing, or the sum runs over the state after. Sum over the "
                "state before.",
            ),
            (_recursion(first=lambda s, e: e), "The start probabilities are missing at the first throw."),
        ],
    ),
    Exercise(
        id="06.11",
        title="Spot the bug: not a number",
        level=2,
        inputs=_long_memory,
        oracle=_loaded_now,
        handed_over=_recursion(end=_share),
        why="only the proportion of the two numbers matters, so scaling, or logarithms, keep them in range.",
        mistakes=[
            (
                lambda *inputs: _recursion(end=_share)(*inputs).nan_to_num(),
                "Replacing the NaN hides it. The answer is a definite number: keep alpha in range.",
            ),
            (
                _recursion(lambda a, t, e: ((a @ t) * e).clamp_min(1e-300), end=_share),
                "Both numbers now stop at the clamp, and their proportion is lost. Scale them instead.",
            ),
            (
                lambda x, *tables: _recursion(_scaled, end=_share)(x[-2:], *tables),
                "Only the last throws are used. All of them count, if little.",
            ),
            (
                lambda x, start, t, e: _share(start * e[:, x[-1]]),
                "This looks at the last throw alone. The ones before tell which die was in use.",
            ),
            (
                _recursion(lambda a, t, e: F.normalize(a * e, p=1, dim=0), end=_share),
                "It is scaled now, but the transition is gone: the die can change between throws.",
            ),
            (_recursion(_scaled, end=lambda a: a[0] / a.sum()), "This is the probability of the fair die, state 0."),
        ],
    ),
    Exercise(
        id="06.12",
        title="Spot the bug: names that never end",
        level=2,
        inputs=_names,
        oracle=_pairs_by_sklearn,
        handed_over=lambda names: _pairs(names),
        why="with a dot at both ends, the table knows how names begin and when they stop.",
        mistakes=[
            (lambda names: _pairs([f".{name}" for name in names]), "Names begin now, but none of them ends."),
            (lambda names: _pairs([f"{name}." for name in names]), "Names end now, but nothing says how they begin."),
            (
                lambda names: _pairs(["".join(names)]),
                "The last letter of a name is now followed by the first of the next. Put a dot between.",
            ),
            (
                lambda names: _pairs([f"..{name}.." for name in names]),
                "One dot at each end is enough: two of them count pairs of dots.",
            ),
            (
                lambda names: _pairs([f".{name}." for name in names]).T,
                "The table is transposed: rows are the current letter, columns the next.",
            ),
        ],
    ),
]

QUIZ = [
    Question(
        "A point lies half way between two components of equal spread, with weights 0.9 and 0.1. Its responsibilities?",
        [
            ("0.5 and 0.5", "The densities are equal there, but Bayes' rule weighs them by 0.9 and 0.1."),
            ("0.9 and 0.1", "Right: equal densities cancel, and the prior probabilities remain."),
            (
                "It depends on the spread",
                "With equal spread and equal distance the densities are equal, whatever it is.",
            ),
        ],
        1,
    ),
    Question(
        "One of your twenty starts of EM ends 60 nats above all others, after a late leap. What do you do?",
        [
            ("Keep it: the likelihood is largest", "So it is, and it grows without bound as a component collapses."),
            ("Run it longer", "A collapsed component only gets narrower."),
            (
                "Look at its smallest variance",
                "Right: such a leap may be a component that sits on a few points; its variance tells.",
            ),
        ],
        2,
    ),
    Question(
        "Why can a step of EM never lower log p(x)?",
        [
            (
                "The bound equals log p(x) before the M-step and rises in it",
                "Right: and log p(x) lies above the bound.",
            ),
            (
                "Because the step size is small enough",
                "There is no step size. The M-step goes to the top of the bound.",
            ),
            ("Because the likelihood is concave", "It is not: different starts end at different local maxima."),
        ],
        0,
    ),
    Question(
        "A table of letter pairs is counted from few names. Without smoothing, the NLL of new names is infinite. Why?",
        [
            ("The new names are longer", "Length adds up finite terms. One term is infinite here."),
            ("Some pair in them was never counted, so its probability is 0", "Right: and −log 0 is infinite."),
            ("Counting does not maximise the likelihood", "It does, on the names that were counted."),
        ],
        1,
    ),
    Question(
        "What is the difference between the E-step of EM and the encoder of a VAE?",
        [
            ("The encoder maximises another quantity", "Both raise the same lower bound on log p(x)."),
            ("The E-step needs samples of z", "It needs sums over z. The VAE is the one that samples."),
            (
                "The E-step computes the posterior, the encoder proposes an approximation",
                "Right: so the gap is zero after an E-step, and in general positive in a VAE.",
            ),
        ],
        2,
    ),
]
