"""Many networks of one form at once, and a copy of a network with another kind of layer."""

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap
from torch.nn import functional as F


def swap(net: nn.Module, kind: type[nn.Module], make: Callable[[nn.Module], nn.Module]) -> nn.Module:
    """A copy of `net` in which each layer of a kind is replaced by `make(layer)`: to see what a design rule is for.

    Raises:
        ValueError: there is no such layer.
    """
    net = copy.deepcopy(net)
    found = [(parent, name, child) for parent in net.modules() for name, child in parent.named_children()]
    found = [place for place in found if isinstance(place[2], kind)]
    if not found:
        raise ValueError(f"{type(net).__name__} has no {kind.__name__}")
    for parent, name, layer in found:
        setattr(parent, name, make(layer))
    return net


class Replicas(nn.Module):
    """n networks of one form, each with its own start, run as one: x (B, n, ...) -> (B, n, ...).

    Trains n seeds in little more than the time of one. No replica sees another: with a loss that sums over the
    replicas, each gets the gradient that it would get alone.

    Args:
        make: returns a new network; called n times. Batch normalisation in it must not track statistics.
        spectral: divide each matrix of weights by its largest singular value (Miyato et al. 2018, algorithm 1), of all
            replicas at once.
    """

    def __init__(self, make: Callable[[], nn.Module], n: int, spectral: bool = False):
        super().__init__()
        if n < 1:
            raise ValueError(f"n is {n}; give 1 or more")
        networks = [make() for _ in range(n)]
        state, _ = stack_module_state(networks)
        self.names, self.n = list(state), n
        self.weights = nn.ParameterList(nn.Parameter(value.detach()) for value in state.values())
        self.norms = nn.ModuleList(_Spectral(w) if spectral and w.ndim > 2 else nn.Identity() for w in self.weights)
        self._form = [networks[0].to("meta")]  # in a list, so that its parameters are not registered here

    def forward(self, x: Tensor) -> Tensor:
        if x.ndim < 2 or x.shape[1] != self.n:
            raise ValueError(f"x is {tuple(x.shape)}; give (B, {self.n}, ...), one column a replica")
        weights = self._effective()
        return vmap(lambda w, x: functional_call(self._form[0], w, (x,)), (0, 1), 1, randomness="different")(weights, x)

    def one(self, i: int) -> nn.Module:
        """Replica i as a network of its own (a copy)."""
        network = copy.deepcopy(self._form[0]).to_empty(device=self.weights[0].device)
        with torch.no_grad():
            network.load_state_dict({name: w[i] for name, w in self._effective().items()})
        return network

    def _effective(self) -> dict[str, Tensor]:
        """The weights that the networks work with, by name, each (n, ...)."""
        return {name: norm(w) for name, norm, w in zip(self.names, self.norms, self.weights, strict=True)}


class _Spectral(nn.Module):
    """Weights W (n, out, ...) -> W / σ(W), σ the largest singular value of each matrix (out, ...), by power iteration.

    One step a call while training and gradients are on; the vectors are kept in between, so that σ follows W.
    """

    def __init__(self, w: Tensor, first_steps: int = 15):
        super().__init__()
        self.register_buffer("u", F.normalize(torch.randn(w.shape[:2], device=w.device), dim=1))
        for _ in range(first_steps):
            self._step(w)

    def forward(self, w: Tensor) -> Tensor:
        if self.training and torch.is_grad_enabled():
            self._step(w)
        matrices = w.flatten(2)
        sigma = torch.einsum("no,noi,ni->n", self.u, matrices, self._right(matrices))
        return w / sigma.view(-1, *[1] * (w.ndim - 1))

    @torch.no_grad()
    def _step(self, w: Tensor) -> None:
        matrices = w.flatten(2)
        self.u = F.normalize(torch.einsum("noi,ni->no", matrices, self._right(matrices)), dim=1)

    @torch.no_grad()
    def _right(self, matrices: Tensor) -> Tensor:
        """The right singular vectors (n, in) that belong to u."""
        return F.normalize(torch.einsum("noi,no->ni", matrices, self.u), dim=1)
