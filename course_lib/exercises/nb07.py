"""Exercises and quiz of 07_autoencoders."""

import torch
from torch import distributions as D
from torch.nn import functional as F

from ..data import toy
from ..linear_gaussian import ProbabilisticPCA
from ..losses import squared_error
from ..metrics import nearest, nn_ratio
from .inputs import normal, together, uniform
from .records import Exercise, Question

TITLE = "Autoencoders"


# --- linear codes -------------------------------------------------------------------------------------------------


def _variances_and_size(generator):
    return uniform(8, low=0.1, high=5)(generator), torch.randint(2, 6, (), generator=generator).item()


def _lost(variances, k):
    return 1 - variances.topk(k).values.sum() / variances.sum()


def _least_squares_codes(x, B):
    import numpy as np

    return torch.from_numpy(np.linalg.lstsq(B.numpy().T, x.numpy().T, rcond=None)[0].T)


def _two_codes(generator):
    """Codes a (40, 3), and b (40, 3) that depend on them linearly, with an offset and some noise."""
    a, M, offset, noise = together(normal(40, 3), normal(3, 3), normal(3, scale=3), normal(40, 3, scale=0.3))(generator)
    return a + 2, a @ M + offset + noise


def _regression(a, b):
    from sklearn.linear_model import LinearRegression

    return torch.from_numpy(LinearRegression().fit(a.numpy(), b.numpy()).predict(a.numpy()))


def _turned(a, b):
    """The best map that only turns and mirrors, and shifts."""
    U, _, Vh = torch.linalg.svd((a - a.mean(0)).T @ (b - b.mean(0)))
    return (a - a.mean(0)) @ U @ Vh + b.mean(0)


def _each_alone(a, b):
    """Each coordinate of b from the same one of a."""
    c = a - a.mean(0)
    return b.mean(0) + c * (c * b).sum(0) / c.square().sum(0)


def _far_from_origin(generator):
    x, M, mean = together(normal(30, 5), normal(5, 5), normal(5, scale=4))(generator)
    return x @ M + mean, 2


def _sklearn_pca(x, k):
    from sklearn.decomposition import PCA

    model = PCA(k, svd_solver="full").fit(x.numpy())
    return torch.from_numpy(model.inverse_transform(model.transform(x.numpy())))


def _plane(x, k):
    """The projection (D, D) onto the k leading directions of x as it is, not centred."""
    directions = torch.linalg.svd(x, full_matrices=False)[2][:k]
    return directions.T @ directions


def _standardised(x, k):
    s = x.std(0)
    c = (x - x.mean(0)) / s
    return c @ _plane(c, k) * s + x.mean(0)


# --- denoising ----------------------------------------------------------------------------------------------------


class BestDenoiser:
    """E[x | noisy] for data from three Normals in the plane; `noisy` is the density of what comes in."""

    def __init__(self, means, sd, sigma):
        self.shrink = sd**2 / (sd**2 + sigma**2)
        self.noisy = toy.Mixture(means, (sd**2 + sigma**2) ** 0.5)

    def __call__(self, x):
        means = self.noisy.means
        r = (-0.5 * (torch.cdist(x, means) / self.noisy.sd).square()).softmax(1)
        return self.shrink * x + (1 - self.shrink) * r @ means


def _denoiser(generator):
    means, x, sigma = together(normal(3, 2, scale=2), normal(6, 2, scale=2), uniform(low=0.4, high=0.9))(generator)
    return BestDenoiser(means, 0.3, sigma.item()), x, sigma.item()


def _slope(density, x):
    x = x.clone().requires_grad_()
    return torch.autograd.grad(density.log_prob(x).sum(), x)[0]


def _known(generator):
    known, chosen, noise = together(normal(7, 4), uniform(5), normal(5, 4))(generator)
    sigma = 1.5
    return known[(7 * chosen).long()] + sigma * noise, known, sigma


def _weighted(weights):
    """An answer that averages the known images with weights(noisy, known, sigma), (B, N)."""
    return lambda noisy, known, sigma: weights(torch.cdist(noisy, known), sigma) @ known


def _loss_inputs(generator):
    W = torch.randn(16, 16, generator=generator, dtype=torch.float64) / 4
    x, noise = together(uniform(5, 1, 4, 4), normal(5, 1, 4, 4))(generator)
    return (lambda v: (v.flatten(1) @ W).tanh().view_as(v)), x, noise


def _per_image(difference):
    return difference.square().flatten(1).sum(1).mean()


def _partly_hidden(generator):
    """Restored and clean images, and which pixels of them were seen: a different number in each image."""
    seen = (torch.rand(4, 1, 5, 6, generator=generator) < torch.linspace(0.2, 0.8, 4).view(4, 1, 1, 1)).double()
    return *together(uniform(4, 1, 5, 6), uniform(4, 1, 5, 6))(generator), seen


def _hidden_error(x_hat, x, seen):
    return torch.stack([F.mse_loss(a[s == 0], b[s == 0]) for a, b, s in zip(x_hat, x, seen, strict=True)])


def _share_of_error(x_hat, x, weight):
    """The squared error of each image, weighted, over all its pixels."""
    return ((x_hat - x).square() * weight).flatten(1).mean(1)


# --- probabilistic PCA --------------------------------------------------------------------------------------------


def _known_size(generator):
    size = torch.randint(2, 5, (), generator=generator).item()
    directions = torch.linalg.qr(normal(8, 8)(generator))[0]
    W = directions[:, :size] * torch.linspace(4, 2.5, size)
    model = ProbabilisticPCA(W, normal(8)(generator), 1.0)
    return model.sample(150, generator)[0], model.sample(1000, generator)[0]


def _sklearn_scores(x, judged):
    from sklearn.decomposition import PCA

    models = [PCA(k, svd_solver="full").fit(x.numpy()) for k in range(1, x.shape[1])]
    return torch.tensor([model.score(judged.numpy()) for model in models])


def _best_size(x, unseen):
    return _sklearn_scores(x, unseen).argmax().item() + 1


def _partly_seen(generator):
    W, mean, x, order = together(normal(7, 2), normal(7), normal(4, 7, scale=2), uniform(7))(generator)
    return ProbabilisticPCA(W, mean, 0.8), x, order.argsort() < 4


def _conditional_mean(model, x, seen):
    """The Normal over all coordinates, conditioned on those that are seen."""
    C = model.W @ model.W.T + model.sigma**2 * torch.eye(len(seen), dtype=x.dtype)
    gain = torch.linalg.solve(C[seen][:, seen], C[seen][:, ~seen])
    filled = x.clone()
    filled[:, ~seen] = model.mean[~seen] + (x - model.mean)[:, seen] @ gain
    return filled


def _decoded_posterior(model, x):
    return model.posterior(x).mean @ model.W.T + model.mean


def _without_prior(model, x, seen):
    z = (x - model.mean)[:, seen] @ torch.linalg.pinv(model.W[seen]).T
    return torch.where(seen, x, z @ model.W.T + model.mean)


def _everywhere(model, x, seen):
    part = ProbabilisticPCA(model.W[seen], model.mean[seen], model.sigma)
    return part.posterior(x[:, seen]).mean @ model.W.T + model.mean


# --- the bugs -----------------------------------------------------------------------------------------------------


def _coder(generator):
    """Weights of an encoder and a decoder, and images whose border is black."""
    x = F.pad(torch.rand(5, 1, 4, 4, generator=generator, dtype=torch.float64), (2, 2, 2, 2))
    return *together(normal(64, 6, scale=0.5), normal(6, 64, scale=0.5))(generator), x


def _training(loss, A, B, x):
    """The loss, and the gradient that reaches the encoder's weights A."""
    A = A.clone().requires_grad_()
    value = loss(lambda v: (v.flatten(1) @ A).tanh(), lambda z: (z @ B).unflatten(1, (1, 8, 8)), x)
    gradient = torch.autograd.grad(value, A, allow_unused=True)[0] if value.requires_grad else None
    return value.detach(), torch.zeros_like(A) if gradient is None else gradient


def _encoded_loss(encoder, decoder, x):
    return -D.Independent(D.Bernoulli(logits=decoder(encoder(x)), validate_args=False), 3).log_prob(x).mean()


def _loss_with(code):
    """The loss with another code(encoder, x)."""

    def loss(encoder, decoder, x):
        logits = decoder(code(encoder, x))
        return F.binary_cross_entropy_with_logits(logits, x, reduction="none").flatten(1).sum(1).mean()

    return loss


def _three_sets(generator):
    return tuple(uniform(n, 1, 3, 3)(generator) for n in (12, 30, 15))


def _median_distance(x, train):
    return nearest(x, train)[0].median()


def _slanted_codes(generator):
    z, mean = together(normal(4000, 3), normal(3, scale=3))(generator)
    mix = torch.tensor([[2.0, 0, 0], [1.5, 1, 0], [-1, 0.5, 0.7]], dtype=torch.float64)
    return (lambda v: v.sigmoid()), z @ mix.T + mean, 20_000


def _codes_drawn(generate, decoder, codes, n):
    """What reaches the decoder: mean, covariance, and the share that are copies of the given codes."""
    seen = []
    generate(lambda z: seen.append(z) or decoder(z), codes, n)
    if not seen:
        return "the decoder was never called"
    z = torch.cat(seen).double()
    return z.mean(0), z.T.cov(), torch.isin(z[:, 0], codes[:, 0]).double().mean()


def _draw_with(draw):
    """Codes from draw(codes, n), decoded."""
    return lambda decoder, codes, n: decoder(draw(codes, n))


def _fitted(codes, n):
    return D.MultivariateNormal(codes.mean(0), codes.T.cov()).sample((n,))


def _noise(codes, n):
    return torch.randn(n, codes.shape[1], dtype=codes.dtype)


EXERCISES = [
    Exercise(
        id="07.1",
        title="How much is lost?",
        level=1,
        inputs=_variances_and_size,
        oracle=_lost,
        why="the best k directions keep the k largest variances, and the error is the sum of the others.",
        mistakes=[
            (lambda v, k: v.topk(k).values.sum() / v.sum(), "This is the share that is kept. Subtract it from 1."),
            (lambda v, k: v[k:].sum() / v.sum(), "The variances come in any order: sort them, largest first."),
            (
                lambda v, k: v.sort().values[k:].sum() / v.sum(),
                "Sorted the wrong way: here the k smallest are kept and the largest are lost.",
            ),
            (lambda v, k: _lost(v, k) * v.sum(), "This is the error itself. Divide it by the sum of all variances."),
            (lambda v, k: _lost(v, k).sqrt(), "No root: the error is a squared distance, and so is a variance."),
        ],
    ),
    Exercise(
        id="07.2",
        title="The best encoder for a given decoder",
        level=2,
        inputs=together(normal(6, 5), normal(2, 5)),
        oracle=_least_squares_codes,
        why="the codes of least squared error are x times the pseudo-inverse of B, and that is the transpose only if "
        "the rows of B are orthonormal.",
        mistakes=[
            (
                lambda x, B: x @ B.T,
                "The transpose is right for orthonormal rows only. These are neither of length 1 nor at right angles.",
            ),
            (
                lambda x, B: x @ F.normalize(B, dim=1).T,
                "The rows have length 1 now, but they are not at right angles to each other.",
            ),
            (
                lambda x, B: x @ B.T / B.square().sum(1),
                "This is right for each row alone. Rows that are not at right angles share what they explain.",
            ),
            (lambda x, B: _least_squares_codes(x, B) @ B, "These are the reconstructions. The codes are asked for."),
            (lambda x, B: x @ torch.linalg.qr(B.T)[0], "These are codes for orthonormal rows. The decoder has B."),
        ],
    ),
    Exercise(
        id="07.3",
        title="From one code to another",
        level=2,
        inputs=_two_codes,
        oracle=_regression,
        why="a linear map with an offset, fitted by least squares, is all that two linear autoencoders can differ by.",
        mistakes=[
            (
                lambda a, b: a @ torch.linalg.lstsq(a, b).solution,
                "The offset is missing: centre both codes first, or add a column of ones.",
            ),
            (lambda a, b: _regression(b, a), "This goes from b to a. Predict b from a."),
            (_turned, "This only turns and mirrors. Linear autoencoders may stretch and slant their codes as well."),
            (_each_alone, "Each coordinate of b may depend on all coordinates of a."),
            (
                lambda a, b: _regression(a, b) - b.mean(0),
                "The mean of b is missing: it was subtracted, and has to come back.",
            ),
        ],
    ),
    Exercise(
        id="07.4",
        title="The score, from a denoiser",
        level=1,
        inputs=_denoiser,
        oracle=lambda denoiser, noisy, sigma: _slope(denoiser.noisy, noisy),
        why="E[x | noisy] − noisy is σ² times the gradient of the log density of the noisy points.",
        mistakes=[
            (lambda f, x, s: (x - f(x)) / s**2, "The sign is turned: the score points to where data is denser."),
            (lambda f, x, s: f(x) - x, "This is σ² times the score. Divide by σ²."),
            (lambda f, x, s: (f(x) - x) / s, "Divide by σ², not by σ."),
            (lambda f, x, s: (f(x) - x) * s**2, "Divide by σ². Here it is multiplied."),
            (lambda f, x, s: f(x) / s**2, "Subtract the noisy point first: the correction matters, not the place."),
        ],
    ),
    Exercise(
        id="07.5",
        title="A denoiser that knows the set by heart",
        level=2,
        inputs=_known,
        oracle=lambda noisy, known, sigma: noisy + sigma**2 * _slope(toy.Mixture(known, sigma), noisy),
        why="each known image counts with its posterior probability, and Bayes' rule with equal priors makes that a "
        "softmax of −‖noisy − image‖² / 2σ².",
        mistakes=[
            (
                lambda noisy, known, s: known[torch.cdist(noisy, known).argmin(1)],
                "This is the most probable image. Squared error wants the mean over all that are possible.",
            ),
            (_weighted(lambda d, s: (-d.square() / s**2).softmax(1)), "The exponent of a Normal has 2σ² below."),
            (_weighted(lambda d, s: (-d / (2 * s**2)).softmax(1)), "The distance has to be squared."),
            (_weighted(lambda d, s: (-d.square() / 2).softmax(1)), "σ is missing: more noise, more even weights."),
            (
                _weighted(lambda d, s: (-d.square() / (2 * s**2)).softmax(0)),
                "The weights of one noisy image must sum to 1 over the known ones: softmax over dim 1.",
            ),
            (
                _weighted(lambda d, s: (-d.square() / (2 * s**2)).exp()),
                "The weights do not sum to 1. Normalise them over the known images.",
            ),
        ],
    ),
    Exercise(
        id="07.6",
        title="Judge what was hidden",
        level=2,
        inputs=_partly_hidden,
        oracle=_hidden_error,
        why="copying what was seen shows nothing, and each image is judged by as many pixels as it had hidden.",
        mistakes=[
            (
                lambda x_hat, x, seen: _hidden_error(x_hat, x, 1 - seen),
                "These are the pixels that were seen. A copy would win.",
            ),
            (
                lambda x_hat, x, seen: _share_of_error(x_hat, x, 1 - seen),
                "The sum is over hidden pixels, the division by all: divide by the number of hidden ones.",
            ),
            (
                lambda x_hat, x, seen: _share_of_error(x_hat, x, torch.ones_like(seen)),
                "All pixels count here. Leave out those that were seen.",
            ),
            (
                lambda x_hat, x, seen: ((x_hat - x).square() * (1 - seen)).flatten(1).sum(1),
                "This is the sum. Divide it by the number of hidden pixels of the image.",
            ),
            (
                lambda x_hat, x, seen: ((x_hat - x).square() * (1 - seen)).flatten(1).sum(1) / (1 - seen).sum() * 4,
                "Each image has a number of hidden pixels of its own: divide by that, not by the mean number.",
            ),
            (
                lambda x_hat, x, seen: ((x_hat - x).square() * (1 - seen)).sum() / (1 - seen).sum(),
                "One number an image is wanted: sum over its pixels only.",
            ),
        ],
    ),
    Exercise(
        id="07.7",
        title="How many components?",
        level=2,
        inputs=_known_size,
        oracle=_best_size,
        why="data that the fit has not seen are less likely under components that describe noise.",
        mistakes=[
            (
                lambda x, unseen: _best_size(x, x),
                "On the data of the fit, more components are always better. Judge on the unseen ones.",
            ),
            (lambda x, unseen: _best_size(x, unseen) - 1, "Positions count from 0, components from 1."),
            (
                lambda x, unseen: _sklearn_scores(x, unseen).argmin().item() + 1,
                "This is the worst size: a log-likelihood is to be large.",
            ),
        ],
    ),
    Exercise(
        id="07.8",
        title="Fill in what is hidden",
        level=3,
        inputs=_partly_seen,
        oracle=_conditional_mean,
        why="the seen coordinates alone give a posterior of z, and the mean of what is hidden is W times its mean, "
        "plus the mean of x.",
        mistakes=[
            (
                lambda model, x, seen: torch.where(seen, x, model.mean),
                "This is the mean, whatever was seen. What is seen tells about z, and z about the rest.",
            ),
            (
                lambda model, x, seen: torch.where(seen, x, _decoded_posterior(model, x)),
                "The values at hidden places were used. They are not known: leave these coordinates out.",
            ),
            (
                lambda model, x, seen: torch.where(
                    seen, x, _decoded_posterior(model, torch.where(seen, x, model.mean))
                ),
                "Putting the mean in hidden places claims that it was seen there. Leave these coordinates out.",
            ),
            (_without_prior, "This is least squares. The prior of z and the noise pull towards the mean: use them."),
            (_everywhere, "The hidden places are right. The seen ones are known, and stay as they are."),
        ],
    ),
    Exercise(
        id="07.9",
        title="Spot the bug: a plane through the origin",
        level=1,
        inputs=_far_from_origin,
        oracle=_sklearn_pca,
        handed_over=lambda x, k: x @ _plane(x, k),
        why="the best plane goes through the mean of the data, and its directions are those around that mean.",
        mistakes=[
            (
                lambda x, k: (x - x.mean(0)) @ _plane(x - x.mean(0), k),
                "The directions are right. The mean was subtracted and has to come back.",
            ),
            (
                lambda x, k: (x - x.mean(0)) @ _plane(x, k) + x.mean(0),
                "The plane goes through the mean now, but its directions are still those of the data as they were.",
            ),
            (
                lambda x, k: (x - x.mean()) @ _plane(x - x.mean(), k) + x.mean(),
                "One mean for all columns. Each column has its own.",
            ),
            (_standardised, "Dividing by the standard deviations is another PCA, with another error. Only centre."),
        ],
    ),
    Exercise(
        id="07.10",
        title="Spot the bug: a denoiser that keeps the noise",
        level=2,
        inputs=_loss_inputs,
        oracle=lambda net, x, noise: squared_error(net(x + noise), x).mean(),
        handed_over=lambda net, x, noise: _per_image(net(x + noise) - x - noise),
        why="the noisy image goes in, and the clean one is what should come out.",
        mistakes=[
            (lambda net, x, noise: _per_image(net(x) - x), "No noise goes in now: this is a plain autoencoder."),
            (
                lambda net, x, noise: _per_image(net(x) - x - noise),
                "Input and target are exchanged: this learns to add noise, which nobody can predict.",
            ),
            (
                lambda net, x, noise: _per_image(net(x + noise) - noise),
                "This asks for the noise. It can be done, but then net(noisy) is no image any more.",
            ),
            (
                lambda net, x, noise: (net(x + noise) - x).square().mean(),
                "The target is right. But the pixels are averaged now: sum them, and average over images alone.",
            ),
        ],
    ),
    Exercise(
        id="07.11",
        title="Spot the bug: no encoder",
        level=2,
        inputs=_coder,
        measure=_training,
        oracle=_encoded_loss,
        handed_over=_loss_with(lambda encoder, x: x.flatten(1)[:, :6]),
        why="the code now depends on the whole image through the encoder, and the encoder gets a gradient.",
        mistakes=[
            (
                _loss_with(lambda encoder, x: encoder(x).detach()),
                "The code is right, but `detach` cuts the encoder off: it never learns.",
            ),
            (
                _loss_with(lambda encoder, x: torch.randn_like(encoder(x))),
                "Noise tells the decoder nothing about the image. The code has to come from the encoder.",
            ),
            (
                _loss_with(lambda encoder, x: x.flatten(1)[:, 20:26]),
                "Other pixels, but still pixels: six of sixty-four, and the encoder learns nothing.",
            ),
            (
                _loss_with(lambda encoder, x: encoder(x).mean(0, keepdim=True).expand(len(x), -1)),
                "All images share one code here: the mean over the batch. Each needs its own.",
            ),
        ],
    ),
    Exercise(
        id="07.12",
        title="Spot the bug: the copies win",
        level=2,
        inputs=_three_sets,
        oracle=nn_ratio,
        handed_over=lambda x, train, held_out: -_median_distance(x, train),
        why="held-out images say how far new ones are: copies get 0, images as new as real ones about 1.",
        mistakes=[
            (
                lambda x, train, held_out: _median_distance(x, train),
                "Now the farthest win, noise first. Compare with the distance of the held-out images.",
            ),
            (
                lambda x, train, held_out: _median_distance(held_out, train) / _median_distance(x, train),
                "This is the inverse: copies would get infinity.",
            ),
            (
                lambda x, train, held_out: _median_distance(x, held_out) / _median_distance(held_out, train),
                "The distance of x to the training images tells copies apart, not that to the held-out ones.",
            ),
            (
                lambda x, train, held_out: _median_distance(x, train) - _median_distance(held_out, train),
                "A difference has the pixels' units. Divide, so that copies get 0 and real images 1.",
            ),
        ],
    ),
    Exercise(
        id="07.13",
        title="Spot the bug: codes from nowhere",
        level=3,
        inputs=_slanted_codes,
        measure=_codes_drawn,
        oracle=_draw_with(_fitted),
        handed_over=_draw_with(_noise),
        why="new codes now have the mean and the covariance of those that the decoder was trained on.",
        mistakes=[
            (
                _draw_with(lambda codes, n: codes.mean(0) + codes.std(0) * _noise(codes, n)),
                "Middle and widths are right. The coordinates also hang together: use the whole covariance.",
            ),
            (_draw_with(lambda codes, n: codes.mean(0) + _noise(codes, n)), "The middle is right, the spread is not."),
            (
                _draw_with(lambda codes, n: codes.mean(0) + _noise(codes, n) @ codes.T.cov()),
                "Noise times the covariance has the covariance squared. Multiply by its Cholesky root.",
            ),
            (
                _draw_with(lambda codes, n: codes[torch.randint(len(codes), (n,))]),
                "These are codes of training images, so their decodings are copies. Draw new ones.",
            ),
            (
                _draw_with(
                    lambda codes, n: torch.lerp(
                        codes.amin(0), codes.amax(0), torch.rand(n, codes.shape[1], dtype=codes.dtype)
                    )
                ),
                "The box around the codes is mostly empty: its corners are holes.",
            ),
        ],
        tolerance=0.15,
    ),
]


QUIZ = [
    Question(
        "A linear autoencoder with three numbers is trained to the end. What does it share with PCA?",
        [
            ("Its codes", "Only up to an invertible linear map: stretched, slanted and shifted."),
            ("The plane of its reconstructions, and so the error", "Right: any basis of that plane gives this error."),
            ("Nothing, because it starts at random", "Every start ends in the same plane. Its basis depends on it."),
        ],
        1,
    ),
    Question(
        "A noisy point lies exactly between two equal clusters, and the noise is about as wide as their distance. What "
        "does the best denoiser return, in squared error?",
        [
            ("The nearer cluster", "They are equally near, and guessing one of them costs more on average."),
            ("The point one step of σ further", "Its correction is σ² times the score, which is 0 there."),
            ("The point itself, where no data is", "Right: the mean of all that is possible, and it may be no data."),
        ],
        2,
    ),
    Question(
        "An autoencoder has as many code numbers as there are pixels, and error 0. What has it learned about p(x)?",
        [
            ("Nothing: copying does it too", "Right: the error says how well it copies, not what data look like."),
            ("All there is to know", "A network that returns its input has error 0 on any data."),
            ("The mean and the covariance", "Copying needs neither of them."),
        ],
        0,
    ),
    Question(
        "91 % of the images from a box around an autoencoder's codes are digit-like, and 76 % of a VAE's samples. "
        "Which is the better generator?",
        [
            ("The autoencoder: 91 is more than 76", "Perhaps nine of ten are ones and zeros. Look at the classes too."),
            ("The VAE, since autoencoders do not generate", "That is an opinion. It has to be measured."),
            ("The number does not say", "Right: which digits come, and how new they are, has to be asked as well."),
        ],
        2,
    ),
    Question(
        "On unseen data, the error of PCA falls with each further component. The log-likelihood of probabilistic PCA "
        "has a peak. Why?",
        [
            ("The likelihood is computed less exactly", "Both are exact."),
            (
                "The likelihood also asks whether the fitted variances suit new points",
                "Right: variances fitted to noise are wrong for new points, and no error of copying shows it.",
            ),
            ("PCA overfits and probabilistic PCA does not", "They use the same directions, fitted to the same data."),
        ],
        1,
    ),
    Question(
        "Ten draws of ten labels: the probe is right on 47 % ± 5, pixels on 42 % ± 5, from the same draws. Is that a "
        "gain?",
        [
            ("No, since the ranges overlap", "Both spreads come from the same draws. A bad draw is bad for both."),
            ("Look at the difference within each draw", "Right: what both share cancels, and its spread is smaller."),
            ("Yes, since 47 is more than 42", "Without a spread of the difference nobody can tell."),
        ],
        1,
    ),
]
