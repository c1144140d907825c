"""Exercises and quiz of 12_text_vae."""

import math
import random
from itertools import pairwise

import torch
from torch import distributions as D
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, unpad_sequence

from ..data.grammar import Grammar
from ..losses import kl_diagonal_normals
from ..text import EOS, PAD
from .inputs import normal, simplex, together
from .records import Exercise, Question

TITLE = "Text VAE"
WORDS = ["<pad>", "<bos>", "<eos>", "a", "dog", "dogs", "sleep", "sleeps", "the"]


# --- what the exercises are tried on ----------------------------------------------------------------------------


def _tokens(generator, n=5, longest=6, size=8):
    """Rows of words, <eos> and padding, of different lengths; the last row is the longest."""
    lengths = torch.randint(1, longest, (n,), generator=generator)
    lengths[-1] = longest
    tokens = torch.randint(3, size, (n, longest), generator=generator)
    place = torch.arange(longest)
    return tokens.where(place < lengths[:, None] - 1, EOS).where(place < lengths[:, None], PAD)


def _scored(generator):
    tokens = _tokens(generator)
    return torch.randn(*tokens.shape, 8, generator=generator, dtype=torch.float64), tokens


def _states(generator):
    tokens = _tokens(generator)
    return torch.randn(*tokens.shape, 3, generator=generator, dtype=torch.float64), tokens


def _sentences(generator):
    draw = random.Random(torch.randint(10**6, (), generator=generator).item())
    return ([" ".join(draw.choices(WORDS[3:6], k=draw.randint(2, 5))) for _ in range(6)],)


def _grammar(generator):
    """Two or three layers of choices; each alternative begins with a word of its own, so no sentence comes twice."""
    p, q, r = torch.rand(3, generator=generator, dtype=torch.float64).mul(0.6).add(0.2).tolist()
    rules = {
        "S": [(p, ["one", "NOUN", "sleeps"]), ((1 - p) / 2, ["two", "NOUN", "see", "NOUN"]), ((1 - p) / 2, ["none"])],
        "NOUN": [(q, ["cat"]), (1 - q, ["MANNER", "dog"])],
        "MANNER": [(r, ["small"]), (1 - r, ["grey"])],
    }
    return rules, "S"


def _gru_inputs(generator):
    return together(normal(4, 3), normal(4, 2), normal(6, 3), normal(6, 2), normal(6), normal(6))(generator)


def _heads(generator):
    """States of an LSTM, which lie between -1 and 1, and sizes."""
    return torch.rand(6, 8, generator=generator) * 2 - 1, 4


def _vae_parts(generator):
    logits, tokens = _scored(generator)
    return logits, tokens, *together(normal(5, 3), normal(5, 3))(generator)


# --- the plain exercises: their oracles -------------------------------------------------------------------------


def _distinct_2(sentences):
    from sklearn.feature_extraction.text import CountVectorizer

    counts = CountVectorizer(ngram_range=(2, 2), token_pattern=r"\S+").fit_transform(sentences)
    return counts.shape[1] / counts.sum()


def _pairs(sentences):
    return [pair for words in map(str.split, sentences) for pair in pairwise(words)]


def _row_by_row(logits, tokens):
    real = [(row != PAD).sum() for row in tokens]
    return torch.stack(
        [F.cross_entropy(a[:n], b[:n], reduction="sum") for a, b, n in zip(logits, tokens, real, strict=True)]
    )


def _nll(logits, tokens):
    """Of every place, padding too."""
    return -D.Categorical(logits=logits).log_prob(tokens)


def _last_unpacked(states, tokens):
    lengths = (tokens != PAD).sum(1)
    packed = pack_padded_sequence(states, lengths, batch_first=True, enforce_sorted=False)
    return torch.stack(
        [row[-1] for row in unpad_sequence(*pad_packed_sequence(packed, batch_first=True), batch_first=True)]
    )


def _at(states, place):
    return states[torch.arange(len(states)), place]


def _length(tokens):
    return (tokens != PAD).sum(1)


def _top_k_probabilities(logits, temperature, k):
    """Row by row: a distribution over the k best words alone, put back in their places."""
    best, where = logits.topk(k)
    return torch.zeros_like(logits).scatter(1, where, D.Categorical(logits=best / temperature).probs)


def _filtered(logits, k, fill=-math.inf):
    return logits.masked_fill(logits < logits.topk(k).values[:, -1:], fill)


def _listed(rules, symbol):
    grammar = Grammar(
        {s: {" ".join(parts): p for p, parts in alternatives} for s, alternatives in rules.items()}, symbol
    )
    return D.Categorical(torch.tensor(list(grammar.sentences().values()))).entropy()


def _recursive(rules, symbol, choice, combine):
    """Σ combine(p, choice(p), entropies below) over the alternatives."""
    if symbol not in rules:
        return 0.0
    return sum(
        combine(p, choice(p), sum(_recursive(rules, s, choice, combine) for s in parts)) for p, parts in rules[symbol]
    )


def _gru_cell(x, h, W, U, b, c):
    cell = nn.GRUCell(W.shape[1], U.shape[1], dtype=W.dtype)
    cell.load_state_dict({"weight_ih": W, "weight_hh": U, "bias_ih": b, "bias_hh": c})
    return cell(x, h)


def _gru(combine):
    """A GRU step that puts its parts together in some way."""

    def step(x, h, W, U, b, c):
        return combine(h, *(x @ W.T + b).chunk(3, dim=1), *(h @ U.T + c).chunk(3, dim=1))

    return step


def _gated(z, new, old):
    return (1 - z.sigmoid()) * new + z.sigmoid() * old


def _reset_first(x, h, W, U, b, c):
    """The candidate of Cho et al. 2014: U sees the state after the reset."""
    (xr, xz, xn), (hr, hz, _) = (x @ W.T + b).chunk(3, dim=1), (h @ U.T + c).chunk(3, dim=1)
    seen = ((xr + hr).sigmoid() * h) @ U.chunk(3)[2].T + c.chunk(3)[2]
    return _gated(xz + hz, (xn + seen).tanh(), h)


def _nucleus(p, mass):
    """Word after word, the most probable first, until the mass is reached."""
    rows = []
    for row in p:
        kept, total = torch.zeros_like(row), 0.0
        for i in row.argsort(descending=True):
            kept[i], total = row[i], total + row[i]
            if total >= mass:
                break
        rows.append(kept / kept.sum())
    return torch.stack(rows)


def _sorted_filter(p, keep):
    """Keep what `keep(sorted p, mass before each)` says, in sorted order."""
    values, order = p.sort(descending=True)
    kept = values * keep(values, values.cumsum(1) - values)
    return torch.zeros_like(p).scatter(1, order, kept)


def _normalised(p):
    return p / p.sum(1, keepdim=True)


# --- the bugs ---------------------------------------------------------------------------------------------------


class _Rounded(nn.Module):
    """Codes as the numbers of words: what is handed over."""

    def __init__(self, latent_dim, hidden):
        super().__init__()
        self.layer = nn.Embedding(100, hidden)

    def forward(self, z):
        return self.layer(z.abs().long()).sum(1)


class _Linear(nn.Module):
    """A linear layer after something was done to its input."""

    def __init__(self, latent_dim, hidden, before=lambda z: z, sizes=None):
        super().__init__()
        self.before, self.layer = before, nn.Linear(*(sizes or (latent_dim, hidden)))

    def forward(self, z):
        return self.layer(self.before(z))


def _bridge_behaviour(make, z, hidden):
    """Output size, whether every coordinate of z gets a gradient, whether -z is told from z, 0.9 from 0.1."""
    bridge = make(z.shape[1], hidden)
    z = z.clone().requires_grad_()
    out = bridge(z)
    slope = torch.zeros_like(z)
    if out.requires_grad:
        slope = torch.autograd.grad(out[:, 0].sum(), z, allow_unused=True)[0]
        slope = torch.zeros_like(z) if slope is None else slope
    small, large = torch.full_like(z, 0.1), torch.full_like(z, 0.9)
    return (
        list(out.shape),
        bool((slope != 0).all()),
        bool((slope[0] != slope[0, 0]).any()),
        not torch.allclose(bridge(-z), out),
        not torch.allclose(bridge(small), bridge(large)),
    )


def _bridge_inputs(generator):
    return torch.randn(5, 4, generator=generator), 7


class _Cut(nn.Module):
    """An LSTM's state cut in two: what is handed over."""

    def __init__(self, hidden, latent_dim):
        super().__init__()

    def forward(self, h):
        return h.chunk(2, dim=1)


class _Head(nn.Module):
    """A linear layer each for mu and logvar, and what is done after them."""

    def __init__(self, hidden, latent_dim, after=lambda mu, logvar: (mu, logvar)):
        super().__init__()
        self.mu, self.logvar, self.after = nn.Linear(hidden, latent_dim), nn.Linear(hidden, latent_dim), after

    def forward(self, h):
        return self.after(self.mu(h), self.logvar(h))


def _after(after):
    return lambda hidden, latent_dim: _Head(hidden, latent_dim, after)


def _with_large_weights(make, *sizes):
    """A module whose parameters were moved as far as training might move them, and whether it has any."""
    module = make(*sizes)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.normal_(0, 3)
    return module, bool(list(module.parameters()))


def _head_behaviour(make, h, latent_dim):
    """Shapes, and what values mu and logvar can take."""
    head, trainable = _with_large_weights(make, h.shape[1], latent_dim)
    mu, logvar = (part.detach() for part in head(h))
    if mu.shape != logvar.shape:
        return f"mu {tuple(mu.shape)}, logvar {tuple(logvar.shape)}"
    wide = [mu.abs().max() > 1.5, logvar.min() < -1.5, logvar.max() > 1.5]
    apart = [(mu != logvar).any(), logvar.std() > 0]
    return [trainable, *map(bool, wide + apart), *mu.shape]


def _loss_right(logits, tokens, mu, logvar):
    return (_row_by_row(logits, tokens) + kl_diagonal_normals(mu, logvar)).mean()


def _loss(logits, tokens, mu, logvar, total=lambda nll, kl: (nll + kl.sum(1)).mean()):
    nll = F.cross_entropy(logits.mT, tokens, ignore_index=PAD, reduction="none").sum(1)
    return total(nll, 0.5 * (mu.square() + logvar.exp() - 1 - logvar))


class _Output(nn.Module):
    """A linear layer on states, or none, and what is done after it."""

    def __init__(self, hidden, size, after=lambda a: a, layer=True):
        super().__init__()
        self.after, self.layer = after, nn.Linear(hidden, size) if layer else nn.Identity()

    def forward(self, states):
        return self.after(self.layer(states))


def _output(after=lambda a: a, layer=True, size_of=lambda hidden, size: size):
    return lambda hidden, size: _Output(hidden, size_of(hidden, size), after, layer)


def _output_behaviour(make, states, size):
    """Shape, and how certain of one word it can be."""
    output, trainable = _with_large_weights(make, states.shape[-1], size)
    out = output(states).detach()
    certain, sums_to_one = (out.amax(-1) - out.amin(-1)).max() > 3, torch.allclose(out.sum(-1), torch.ones(()))
    return [trainable, bool(certain), sums_to_one, bool((out == 0).any()), *out.shape]


def _output_inputs(generator):
    return torch.rand(3, 5, 16, generator=generator) * 2 - 1, 12


def _as_sentences(logits, words):
    rows = logits.max(2).indices.tolist()
    kept = [row[: row.index(EOS)] if EOS in row else row for row in rows]
    return [" ".join(words[i] for i in row) for row in kept]


def _shown_logits(generator):
    tokens = _tokens(generator, size=len(WORDS))
    noise = torch.rand(*tokens.shape, len(WORDS), generator=generator)
    return noise + 5 * F.one_hot(tokens, len(WORDS)), WORDS


def _wordwise(logits, words, cut=True, joint=" ", choose=lambda logits: logits.argmax(2)):
    rows = choose(logits).tolist()
    kept = [row[: row.index(EOS)] if cut and EOS in row else row for row in rows]
    return [joint.join(words[i % len(words)] for i in row) for row in kept]


EXERCISES = [
    Exercise(
        id="12.1",
        title="What the model reads",
        level=1,
        inputs=lambda g: (_tokens(g), 1),
        oracle=lambda tokens, bos: F.pad(tokens, (1, -1), value=bos),
        why="at each place the model sees the tokens before it, and at the first place only <bos>.",
        mistakes=[
            (lambda x, bos: x, "At each place the model would read the very token it has to predict. Shift by one."),
            (
                lambda x, bos: F.pad(x, (-1, 1), value=bos),
                "That is a shift to the left: the model would see the future. Shift to the right.",
            ),
            (
                lambda x, bos: F.pad(x, (1, 0), value=bos),
                "One column too many: nothing is predicted after the last token, so leave it out.",
            ),
            (lambda x, bos: x.roll(1, 1), "The first place must be <bos>. roll puts the last token there."),
            (
                lambda x, bos: torch.cat([torch.full_like(x[:, :1], bos), x[:, 1:]], 1),
                "The first token is replaced, but the others are not shifted: place t must hold token t − 1.",
            ),
        ],
    ),
    Exercise(
        id="12.2",
        title="distinct-2",
        level=1,
        inputs=_sentences,
        oracle=_distinct_2,
        why="it is the number of different pairs of neighbours, over the number of all pairs.",
        mistakes=[
            (
                lambda s: len({w for t in s for w in t.split()}) / sum(len(t.split()) for t in s),
                "This counts single words: it is distinct-1. Take pairs of neighbours.",
            ),
            (lambda s: len(set(_pairs(s))) / len(s), "Divide by the number of all pairs, not of the sentences."),
            (
                lambda s: len(set(_pairs(s))),
                "This is the number of different pairs. Divide by the number of all pairs.",
            ),
            (
                lambda s: len(set(_pairs([" ".join(s)]))) / len(_pairs([" ".join(s)])),
                "The last word of a sentence and the first of the next are no pair. Take each sentence by itself.",
            ),
            (
                lambda s: sum(len(set(_pairs([t]))) / len(_pairs([t])) for t in s) / len(s),
                "Pairs that come back in another sentence count as new here. Collect the pairs of all sentences first.",
            ),
        ],
    ),
    Exercise(
        id="12.3",
        title="Nats a sentence, padding left out",
        level=2,
        inputs=_scored,
        oracle=_row_by_row,
        why="<eos> is predicted and counts, <pad> is not a part of the sentence, and no sentence depends on others.",
        mistakes=[
            (
                lambda a, x: _nll(a, x).sum(1),
                "The padding counts as well. Leave out the places where the token is <pad>.",
            ),
            (
                lambda a, x: _nll(a, x).masked_fill(x == PAD, 0.0).sum(),
                "One number a sentence is wanted: sum over the places only.",
            ),
            (
                lambda a, x: _nll(a, x).masked_fill(x == PAD, 0.0).mean(1),
                "A mean over all places divides by the length of the longest sentence, so padding counts again. Sum.",
            ),
            (
                lambda a, x: _nll(a, x).masked_fill(x == PAD, 0.0).sum(1) / _length(x),
                "This is per token. The KL is per sentence, and to add the two the sum over tokens is wanted.",
            ),
            (
                lambda a, x: _nll(a, x).masked_fill(x <= EOS, 0.0).sum(1),
                "<eos> is left out too. It is a token like others: where a sentence ends has to be paid for.",
            ),
        ],
    ),
    Exercise(
        id="12.4",
        title="The state at the end",
        level=2,
        inputs=_states,
        oracle=_last_unpacked,
        why="the state at <eos> has read the whole sentence and no padding, however long the batch is.",
        mistakes=[
            (lambda s, x: s[:, -1], "In short sentences the last column is padding. Find the last real place of each."),
            (lambda s, x: _at(s, _length(x) - 2), "One too early: this is the last word. Take the state at <eos>."),
            (
                lambda s, x: _at(s, _length(x).clamp(max=x.shape[1] - 1)),
                "One too late: counting begins at 0, so the last of n places is n − 1.",
            ),
            (lambda s, x: s.mean(1), "This is the mean over all places, padding too. One state is wanted."),
        ],
    ),
    Exercise(
        id="12.5",
        title="Temperature and top-k",
        level=2,
        inputs=lambda g: (normal(4, 7, scale=2.0)(g), 0.4 + torch.rand((), generator=g).item(), 3),
        oracle=_top_k_probabilities,
        why="dividing the logits raises the probabilities to the power 1/τ, and what is left out keeps exactly none.",
        mistakes=[
            (
                lambda a, t, k: (_filtered(a, k) * t).softmax(1),
                "Divide by the temperature. Multiplying makes a cold model hot.",
            ),
            (lambda a, t, k: _filtered(a, k).softmax(1), "The temperature is not used."),
            (lambda a, t, k: (a / t).softmax(1), "All words are kept. Leave only the k largest logits."),
            (
                lambda a, t, k: (a / t).softmax(1) * (_filtered(a, k) == a),
                "The rows no longer sum to 1. Filter before the softmax, or divide by the sum.",
            ),
            (
                lambda a, t, k: (_filtered(a, k, fill=0.0) / t).softmax(1),
                "A logit of 0 is not a probability of 0. Fill with minus infinity.",
            ),
            (
                lambda a, t, k: _filtered(a, k).softmax(1) / t,
                "The temperature divides the logits, not the probabilities.",
            ),
        ],
    ),
    Exercise(
        id="12.6",
        title="The entropy of a grammar",
        level=2,
        inputs=_grammar,
        oracle=_listed,
        why="the entropy of a choice, plus on average the entropies of what follows, is that of the listed sentences.",
        mistakes=[
            (
                lambda rules, s: _recursive(rules, s, lambda p: -math.log(p), lambda p, c, below: p * c),
                "This is the entropy of the first choice alone. Add those of the symbols that it leads to.",
            ),
            (
                lambda rules, s: _recursive(rules, s, lambda p: -math.log(p), lambda p, c, below: p * c + below),
                "What follows an alternative counts only when it is taken: weigh it with p.",
            ),
            (
                lambda rules, s: _recursive(rules, s, lambda p: -math.log2(p), lambda p, c, below: p * (c + below)),
                "This is in bits. Use the natural logarithm for nats.",
            ),
            (
                lambda rules, s: _recursive(rules, s, lambda p: math.log(p), lambda p, c, below: p * (c + below)),
                "The sign is turned: an entropy is not negative.",
            ),
            (
                lambda rules, s: math.log(_recursive_size(rules, s)),
                "This is the log of the number of sentences: their entropy only if all were equally likely.",
            ),
        ],
    ),
    Exercise(
        id="12.7",
        title="A GRU cell by hand",
        level=3,
        inputs=_gru_inputs,
        oracle=_gru_cell,
        why="it is torch's cell: a gate that forgets within the candidate, and one that mixes it with the old state.",
        mistakes=[
            (
                _gru(lambda h, xr, xz, xn, hr, hz, hn: _gated(-(xz + hz), (xn + (xr + hr).sigmoid() * hn).tanh(), h)),
                "z and 1 − z are exchanged. In torch's cell z keeps the old state.",
            ),
            (
                _gru(lambda h, xz, xr, xn, hz, hr, hn: _gated(xz + hz, (xn + (xr + hr).sigmoid() * hn).tanh(), h)),
                "The rows of W and U come in the order r, z, n. You have taken z first.",
            ),
            (
                _reset_first,
                "Here r scales the state before U is applied (as Cho et al. 2014 wrote it). Scale U h + c as a whole.",
            ),
            (
                _gru(lambda h, xr, xz, xn, hr, hz, hn: _gated(xz + hz, xn + (xr + hr).sigmoid() * hn, h)),
                "The candidate n passes through a tanh, so that the state stays between −1 and 1.",
            ),
            (
                _gru(lambda h, xr, xz, xn, hr, hz, hn: _gated(xz + hz, ((xr + hr).sigmoid() * (xn + hn)).tanh(), h)),
                "r scales only what comes from the state, not what comes from x.",
            ),
        ],
    ),
    Exercise(
        id="12.8",
        title="Top-p: a nucleus of words",
        level=3,
        inputs=together(simplex(6, 9), lambda g: 0.5 + 0.4 * torch.rand((), generator=g).item()),
        oracle=_nucleus,
        why="the fewest words that hold the mass are kept, as many as each row needs, and they sum to 1 again.",
        mistakes=[
            (
                lambda p, mass: _sorted_filter(p, lambda v, before: before < mass),
                "The right words are kept. Divide by their sum, so that they are probabilities again.",
            ),
            (
                lambda p, mass: _normalised(_sorted_filter(p, lambda v, before: before + v < mass)),
                "The word that carries the sum over the mass belongs to the nucleus. Look at the sum before each word.",
            ),
            (
                lambda p, mass: _normalised(p * (p > 1 - mass)),
                "The mass is no threshold for single words. Add up sorted probabilities.",
            ),
            (
                lambda p, mass: _normalised(p - _sorted_filter(p, lambda v, before: before < mass)),
                "These are the words outside the nucleus. Keep the most probable ones.",
            ),
            (
                lambda p, mass: _normalised(_sorted_filter(p, lambda v, before: torch.arange(v.shape[1]) < 3)),
                "This keeps three words in each row: top-k. A nucleus has a size of its own in each row.",
            ),
        ],
    ),
    Exercise(
        id="12.9",
        title="Spot the bug: measurements taken for names",
        level=2,
        inputs=_bridge_inputs,
        measure=_bridge_behaviour,
        oracle=nn.Linear,
        handed_over=_Rounded,
        why="every coordinate of z now reaches the decoder as it is, with its sign, and a gradient comes back.",
        mistakes=[
            (
                lambda d, h: _Linear(d, h, torch.round),
                "The layer is right, but rounding has no gradient, so the encoder learns nothing. Hand over z itself.",
            ),
            (lambda d, h: _Linear(d, h, torch.abs), "The sign of z is lost: z and −z are the same to this layer."),
            (lambda d, h: _Linear(d, h, sizes=(d, d)), "Its output has the size of z. The decoder takes `hidden`."),
            (
                lambda d, h: _Linear(d, h, lambda z: z.mean(1, keepdim=True), (1, h)),
                "The coordinates of z are averaged into one number first. Give the layer all of them.",
            ),
            (
                lambda d, h: _Linear(d, h, lambda z: z.softmax(1)),
                "z is no list of scores. After a softmax only differences between its coordinates are left.",
            ),
        ],
    ),
    Exercise(
        id="12.10",
        title="Spot the bug: one vector cut in two",
        level=3,
        inputs=_heads,
        measure=_head_behaviour,
        oracle=_Head,
        handed_over=_Cut,
        why="mean and log-variance can now take any value, whatever bounds the state of the LSTM has.",
        mistakes=[
            (
                _after(lambda mu, logvar: (mu.tanh(), logvar.tanh())),
                "The layer is there, but the tanh after it brings the old bounds back.",
            ),
            (_after(lambda mu, logvar: (mu, mu)), "Mean and log-variance are the same numbers. Each needs its own."),
            (
                _after(lambda mu, logvar: (mu, logvar.relu())),
                "A variance is positive, its logarithm need not be: without negative values σ never falls below 1.",
            ),
            (
                _after(lambda mu, logvar: (mu, torch.zeros_like(logvar))),
                "The mean is free now. A log-variance of 0 for every sentence can say nothing about certainty.",
            ),
            (
                _after(lambda mu, logvar: (mu, logvar.tanh())),
                "The mean is free. The log-variance is still between −1 and 1.",
            ),
        ],
    ),
    Exercise(
        id="12.11",
        title="Spot the bug: good copies, bad sentences",
        level=2,
        inputs=_vae_parts,
        oracle=_loss_right,
        handed_over=lambda a, x, m, v: _loss(a, x, m, v, lambda nll, kl: nll.mean()),
        why="with its KL the loss is minus the ELBO, and codes lie where the prior will draw them.",
        mistakes=[
            (
                lambda a, x, m, v: _loss(a, x, m, v, lambda nll, kl: (nll - kl.sum(1)).mean()),
                "The KL is a price: it is added to the loss.",
            ),
            (
                lambda a, x, m, v: _loss(a, x, m, v, lambda nll, kl: (nll + kl.mean(1)).mean()),
                "Sum the KL over the coordinates of z: their nats add up.",
            ),
            (
                lambda a, x, m, v: _loss(a, x, m, v, lambda nll, kl: nll.mean() + kl.sum()),
                "The KL is summed over the batch, the rest averaged. Take one KL a sentence, then one mean.",
            ),
            (
                lambda a, x, m, v: _loss(a, x, m, v, lambda nll, kl: (nll / _length(x) + kl.sum(1)).mean()),
                "Nats a token plus nats a sentence: the KL weighs several times too much. Sum over the tokens.",
            ),
        ],
    ),
    Exercise(
        id="12.12",
        title="Spot the bug: never certain of a word",
        level=3,
        inputs=_output_inputs,
        measure=_output_behaviour,
        oracle=nn.Linear,
        handed_over=_output(layer=False),
        why="each word has a score of its own, with no bound, so the model can become certain.",
        mistakes=[
            (
                _output(lambda a: a.softmax(-1)),
                "cross_entropy takes logits and applies the softmax itself. Twice is once too often.",
            ),
            (_output(torch.tanh), "A tanh after the layer keeps every score between −1 and 1."),
            (
                _output(size_of=lambda hidden, size: hidden),
                "The layer has as many outputs as the state has numbers. Give it one for each word.",
            ),
            (
                lambda hidden, size: _Output(hidden, size, lambda a: a[..., :size], layer=False),
                "The first numbers of the state are no scores of words. A layer has to learn the scores.",
            ),
            (
                _output(torch.relu),
                "A logit may be negative. With a ReLU all unlikely words are tied at 0, and get no gradient.",
            ),
        ],
    ),
    Exercise(
        id="12.13",
        title="Spot the bug: numbers in place of words",
        level=1,
        inputs=_shown_logits,
        oracle=_as_sentences,
        handed_over=lambda logits, words: [str(row.tolist()) for row in logits],
        why="the best word at each place, up to <eos>, is what the decoder says.",
        mistakes=[
            (
                lambda a, words: _wordwise(a, words, cut=False),
                "What follows <eos> is not a part of the sentence, and neither is <eos>. Cut there.",
            ),
            (
                lambda a, words: _wordwise(a, [str(i) for i in range(len(words))]),
                "These are the numbers of the words. Look the words up.",
            ),
            (lambda a, words: _wordwise(a, words, joint=""), "Put spaces between the words."),
            (
                lambda a, words: _wordwise(a, words, choose=lambda a: a.argmin(2)),
                "These are the least probable words. Take the largest logit at each place.",
            ),
        ],
    ),
]


def _recursive_size(rules, symbol):
    if symbol not in rules:
        return 1
    return sum(math.prod(_recursive_size(rules, s) for s in parts) for _, parts in rules[symbol])


QUIZ = [
    Question(
        "A model of this grammar has an NLL of 10.5 nats a sentence; the entropy is 10.3. What are the 0.2 nats?",
        [
            ("The share of ungrammatical sentences", "That share is a measure of its own; no formula leads to it."),
            ("KL(language ‖ model)", "Right: the NLL is the entropy plus this divergence."),
            ("KL(model ‖ language)", "The other direction. It is infinite if the model makes one mistake."),
        ],
        1,
    ),
    Question(
        "Five columns of padding are added to a batch. What happens to a correct loss?",
        [
            ("Nothing", "Right: padding is no part of any sentence."),
            ("It grows a little", "Then padding is predicted and paid for: a mask is missing."),
            ("It shrinks a little", "Then it is divided by the width of the batch. Lengths of others must not matter."),
        ],
        0,
    ),
    Question(
        "Why can a VAE with an LSTM decoder do so well without its code?",
        [
            ("The encoder is too small", "A larger one falls silent as well, as long as the decoder needs no help."),
            ("The KL has the wrong sign", "The loss is right. Silence is one of its optima."),
            ("The decoder alone can model the sentences", "Right: then the code has a price and nothing to offer."),
        ],
        2,
    ),
    Question(
        "A model writes one and the same correct sentence each time. Which measure notices?",
        [
            ("The share of grammatical sentences", "It is 100 %."),
            ("distinct-2", "Right: nearly all pairs of words are repetitions."),
            ("Neither", "One of them does."),
        ],
        1,
    ),
    Question(
        "The temperature goes to 0. Which sentence does a language model write?",
        [
            (
                "The one that takes the most probable word at each step",
                "Right: it need not be the most probable sentence as a whole.",
            ),
            ("The most probable sentence", "Not always: a likely first word may lead to unlikely continuations."),
            ("A random one", "At 0 nothing is left to chance."),
        ],
        0,
    ),
]
