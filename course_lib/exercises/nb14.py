"""Exercises and quiz of 14_dcgan."""

import copy

import torch
from torch import nn
from torch.nn import functional as F

from .inputs import normal, together, uniform
from .records import Exercise, Question

TITLE = "DCGAN"


# --- what the exercises are tried on ----------------------------------------------------------------------------


class LinearGenerator:
    """Images (B, 1, 4, 4) that depend on the code in a straight line: zW + b."""

    def __init__(self, W, b):
        self.W, self.b = W, b

    def __call__(self, z):
        return (z @ self.W + self.b).unflatten(-1, (1, 4, 4))


class FirstColumns:
    """linear(z, n): n outputs, each a weighted sum of the code."""

    def __init__(self, W):
        self.W = W

    def __call__(self, z, n):
        return z @ self.W[:, :n]


class Tanh:
    """A generator z -> images (B, 1, 4, 4) in [−1, 1]."""

    def __init__(self, W):
        self.W = W

    def __call__(self, z):
        return (z @ self.W).tanh().unflatten(-1, (1, 4, 4))


class Score:
    """A discriminator: images (B, 1, 4, 4) -> scores (B,), curved, so that shifting its input shows."""

    def __init__(self, w):
        self.w = w

    def __call__(self, x):
        return (x.flatten(1) + x.flatten(1) ** 2) @ self.w


def _whole(low, high):
    """One integer from low to high, both included."""
    return lambda g: torch.randint(low, high + 1, (), generator=g).item()


def _convolution(g):
    return _whole(12, 40)(g), _whole(5, 9)(g), _whole(2, 4)(g), _whole(3, 5)(g)


def _transposed(g):
    kernel = _whole(4, 7)(g)
    return _whole(4, 20)(g), kernel, _whole(2, 4)(g), _whole(1, (kernel - 1) // 2)(g)


def _stamps(g):
    stride = _whole(2, 3)(g)
    return _whole(4, 9)(g), stride + _whole(1, 4)(g), stride


def _network(g):
    """A small generator in training mode, whose tracked statistics are not those of the batch that comes."""
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 2)).double()
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(torch.randn(p.shape, generator=g, dtype=torch.float64))
        net[1].running_mean.copy_(normal(4)(g))
        net[1].running_var.copy_(uniform(4, low=0.5, high=2)(g))
    return net.train(), normal(6, 3)(g)


def _linear_inverse(g):
    W, b = together(normal(3, 16), normal(16))(g)
    return LinearGenerator(W, b), *together(normal(5, 3), normal(5, 1, 4, 4))(g), uniform(low=0.1, high=1)(g).item()


def _averages(g):
    first, second = together(normal(3), normal(2, 2))(g)
    average = {"weight": first, "running_mean": second}
    return average, {key: normal(*v.shape)(g) for key, v in average.items()}, uniform(low=0.8, high=0.99)(g).item()


# --- oracles ----------------------------------------------------------------------------------------------------


def _size_of_convolution(size, kernel, stride, padding):
    layer = nn.Conv2d(1, 1, kernel, stride, padding, device="meta")
    return layer(torch.empty(1, 1, size, size, device="meta")).shape[-1]


def _size_of_transposed(size, kernel, stride, padding):
    layer = nn.ConvTranspose2d(1, 1, kernel, stride, padding, device="meta")
    return layer(torch.empty(1, 1, size, size, device="meta")).shape[-1]


def _counts(size, kernel, stride):
    return F.conv_transpose1d(torch.ones(1, 1, size), torch.ones(1, 1, kernel), stride=stride)[0, 0]


def _frechet(mu_a, var_a, mu_b, var_b):
    from scipy.linalg import sqrtm

    root = sqrtm(torch.diag(var_a).numpy() @ torch.diag(var_b).numpy())
    return (mu_a - mu_b).square().sum() + var_a.sum() + var_b.sum() - 2 * root.trace().real


def _exchange(z, seen, others):
    import numpy as np

    codes, seen = z.numpy(), seen.numpy()
    direction = np.average(codes, 0, seen > 0.8) - np.average(codes, 0, seen < 0.2)
    return others + torch.from_numpy(direction)


def _inverse_step(generator, z, x, lr):
    off = z @ generator.W + generator.b - x.flatten(1)
    return z - lr * 2 / 16 * off @ generator.W.T


def _images(z, linear, kernel):
    return torch.cat([F.conv2d(linear(code, 784).view(1, 1, 28, 28), kernel, padding="same") for code in z])


def _sampled(net, z):
    was, net = net.training, net.eval()
    with torch.no_grad():
        x = F.batch_norm(net[0](z), net[1].running_mean, net[1].running_var, net[1].weight, net[1].bias)
        x = net[3](x.relu())
    net.train(was)
    return x


def _scored(discriminator, generator, x, z):
    return discriminator(torch.lerp(-torch.ones_like(x), torch.ones_like(x), x)), discriminator(generator(z))


def _followed(average, current, decay):
    return {key: torch.lerp(current[key], average[key], decay) for key in average}


# --- what is compared, and mistakes that need more than a line ---------------------------------------------------


def _sampling(answer, net, z):
    """The images, the tracked mean afterwards, and whether the network is still being trained."""
    x = answer(net, z)
    return x, net[1].running_mean.clone(), float(net.training and net[1].training)


def _averaging(answer, average, current, decay):
    """All entries of the average, whether they were returned or changed in place."""
    average = {key: value.clone() for key, value in average.items()}
    returned = answer(average, current, decay)
    if returned is not None and not isinstance(returned, dict):
        return returned
    returned = average if returned is None else returned
    return tuple(returned.get(key, float("nan")) for key in average)


def _conv(x, weight):
    return F.conv2d(x, weight)


def _gradient_step(loss, sign=-1):
    def step(generator, z, x, lr):
        z = z.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(loss(generator(z), x), z)
        return z.detach() + sign * lr * gradient

    return step


def _adam_step(generator, z, x, lr):
    z = z.clone().requires_grad_()
    optimizer = torch.optim.Adam([z], lr=lr)
    (generator(z) - x).square().flatten(1).mean(1).sum().backward()
    optimizer.step()
    return z.detach()


def _in_eval(net, z, back):
    net.eval()
    with torch.no_grad():
        x = net(z)
    if back:
        net.train()
    return x


def _outer_flag(net, z):
    net.training = False
    with torch.no_grad():
        return net(z)


def _forgetful(net):
    net = copy.deepcopy(net)
    net[1].reset_running_stats()
    return net


def _with_blend(blend):
    return lambda average, current, decay: {key: blend(average[key], current[key], decay) for key in average}


def _direction(z, seen, low=0.2, high=0.8):
    return z[seen > high].mean(0) - z[seen < low].mean(0)


def _spread_out(x):
    return F.interpolate(x, scale_factor=2, mode="nearest") * torch.tensor([[1.0, 0.0], [0.0, 0.0]]).repeat(x.shape[2:])


EXERCISES = [
    Exercise(
        id="14.1",
        title="How large is the output?",
        level=1,
        inputs=_convolution,
        oracle=_size_of_convolution,
        why="the last window starts at H + 2p − k or before, windows start s apart, and the first one counts too.",
        mistakes=[
            (lambda n, k, s, p: (n + 2 * p - k) // s, "The window at position 0 counts as well: add 1 at the end."),
            (lambda n, k, s, p: (n + p - k) // s + 1, "The border is added on both sides: 2 · padding."),
            (
                lambda n, k, s, p: -((k - n - 2 * p) // s) + 1,
                "A window that does not fit any more is left out: round down.",
            ),
            (lambda n, k, s, p: (n - k) // s + 1, "The padding is missing: it makes the image larger by 2 · padding."),
            (lambda n, k, s, p: (n + 2 * p - k) / s + 1, "A size is a whole number: round the quotient down with //."),
            (
                lambda n, k, s, p: n + 2 * p - k + 1,
                "This is right for stride 1. Here the windows start `stride` apart.",
            ),
        ],
    ),
    Exercise(
        id="14.2",
        title="And of a transposed convolution?",
        level=1,
        inputs=_transposed,
        oracle=_size_of_transposed,
        why="the last of the n stamps starts at (n − 1)s and is k wide, and p pixels are cut off on either side.",
        mistakes=[
            (lambda n, k, s, p: n * s, "That holds where k − 2p equals the stride. In general the kernel counts."),
            (lambda n, k, s, p: (n - 1) * s + k, "The padding is missing: it is cut off from both sides."),
            (lambda n, k, s, p: (n - 1) * s + 2 * p + k, "Here the padding makes the output smaller: subtract it."),
            (lambda n, k, s, p: (n - 1) * s - 2 * p, "The last stamp starts at (n − 1)s and is k pixels wide."),
            (lambda n, k, s, p: n * s - 2 * p + k, "n stamps have n − 1 gaps between them."),
            (lambda n, k, s, p: (n - 1) * s - p + k, "The padding is cut off on both sides: 2 · padding."),
            (
                lambda n, k, s, p: (n + 2 * p - k) // s + 1,
                "This is the ordinary convolution. The transposed one goes from its output size to its input size.",
            ),
        ],
    ),
    Exercise(
        id="14.3",
        title="Twice as large by repetition",
        level=1,
        inputs=together(normal(2, 3, 4, 5)),
        oracle=lambda x: F.interpolate(x, scale_factor=2, mode="nearest"),
        why="each pixel becomes a block of two by two pixels.",
        mistakes=[
            (
                lambda x: x.repeat(1, 1, 2, 2),
                "`repeat` sets copies of the whole image side by side. Each pixel is to be repeated in its place.",
            ),
            (
                lambda x: x.repeat_interleave(2, 3).repeat(1, 1, 2, 1),
                "Right across; downwards the whole image is repeated.",
            ),
            (lambda x: x.repeat_interleave(2, -1), "The width has doubled, the height has not."),
            (lambda x: x.repeat_interleave(2, -2), "The height has doubled, the width has not."),
            (
                lambda x: F.interpolate(x, scale_factor=2, mode="bilinear"),
                "This blends neighbours. Here each pixel is simply repeated.",
            ),
            (
                _spread_out,
                "Three of the four new pixels are zero. They are copies of the fourth.",
            ),
        ],
    ),
    Exercise(
        id="14.4",
        title="Convolution as one matrix product",
        level=2,
        inputs=together(normal(2, 3, 7, 6), normal(4, 3, 3, 3)),
        oracle=_conv,
        why="a window is a vector of C·k·k numbers, an output channel is its scalar product with one kernel.",
        mistakes=[
            (lambda x, w: _conv(x, w.flip(2, 3)), "The kernel is flipped. In deep learning it is laid on as it is."),
            (lambda x, w: _conv(x, w.mT), "Rows and columns of the kernel are exchanged."),
            (lambda x, w: _conv(x, w) / 3, "Channels are added up, not averaged."),
            (lambda x, w: F.conv2d(x, w, padding=1), "No padding is wanted: the output is 5 × 4 here."),
            (lambda x, w: _conv(x, w).flatten(2), "The right numbers. Fold the places back into rows and columns."),
        ],
    ),
    Exercise(
        id="14.5",
        title="How often is each place stamped?",
        level=2,
        inputs=_stamps,
        oracle=_counts,
        why="a stamp of ones adds 1 to each place that it covers.",
        mistakes=[
            (lambda n, k, s: torch.full(((n - 1) * s + k,), k / s), "That is the mean far from the ends. Count them."),
            (lambda n, k, s: _counts(n, k, 1), "The stamps lie `stride` apart, not side by side."),
            (lambda n, k, s: _counts(n, k, s)[: n * s], "The last stamp is cut off. It reaches to (n − 1)s + k."),
            (lambda n, k, s: _counts(n, k, s) / k, "These are shares. Counts are wanted: nothing is divided by k."),
            (lambda n, k, s: _counts(n, k, s).clamp(max=1), "Places that several stamps cover count several times."),
            (lambda n, k, s: _counts(n, s, k), "Kernel and stride are exchanged."),
        ],
    ),
    Exercise(
        id="14.6",
        title="Fréchet distance without a matrix root",
        level=2,
        inputs=together(normal(4), uniform(4, low=0.2, high=3), normal(4), uniform(4, low=0.2, high=3)),
        oracle=_frechet,
        why="a diagonal matrix has its root entry by entry, and each feature adds (μₐ − μ_b)² + (σₐ − σ_b)².",
        mistakes=[
            (
                lambda m, v, n, w: ((m - n) ** 2).sum() + ((v - w) ** 2).sum(),
                "Compare standard deviations: take the roots of the variances first.",
            ),
            (
                lambda m, v, n, w: ((m - n) ** 2 + v + w - (v * w).sqrt()).sum(),
                "The root of the product counts twice, as in (a − b)² = a² + b² − 2ab.",
            ),
            (
                lambda m, v, n, w: ((m - n) ** 2 + v + w - 2 * v * w).sum(),
                "The root is missing over the product of the variances.",
            ),
            (lambda m, v, n, w: _frechet(m, v, n, w).sqrt(), "This measure is the squared one: no root at the end."),
            (lambda m, v, n, w: ((v.sqrt() - w.sqrt()) ** 2).sum(), "The distance between the means is missing."),
            (lambda m, v, n, w: ((m - n) ** 2).sum(), "The spreads are missing: class means would look perfect."),
            (lambda m, v, n, w: _frechet(m, v, n, w) / 4, "Features add up. A mean divides by their number."),
        ],
    ),
    Exercise(
        id="14.7",
        title="Put glasses on",
        level=2,
        inputs=together(normal(200, 3), uniform(200), normal(4, 3)),
        oracle=_exchange,
        why="averaging over many codes leaves what they have in common, and the difference of two averages is the way "
        "from without to with.",
        mistakes=[
            (lambda z, s, o: o - _direction(z, s), "This takes the glasses off: add the way from without to with."),
            (lambda z, s, o: o + z[s > 0.8].mean(0), "Subtract the mean of the codes without glasses."),
            (lambda z, s, o: _direction(z, s).expand(len(o), -1), "This is the direction alone. Add it to `others`."),
            (
                lambda z, s, o: o + z[s > 0.8].sum(0) - z[s < 0.2].sum(0),
                "Sums grow with the number of codes. Take means.",
            ),
            (
                lambda z, s, o: o + _direction(z, s, 0.5, 0.5),
                "Codes in between blur the difference: only those above 0.8 and below 0.2 count.",
            ),
            (lambda z, s, o: o + z[s.argmax()] - z[s.argmin()], "Two single codes differ in everything. Average many."),
        ],
    ),
    Exercise(
        id="14.8",
        title="One step towards the code of a face",
        level=3,
        inputs=_linear_inverse,
        oracle=_inverse_step,
        why="errors of different faces are added, so each code gets the gradient of its own error alone.",
        mistakes=[
            (
                _gradient_step(lambda y, x: (y - x).square().mean()),
                "The mean over the batch makes each step B times too small: sum over faces.",
            ),
            (_gradient_step(lambda y, x: (y - x).square().sum()), "Average over the pixels of a face; sum over faces."),
            (
                _gradient_step(lambda y, x: (y - x).square().flatten(1).mean(1).sum(), sign=1),
                "This walks uphill. Subtract the gradient.",
            ),
            (
                _gradient_step(lambda y, x: (y - x).square().flatten(1).mean(1).sqrt().sum()),
                "Take the squared error itself, without the root.",
            ),
            (
                _gradient_step(lambda y, x: (y - x).abs().flatten(1).mean(1).sum()),
                "The error is to be squared, not taken absolutely.",
            ),
            (_adam_step, "Adam rescales the gradient. Plain descent: z − lr · gradient."),
            (lambda G, z, x, lr: _inverse_step(G, z, x, lr) - z, "This is the step. Return the code after it."),
        ],
    ),
    Exercise(
        id="14.9",
        title="Spot the bug: forty-nine codes, thirty-two images",
        level=1,
        inputs=lambda g: (normal(49, 5)(g), FirstColumns(normal(5, 1024)(g)), normal(1, 1, 5, 5)(g)),
        oracle=_images,
        handed_over=lambda z, linear, kernel: _conv(linear(z, 512).reshape(-1, 1, 28, 28), kernel),
        why="28 · 28 = 784 numbers make one image, and a border of 2 keeps 28 × 28 under a 5 × 5 kernel.",
        mistakes=[
            (
                lambda z, linear, kernel: _conv(linear(z, 784).reshape(-1, 1, 28, 28), kernel),
                "Each code has its image now. A 5 × 5 kernel without padding leaves 24 × 24 of it.",
            ),
            (
                lambda z, linear, kernel: F.conv2d(linear(z, 512).reshape(-1, 1, 28, 28), kernel, padding=2),
                "The size is right. But 512 numbers a code still make 32 images, each of pieces of two or three codes.",
            ),
            (
                lambda z, linear, kernel: F.conv2d(linear(z, 784).reshape(-1, 1, 28, 28), kernel, padding=1),
                "A border of 1 is right for a 3 × 3 kernel. For 5 × 5 it is (5 − 1) / 2.",
            ),
            (
                lambda z, linear, kernel: F.conv2d(linear(z, 784).reshape(-1, 1, 28, 28), kernel, padding=4),
                "A border of 4 makes 32 × 32: the padding is added on both sides.",
            ),
            (
                lambda z, linear, kernel: _conv(linear(z, 1024).reshape(-1, 1, 32, 32), kernel),
                "The size is right, at the price of 1024 outputs of the linear layer. Give it 784 and pad instead.",
            ),
        ],
    ),
    Exercise(
        id="14.10",
        title="Spot the bug: who else is in the batch?",
        level=2,
        inputs=_network,
        measure=_sampling,
        oracle=_sampled,
        handed_over=lambda net, z: net(z).detach(),
        why="in eval mode batch normalisation uses the tracked statistics, so an image depends on its own code alone.",
        mistakes=[
            (
                lambda net, z: _in_eval(net, z, back=False),
                "The images are right. But the network stays in eval mode, and training would go on without "
                "batch statistics: call train() again.",
            ),
            (
                lambda net, z: copy.deepcopy(net)(z).detach(),
                "The tracked statistics are safe now, but the images still depend on the batch.",
            ),
            (_outer_flag, "`training` of the outer module does not reach its layers. `eval()` does."),
            (
                lambda net, z: _in_eval(_forgetful(net), z, back=False),
                "The statistics that training collected are thrown away here. Use them.",
            ),
        ],
    ),
    Exercise(
        id="14.11",
        title="Spot the bug: the discriminator wins at once",
        level=2,
        inputs=lambda g: (Score(normal(16)(g)), Tanh(normal(3, 16)(g)), uniform(5, 1, 4, 4)(g), normal(5, 3)(g)),
        oracle=_scored,
        handed_over=lambda D, G, x, z: (D(x), D(G(z))),
        why="real and generated images now have the same range, so the range no longer tells them apart.",
        mistakes=[
            (
                lambda D, G, x, z: (D(x), D((G(z) + 1) / 2)),
                "Both are in [0, 1] now. This discriminator is built for [−1, 1]: bring the real images there.",
            ),
            (
                lambda D, G, x, z: (D(2 * x - 1), D(2 * G(z) - 1)),
                "The generated images are in [−1, 1] already. They now reach down to −3.",
            ),
            (lambda D, G, x, z: (D(2 * x), D(G(z))), "[0, 2] is as wide as [−1, 1], but not in the same place."),
            (lambda D, G, x, z: (D(x - 0.5), D(G(z))), "The middle is right, the width is not: [−0.5, 0.5]."),
            (lambda D, G, x, z: (D(x), D(G(z).abs())), "abs folds dark onto bright. Rescale the real images instead."),
        ],
    ),
    Exercise(
        id="14.12",
        title="Spot the bug: an average that trembles",
        level=2,
        inputs=_averages,
        measure=_averaging,
        oracle=_followed,
        handed_over=_with_blend(lambda a, w, d: (1 - d) * a + d * w),
        why="the decay belongs to the old average, whose memory is then about 1/(1 − decay) steps.",
        mistakes=[
            (
                _with_blend(lambda a, w, d: d * a + w),
                "The new weights need the factor 1 − decay, or the average grows.",
            ),
            (_with_blend(lambda a, w, d: (a + w) / 2), "This forgets half at every step, whatever the decay."),
            (_with_blend(lambda a, w, d: a), "Nothing is learned: the average stays where it began."),
            (_with_blend(lambda a, w, d: w), "This is a copy of the last weights. Nothing is averaged."),
            (
                lambda a, w, d: {"weight": torch.lerp(w["weight"], a["weight"], d), "running_mean": a["running_mean"]},
                "The statistics of batch normalisation are left behind. Average all entries.",
            ),
            (_with_blend(lambda a, w, d: d * a - (1 - d) * w), "A sign is turned: the two parts are added."),
        ],
    ),
]


QUIZ = [
    Question(
        "A transposed convolution with the same settings and weights as a convolution is its inverse.",
        [
            ("True: it undoes the convolution", "It restores the size. The pixels it cannot restore: many were mixed."),
            ("False: it is the transpose of its matrix", "Right: same shape as an inverse, other numbers."),
            (
                "True, if the stride is 1",
                "With padding, stride 1 keeps the size. The transpose is still no inverse.",
            ),
        ],
        1,
    ),
    Question(
        "Which layer leaves a checkerboard even if its input is constant and all its weights are equal?",
        [
            ("Transposed, kernel 3, stride 2", "Right: places are stamped 1, 2 or 4 times."),
            (
                "Transposed, kernel 4, stride 2",
                "Every place inside is stamped 4 times, so equal weights leave no trace.",
            ),
            ("Nearest upsampling, then convolution 3", "A constant stays constant under both, whatever the weights."),
        ],
        0,
    ),
    Question(
        "Why do the last layer of the generator and the first of the discriminator have no batch normalisation?",
        [
            ("To save computing", "The cost is small. It would change what the images look like."),
            ("There, tanh would cancel it", "tanh does not cancel it, and the discriminator's first layer has none."),
            (
                "They need the images' own mean and contrast",
                "Right: normalising by the batch would erase how dark and how varied images are.",
            ),
        ],
        2,
    ),
    Question(
        "A copy of 2,000 training images has a Fréchet distance of 4 to the training set, your samples have 60. What "
        "does that say?",
        [
            ("Copying is the better generator", "It generates nothing. This measure does not see novelty."),
            ("The measure is broken", "It measures likeness in distribution, and copies are alike."),
            ("It needs a second measure", "Right: the distance to the nearest training image tells copies apart."),
        ],
        2,
    ),
    Question(
        "Your samples change when you generate 8 instead of 64 with the same codes. What is the likely cause?",
        [
            ("The codes were drawn anew", "They are the same, by assumption."),
            (
                "The generator is in train mode",
                "Right: batch normalisation then uses the statistics of these 8 images.",
            ),
            ("The moving average is missing", "Averaged weights are constant weights. They know nothing of the batch."),
        ],
        1,
    ),
]
