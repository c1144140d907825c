"""Exercises and quiz of 05_gradient_descent_to_adam."""

import torch

from ..training import warmup_cosine
from .inputs import normal, together, uniform
from .records import Exercise, Question

TITLE = "Gradient descent to Adam"


# --- what the exercises are tried on ----------------------------------------------------------------------------


class Cubic:
    """f(x) = Σ a x³ + Π x, whose central difference has the closed form 3ax² + ah² + Πx/x."""

    def __init__(self, a):
        self.a = a

    def __call__(self, x):
        return (self.a * x**3).sum() + x.prod()


class Quadratic:
    """f(θ) = ½ θᵀHθ; `grad` is Hθ."""

    def __init__(self, H):
        self.H = H

    def __call__(self, theta):
        return 0.5 * theta @ self.H @ theta

    def grad(self, theta):
        return self.H @ theta


class LinearField:
    """A game whose field is Az + c."""

    def __init__(self, A, c):
        self.A, self.c = A, c

    def __call__(self, z):
        return self.A @ z + self.c


def _hessian(generator):
    """Symmetric, positive definite, with a largest eigenvalue of about ten."""
    A = normal(3, 3)(generator)
    return A @ A.T + 0.1 * torch.eye(3, dtype=torch.float64)


def _cubes(generator):
    return Cubic(normal(3)(generator)), normal(3)(generator), uniform(low=0.3, high=0.6)(generator).item()


def _line(generator):
    return together(normal(), normal(), normal(6), normal(6), uniform(low=0.05, high=0.3))(generator)


def _momentum_state(generator):
    theta, g, b = together(normal(4), normal(4), normal(4))(generator)
    return theta, g, b, uniform(low=0.1, high=0.3)(generator).item(), uniform(low=0.5, high=0.9)(generator).item()


def _adam_state(generator):
    theta, g, m, v = together(normal(4), normal(4), normal(4), uniform(4, low=0.1, high=2))(generator)
    t = torch.randint(2, 10, (), generator=generator).item()
    return theta, g, m, v, t, uniform(low=0.05, high=0.2)(generator).item()


def _parts(generator):
    """A gradient in two parts, longer than the bound in about half of the trials."""
    share = uniform(low=0.4, high=1.6)(generator).item()
    grads = list(together(normal(3), normal(2, 2))(generator))
    return grads, share * torch.cat([g.flatten() for g in grads]).norm().item()


def _schedule_inputs(generator):
    steps = torch.randint(20, 60, (), generator=generator).item()
    return (
        steps,
        torch.randint(3, steps // 3, (), generator=generator).item(),
        uniform(low=0.5, high=2)(generator).item(),
    )


def _game(generator):
    A, c, z = together(normal(4, 4), normal(4), normal(4))(generator)
    return LinearField(A, c), z, uniform(low=0.1, high=0.5)(generator).item()


def _descent(generator):
    """A loss, a start, a rate well below the limit, and a number of steps."""
    H = _hessian(generator)
    lr = 0.3 / torch.linalg.matrix_norm(H, 2).item()
    return Quadratic(H), normal(3)(generator), lr, torch.randint(8, 15, (), generator=generator).item()


def _descent_by_gradient(generator):
    loss, theta, lr, steps = _descent(generator)
    return loss.grad, theta, lr, steps


def _rule_on_quadratic(generator):
    loss, theta, _, _ = _descent(generator)
    return loss, theta, uniform(low=0.05, high=0.2)(generator).item()


# --- oracles: PyTorch's optimisers, or closed forms --------------------------------------------------------------


def _one_step(make, theta, g, state):
    """One step of an optimiser of torch.optim from a given state: the parameters and the state after it."""
    theta = theta.clone().requires_grad_()
    optimizer = make([theta])
    optimizer.state[theta] = state
    theta.grad = g.clone()
    optimizer.step()
    return theta.detach(), optimizer.state[theta]


def _line_step(w, b, x, y, lr):
    w, b = (torch.as_tensor(p).clone().requires_grad_() for p in (w, b))
    optimizer = torch.optim.SGD([w, b], lr=float(lr))
    torch.nn.functional.mse_loss(w * x + b, y).backward()
    optimizer.step()
    return w.detach(), b.detach()


def _momentum_step(theta, g, b, lr, mu):
    state = {"momentum_buffer": b.clone()}
    theta, state = _one_step(lambda p: torch.optim.SGD(p, lr=lr, momentum=mu), theta, g, state)
    return theta, state["momentum_buffer"]


def _adam_step(theta, g, m, v, t, lr):
    state = {"step": torch.tensor(t - 1.0), "exp_avg": m.clone(), "exp_avg_sq": v.clone()}
    theta, state = _one_step(lambda p: torch.optim.Adam(p, lr=lr), theta, g, state)
    return theta, state["exp_avg"], state["exp_avg_sq"]


def _adam_with(m_hat, v_hat, beta1=0.9, beta2=0.999, keep=lambda m, v, m_hat, v_hat: (m, v), root=torch.sqrt):
    """A step of Adam with its parts exchanged; the corrections are functions of a memory and t."""

    def step(theta, g, m, v, t, lr):
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        corrected = m_hat(m, t), v_hat(v, t)
        return theta - lr * corrected[0] / (root(corrected[1]) + 1e-8), *keep(m, v, *corrected)

    return step


def _m_hat(m, t):
    return m / (1 - 0.9**t)


def _v_hat(v, t):
    return v / (1 - 0.999**t)


def _plain(memory, t):
    return memory


def _clipped(grads, most):
    parameters = [torch.zeros_like(g).requires_grad_() for g in grads]
    for p, g in zip(parameters, grads, strict=True):
        p.grad = g.clone()
    torch.nn.utils.clip_grad_norm_(parameters, most)
    return [p.grad for p in parameters]


def _norm(grads):
    return torch.cat([g.flatten() for g in grads]).norm()


def _rates(steps, warmup, peak):
    factor = warmup_cosine(warmup / steps)
    return peak * torch.tensor([factor(t / steps) for t in range(steps)], dtype=torch.float64)


def _rates_with(before, after):
    """A schedule from its two parts, functions of step, steps and warm-up."""

    def schedule(steps, warmup, peak):
        t = torch.arange(steps, dtype=torch.float64)
        return peak * torch.where(t < warmup, before(t, steps, warmup), after(t, steps, warmup))

    return schedule


def _climb(t, steps, warmup):
    return t / warmup


def _half_cosine(t, steps, warmup):
    return 0.5 * (1 + torch.cos(torch.pi * (t - warmup) / (steps - warmup)))


def _early_cosine(t, steps, warmup):
    return _half_cosine(t, steps - 1, warmup)


def _ahead(field, z, lr):
    A, eye = field.A, torch.eye(len(z), dtype=torch.float64)
    return (eye - lr * A + lr**2 * A @ A) @ z - lr * (eye - lr * A) @ field.c


# --- the bugs ----------------------------------------------------------------------------------------------------


def _run_rule(rule, loss, theta, lr):
    """The 30 points that a rule visits on a quadratic."""
    state, visited = {}, []
    for _ in range(30):
        theta, state = rule(theta, loss.grad(theta), state, lr)
        visited.append(theta)
    return torch.stack(visited)


def _torch_adam(theta, g, state, lr):
    """Adam of torch.optim as a rule with a state."""
    if not state:
        p = theta.clone().requires_grad_()
        state = {"p": p, "optimizer": torch.optim.Adam([p], lr=lr)}
    state["p"].grad = g.clone()
    state["optimizer"].step()
    return state["p"].detach().clone(), state


def _adam_rule(m_hat, v_hat, factor=1.0):
    """An Adam as a rule with a state, put together from right and wrong corrections."""
    one = _adam_with(m_hat, v_hat)

    def rule(theta, g, state, lr):
        t = state.get("t", 0) + 1
        zero = torch.zeros_like(theta)
        theta, m, v = one(theta, g, state.get("m", zero), state.get("v", zero), t, factor * lr)
        return theta, {"t": t, "m": m, "v": v}

    return rule


def _on_each(step, w, b, x, y, lr):
    """The steps on all samples, each alone."""
    return torch.stack([torch.stack([torch.as_tensor(p) for p in step(w, b, x, y, i, lr)]) for i in range(len(x))])


def _step_on_one(scale, index=lambda i: i):
    """A step on one sample, its gradient multiplied by scale(n)."""

    def step(w, b, x, y, i, lr):
        i, g = index(i), scale(len(x))
        residual = w * x[i] + b - y[i]
        return w - lr * g * residual * x[i], b - lr * g * residual

    return step


def _buffered(mu, share, nesterov=0.0):
    """Descent along b ← mu b + share g, plus Nesterov's look ahead."""

    def run(grad, theta, lr, steps):
        b = torch.zeros_like(theta)
        for _ in range(steps):
            g = grad(theta)
            b = mu * b + share * g
            theta = theta - lr * (nesterov * g + (nesterov * mu if nesterov else 1) * b)
        return theta

    return run


def _torch_momentum(grad, theta, lr, steps):
    theta = theta.clone().requires_grad_()
    optimizer = torch.optim.SGD([theta], lr=lr, momentum=0.9)
    for _ in range(steps):
        theta.grad = grad(theta.detach())
        optimizer.step()
    return theta.detach()


def _powers(f, theta, lr, steps):
    """Gradient descent on a quadratic in closed form."""
    return torch.linalg.matrix_power(torch.eye(len(theta), dtype=torch.float64) - lr * f.H, steps) @ theta


def _accumulating(share):
    """Descent along the sum of all gradients so far, times share(number of them)."""

    def run(f, theta, lr, steps):
        total = torch.zeros_like(theta)
        for t in range(1, steps + 1):
            total = total + f.H @ theta
            theta = theta - lr * share(t) * total
        return theta

    return run


EXERCISES = [
    Exercise(
        id="05.1",
        title="Central difference",
        level=1,
        inputs=_cubes,
        oracle=lambda f, x, h: 3 * f.a * x**2 + f.a * h**2 + x.prod() / x,
        why="the two values lie symmetrically about x, so the error is of order h² and not h.",
        mistakes=[
            (
                lambda f, x, h: torch.stack([(f(x + s) - f(x)) / h for s in h * torch.eye(3)]),
                "This is the forward difference. Step to both sides of x.",
            ),
            (
                lambda f, x, h: torch.stack([(f(x) - f(x - s)) / h for s in h * torch.eye(3)]),
                "This is the backward difference. Step to both sides of x.",
            ),
            (
                lambda f, x, h: torch.stack([(f(x + s) - f(x - s)) / h for s in h * torch.eye(3)]),
                "The two points are 2h apart. Divide by that.",
            ),
            (
                lambda f, x, h: torch.stack([(f(x - s) - f(x + s)) / (2 * h) for s in h * torch.eye(3)]),
                "The sign is turned: subtract the value on the left from that on the right.",
            ),
            (
                lambda f, x, h: (f(x + h) - f(x - h)) / (2 * h),
                "All coordinates moved at once, which gives the sum of the derivatives. Move one at a time.",
            ),
            (
                lambda f, x, h: 3 * f.a * x**2 + x.prod() / x,
                "This is the exact derivative, as autograd gives it. The difference with this h is asked for.",
            ),
        ],
    ),
    Exercise(
        id="05.2",
        title="One step of SGD",
        level=1,
        inputs=_line,
        oracle=_line_step,
        why="the gradient of the mean of r² is the mean of 2r times the derivative of r, which is x for w and 1 for b.",
        mistakes=[
            (
                lambda w, b, x, y, lr: (w + lr * 2 * ((w * x + b - y) * x).mean(), b + lr * 2 * (w * x + b - y).mean()),
                "This climbs. Step against the gradient.",
            ),
            (
                lambda w, b, x, y, lr: (w - lr * 2 * ((w * x + b - y) * x).sum(), b - lr * 2 * (w * x + b - y).sum()),
                "The loss is a mean over the batch. The sum makes the step B times as long.",
            ),
            (
                lambda w, b, x, y, lr: (w - lr * ((w * x + b - y) * x).mean(), b - lr * (w * x + b - y).mean()),
                "The derivative of r² is 2r: a factor of 2 is missing.",
            ),
            (
                lambda w, b, x, y, lr: (w - lr * 2 * (w * x + b - y).mean(), b - lr * 2 * (w * x + b - y).mean()),
                "For w, each residual is multiplied by its x.",
            ),
            (
                lambda w, b, x, y, lr: _one_after_the_other(w, b, x, y, lr),
                "b was moved with the new w already. Both derivatives belong to the old point.",
            ),
        ],
    ),
    Exercise(
        id="05.3",
        title="The largest learning rate",
        level=2,
        inputs=lambda generator: (_hessian(generator),),
        oracle=lambda H: 2 / torch.linalg.matrix_norm(H, 2),
        why="along each eigenvector a step multiplies by 1 − ηλ, and the factor with the largest λ is the first to "
        "leave (−1, 1).",
        mistakes=[
            (
                lambda H: 1 / torch.linalg.matrix_norm(H, 2),
                "At 1/λmax the steepest direction is solved in one step. It stays stable up to a factor of −1.",
            ),
            (
                lambda H: 2 * torch.linalg.matrix_norm(torch.linalg.inv(H), 2),
                "This is 2/λmin: the flattest direction bears it, the steepest explodes.",
            ),
            (
                lambda H: 2 / (torch.linalg.matrix_norm(H, 2) + 1 / torch.linalg.matrix_norm(torch.linalg.inv(H), 2)),
                "This is the fastest rate, 2/(λmin + λmax). Convergence ends a little later.",
            ),
            (lambda H: 2 / H.trace(), "The trace is the sum of the eigenvalues. Only the largest counts."),
            (lambda H: 2 / H.norm(), "The Frobenius norm mixes all eigenvalues. Take the largest one."),
            (lambda H: 2 / H.diagonal().max(), "The diagonal depends on the axes. Take the largest eigenvalue."),
            (
                lambda H: torch.linalg.matrix_norm(H, 2),
                "This is the curvature λmax. The steeper, the smaller the rate.",
            ),
        ],
    ),
    Exercise(
        id="05.4",
        title="A step of momentum",
        level=1,
        inputs=_momentum_state,
        oracle=_momentum_step,
        why="the buffer fades by μ and gains the new gradient, and the learning rate multiplies the buffer as a whole.",
        mistakes=[
            (
                lambda theta, g, b, lr, mu: (theta - (mu * b + lr * g), mu * b + lr * g),
                "The rate stands inside the buffer here. PyTorch multiplies the whole buffer by it.",
            ),
            (
                lambda theta, g, b, lr, mu: (theta - lr * (mu * b + (1 - mu) * g), mu * b + (1 - mu) * g),
                "This buffer is an average. PyTorch's adds the gradient with weight 1.",
            ),
            (
                lambda theta, g, b, lr, mu: (theta - lr * (g + mu * (mu * b + g)), mu * b + g),
                "This is Nesterov's variant, which looks ahead. Plain momentum steps along the buffer.",
            ),
            (lambda theta, g, b, lr, mu: (theta - lr * b, mu * b + g), "Step along the new buffer, not the old one."),
            (
                lambda theta, g, b, lr, mu: (theta - lr * g, mu * b + g),
                "The buffer is kept, but not used for the step.",
            ),
            (lambda theta, g, b, lr, mu: (theta - lr * (mu * b + g), b), "Return the new buffer as well, not the old."),
            (lambda theta, g, b, lr, mu: (theta + lr * (mu * b + g), mu * b + g), "This climbs: subtract the step."),
        ],
    ),
    Exercise(
        id="05.5",
        title="A step of Adam",
        level=2,
        inputs=_adam_state,
        oracle=_adam_step,
        why="both memories are divided by the sum of their weights, 1 − βᵗ, and only for the step, not in the memory.",
        mistakes=[
            (_adam_with(_plain, _plain), "Bias correction is missing: divide m by 1 − 0.9ᵗ and v by 1 − 0.999ᵗ."),
            (
                _adam_with(_m_hat, _v_hat, keep=lambda m, v, m_hat, v_hat: (m_hat, v_hat)),
                "The step is right. Return m and v themselves: corrected memories would be corrected again.",
            ),
            (_adam_with(_m_hat, _v_hat, root=lambda v: v), "Divide by the root of v̂. This divides by v̂ itself."),
            (
                _adam_with(_v_hat, _m_hat, beta1=0.999, beta2=0.9),
                "The two β are exchanged: 0.9 is for the gradient, 0.999 for its square.",
            ),
            (_adam_with(_m_hat, _plain), "m is corrected and v is not. Both started from 0."),
            (_adam_with(_plain, _v_hat), "v is corrected and m is not. Both started from 0."),
            (
                _adam_with(lambda m, t: m / (1 - 0.9), lambda v, t: v / (1 - 0.999)),
                "The correction fades with time: 1 − βᵗ, with t as the exponent.",
            ),
            (
                _adam_with(lambda m, t: _m_hat(m, t - 1), lambda v, t: _v_hat(v, t - 1)),
                "t counts from 1, so the exponent is t itself, not t − 1.",
            ),
        ],
        tolerance=1e-7,
    ),
    Exercise(
        id="05.6",
        title="Clip by norm",
        level=2,
        inputs=_parts,
        oracle=_clipped,
        why="one factor for all parts keeps the direction, and a gradient that is short enough is left alone.",
        mistakes=[
            (
                lambda grads, most: [g * (most / g.norm()).clamp(max=1) for g in grads],
                "Each part was clipped by its own norm, which changes the direction. Take one norm of all parts.",
            ),
            (
                lambda grads, most: [g * most / _norm(grads) for g in grads],
                "Short gradients were made longer. The factor is at most 1.",
            ),
            (
                lambda grads, most: [g.clamp(-most, most) for g in grads],
                "This clips every number apart, which changes the direction. Scale the whole gradient.",
            ),
            (
                lambda grads, most: [g * (most / _norm(grads) ** 2).clamp(max=1) for g in grads],
                "This divides by the squared norm. Take its root.",
            ),
            (
                lambda grads, most: [g * (most / sum(g.norm() for g in grads)).clamp(max=1) for g in grads],
                "The norms of parts do not add up; their squares do.",
            ),
            (lambda grads, most: list(grads), "Nothing was clipped. Long gradients have to be shortened."),
        ],
    ),
    Exercise(
        id="05.7",
        title="Warm-up and cosine",
        level=2,
        inputs=_schedule_inputs,
        oracle=_rates,
        why="the cosine starts at the peak, where the warm-up ends, and its argument runs from 0 to π over the rest.",
        mistakes=[
            (
                _rates_with(_climb, lambda t, steps, warmup: _half_cosine(t, steps, 0)),
                "The cosine starts where the warm-up ends: measure its progress from there.",
            ),
            (
                _rates_with(lambda t, steps, warmup: torch.ones_like(t), _half_cosine),
                "The first steps have the peak already. Let them climb from 0.",
            ),
            (
                _rates_with(lambda t, steps, warmup: (t + 1) / warmup, _half_cosine),
                "Step 0 should have the rate 0, and step `warmup` the peak.",
            ),
            (
                _rates_with(lambda t, steps, warmup: t / (warmup - 1), _half_cosine),
                "The peak is reached a step early. linspace includes its end; step `warmup` has the peak.",
            ),
            (
                _rates_with(_climb, _early_cosine),
                "The cosine reaches 0 at the last step. It would reach it at step `steps`.",
            ),
            (
                _rates_with(lambda t, steps, warmup: t / (warmup - 1), _early_cosine),
                "Both parts end a step early: linspace includes its end.",
            ),
            (
                _rates_with(_climb, lambda t, steps, warmup: torch.cos(torch.pi / 2 * (t - warmup) / (steps - warmup))),
                "This is a quarter of a wave. Half a wave is asked for: ½(1 + cos), its argument from 0 to π.",
            ),
            (
                _rates_with(_climb, lambda t, steps, warmup: torch.cos(torch.pi * (t - warmup) / (steps - warmup))),
                "The cosine goes down to −1, and the rate below 0. Take ½(1 + cos).",
            ),
            (
                _rates_with(_climb, lambda t, steps, warmup: 1 - (t - warmup) / (steps - warmup)),
                "This falls along a line. Half a cosine is asked for.",
            ),
            (
                lambda steps, warmup, peak: _rates(steps, warmup, 1.0),
                "These are factors. Multiply them by the peak.",
            ),
        ],
    ),
    Exercise(
        id="05.8",
        title="Extragradient",
        level=3,
        inputs=_game,
        oracle=_ahead,
        why="the gradient comes from the trial point, the step starts from the old one.",
        mistakes=[
            (lambda F, z, lr: z - lr * F(z), "This is the simultaneous step. Take the gradient at the trial point."),
            (
                lambda F, z, lr: z - lr * F(z) - lr * F(z - lr * F(z)),
                "These are two steps in a row. The real step starts from the old z.",
            ),
            (
                lambda F, z, lr: z - lr * (F(z) + F(z - lr * F(z))) / 2,
                "This is the gradient half-way to the trial point, or the mean of both (the same in these games). "
                "Use the one at the trial point alone.",
            ),
            (lambda F, z, lr: z - lr * F(z + lr * F(z)), "The trial step goes the wrong way: it descends, too."),
            (lambda F, z, lr: z + lr * F(z - lr * F(z)), "The real step goes the wrong way: subtract it."),
            (lambda F, z, lr: z - lr * F(z - F(z)), "The trial step is scaled by the learning rate as well."),
        ],
    ),
    Exercise(
        id="05.9",
        title="Spot the bug: an Adam that is none",
        level=2,
        inputs=_rule_on_quadratic,
        measure=_run_rule,
        oracle=_torch_adam,
        handed_over=_adam_rule(_plain, lambda v, t: v / 0.999**t, factor=0.9),
        why="β₁ belongs to the memory m, and dividing by 1 − βᵗ, the sum of the weights, makes both memories means.",
        mistakes=[
            (
                _adam_rule(_plain, lambda v, t: v / 0.999**t),
                "The factor β₁ is gone. The correction is still wrong: at t = 1 the weights of v add up to 0.001.",
            ),
            (
                _adam_rule(_plain, _v_hat, factor=0.9),
                "v is right now. The step still has the factor β₁, and m is not corrected.",
            ),
            (_adam_rule(_plain, _v_hat), "v is right now. m started from 0 as well: correct it by 1 − 0.9ᵗ."),
            (_adam_rule(_m_hat, _v_hat, factor=0.9), "Both corrections are right. The factor β₁ has to go."),
            (
                _adam_rule(lambda m, t: m / 0.9**t, lambda v, t: v / 0.999**t),
                "Dividing by βᵗ enlarges for ever. The weights sum to 1 − βᵗ.",
            ),
            (
                _adam_rule(_m_hat, lambda v, t: v / 0.999**t),
                "m is right now. v is still divided by β₂ᵗ, not by 1 − β₂ᵗ.",
            ),
            (
                _adam_rule(_m_hat, lambda v, t: v / 0.999**t, factor=0.9),
                "m is corrected. The factor β₁ has to go, and v be divided by 1 − β₂ᵗ.",
            ),
            (
                _adam_rule(lambda m, t: m / 0.1, lambda v, t: v / 0.001),
                "Right at t = 1 only: the correction is 1 − βᵗ.",
            ),
            (_adam_rule(_plain, _plain), "Without any correction the early steps are too long, up to 6.6 times."),
            (
                _adam_rule(lambda m, t: m * (1 - 0.9**t), lambda v, t: v * (1 - 0.999**t)),
                "The memories are too small at first. Divide by 1 − βᵗ, do not multiply.",
            ),
        ],
    ),
    Exercise(
        id="05.10",
        title="Spot the bug: SGD that hardly moves",
        level=2,
        inputs=_line,
        measure=_on_each,
        oracle=lambda w, b, x, y, i, lr: _line_step(w, b, x[i : i + 1], y[i : i + 1], lr),
        handed_over=_step_on_one(lambda n: 2 / n),
        why="the mean over the draw of i already contains the 1/n, so the expected step is the full one.",
        mistakes=[
            (
                lambda w, b, x, y, i, lr: _line_step(w, b, x, y, lr),
                "This uses all samples at every step: right on average, but no longer stochastic. Use sample i alone.",
            ),
            (_step_on_one(lambda n: 2 * n), "Now the step is n times too long. Just leave the division out."),
            (_step_on_one(lambda n: 1), "The 1/n is gone, and the 2 with it. The derivative of r² is 2r."),
            (
                _step_on_one(lambda n: 2, index=lambda i: 0),
                "Always the first sample: the mean over i is not the gradient.",
            ),
            (_step_on_one(lambda n: 2 / n**0.5), "No power of n belongs here: the draw itself provides the 1/n."),
        ],
    ),
    Exercise(
        id="05.11",
        title="Spot the bug: momentum without effect",
        level=2,
        inputs=_descent_by_gradient,
        oracle=_torch_momentum,
        handed_over=_buffered(0.0, 1.0),
        why="the buffer is made once, before the loop, and so remembers the gradients of earlier steps.",
        mistakes=[
            (_buffered(1.0, 1.0), "The buffer remembers now, but never fades: multiply the old one by 0.9."),
            (_buffered(0.9, 0.1), "This buffer is an average, a tenth as long. Add the gradient with weight 1."),
            (_buffered(0.9, 1.0, nesterov=1.0), "This is Nesterov's variant. Step along the buffer alone."),
            (_buffered(0.0, 10.0), "A tenfold rate imitates the speed, not the memory. Keep the buffer between steps."),
        ],
    ),
    Exercise(
        id="05.12",
        title="Spot the bug: a descent that never settles",
        level=2,
        inputs=_descent,
        oracle=_powers,
        handed_over=_accumulating(lambda t: 1.0),
        why="backward adds to .grad; with zero_grad before it, each step sees the gradient of its own point only.",
        mistakes=[
            (
                lambda f, theta, lr, steps: theta,
                "Nothing moves: zero_grad stands between backward and step. Clear before backward.",
            ),
            (
                _accumulating(lambda t: 1.0 / t),
                "This averages over all gradients so far. Only the present one belongs to this point.",
            ),
            (
                lambda f, theta, lr, steps: _powers(f, theta, lr, 1),
                "Only the first step counts. Keep theta from one step to the next, and clear just its gradient.",
            ),
            (
                lambda f, theta, lr, steps: _powers(f, theta, lr / 2, steps),
                "Halving the rate does not stop gradients from adding up. Clear them.",
            ),
        ],
    ),
]


def _one_after_the_other(w, b, x, y, lr):
    w = w - lr * 2 * ((w * x + b - y) * x).mean()
    return w, b - lr * 2 * (w * x + b - y).mean()


QUIZ = [
    Question(
        "A central difference in float64 with h = 10⁻¹⁴ gives 1.33 where 1.35 is right. What helps?",
        [
            ("A smaller h", "Rounding errors are divided by h: they would grow further."),
            ("h near 10⁻⁵", "Right: there the error of the formula and that of rounding are about equally small."),
            ("Any h, since the formula is exact", "It is exact for quadratics only, and rounding remains."),
        ],
        1,
    ),
    Question(
        "A quadratic has eigenvalues 1 and 50. Which learning rate makes gradient descent diverge?",
        [
            ("0.05", "Right: the limit is 2/50 = 0.04, whatever the small eigenvalue allows."),
            ("0.03", "1 − 0.03 · 50 = −0.5: it swings, and shrinks."),
            ("None below 2", "That is the limit of the flat direction alone."),
        ],
        0,
    ),
    Question(
        "SGD with a small, constant learning rate has hovered at the same loss for long. You halve the rate. What "
        "happens to the mean squared distance from the minimum?",
        [
            ("It stays", "The noise of the gradients is the same, but each step now carries half of it."),
            ("It goes to zero", "Only a rate that goes on falling does that."),
            ("It falls to about a half", "Right: for small η the variance is ηs²/(2λ), in proportion to η."),
        ],
        2,
    ),
    Question(
        "A loss is multiplied by 1000, all else stays. What changes?",
        [
            ("The steps of SGD, not those of Adam", "Right: Adam divides by the size of the gradient, up to ε."),
            ("The steps of both", "In Adam the factor stands above and below the fraction line."),
            ("Nothing, since the minimum is the same", "The minimum is, but SGD's steps are 1000 times as long."),
        ],
        0,
    ),
    Question(
        "In the game f = xy both players move in turn with a small constant rate. Their distance from (0, 0) is …",
        [
            ("falling slowly", "An ellipse around (0, 0) cannot be left, inwards neither."),
            ("growing by √(1 + η²) each step", "That is so when they move at the same time."),
            ("bounded, and not falling to 0", "Right: x² + y² − ηxy never changes. The average of the points arrives."),
        ],
        2,
    ),
]
