"""Text as tokens: a vocabulary, a recurrent language model, sampling, and a variational autoencoder of sentences.

A sequence is a row of int64 numbers: its tokens, <eos>, and <pad> up to the length of the longest. Losses are sums over
the tokens of a sequence, <eos> included, and padding never changes them.
"""

import math
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence

from .vae import VAE

SPECIAL = ("<pad>", "<bos>", "<eos>")  # nothing, the beginning, the end
PAD, BOS, EOS = range(3)
LONGEST = 40  # tokens after which generation stops


class Vocabulary:
    """Numbers for words (separator " ") or for characters (separator "").

    Args:
        tokens: each word or character once; they are numbered in this order, from 3.

    Raises:
        ValueError: no tokens, or one that occurs twice.
    """

    def __init__(self, tokens: Iterable[str], separator: str = " "):
        self.tokens, self.separator = [*SPECIAL, *tokens], separator
        self.index = {token: i for i, token in enumerate(self.tokens)}
        if len(self.index) < len(self.tokens) or len(self.tokens) == len(SPECIAL):
            raise ValueError(f"{len(self.tokens) - len(SPECIAL)} tokens; give at least one, and each once")

    @classmethod
    def of(cls, texts: Iterable[str], separator: str = " ") -> "Vocabulary":
        """The vocabulary of all that occurs in the texts, sorted."""
        return cls(sorted({token for text in texts for token in _split(text, separator)}), separator)

    def __len__(self) -> int:
        return len(self.tokens)

    def encode(self, texts: Sequence[str]) -> Tensor:
        """Texts as padded rows, int64 (N, T), each ended by <eos>."""
        if not texts:
            raise ValueError("no texts to encode; give at least one")
        try:
            rows = [[self.index[token] for token in _split(text, self.separator)] for text in texts]
        except KeyError as unknown:
            raise ValueError(f"{unknown} is not among the {len(self) - len(SPECIAL)} tokens known here") from None
        return pad_sequence([torch.tensor([*row, EOS]) for row in rows], batch_first=True, padding_value=PAD)

    def decode(self, tokens: Tensor) -> list[str]:
        """Rows (N, T) as texts, up to the first <eos>."""
        _check_tokens(tokens)
        rows = [row[: row.index(EOS)] if EOS in row else row for row in tokens.tolist()]
        return [self.separator.join(self.tokens[i] for i in row if i != PAD) for row in rows]


def sequence_nll(logits: Tensor, tokens: Tensor) -> Tensor:
    """-log p of each sequence in nats, (B,): logits (B, T, V) for tokens (B, T), those that are <pad> left out."""
    _check_tokens(tokens)
    if logits.shape[:-1] != tokens.shape:
        raise ValueError(f"logits {tuple(logits.shape)} do not fit tokens {tuple(tokens.shape)}; give (B, T, V)")
    return F.cross_entropy(logits.mT, tokens, ignore_index=PAD, reduction="none").sum(1)


def draw(
    logits: Tensor, temperature: float = 1.0, top_k: int | None = None, generator: torch.Generator | None = None
) -> Tensor:
    """One token for each row of logits (B, V): (B,).

    Args:
        temperature: logits are divided by it; 0 takes the most probable token.
        top_k: draw among the k most probable tokens only.
        generator: a CPU one, so that the same tokens come on every device.
    """
    if not temperature >= 0 or (top_k is not None and top_k < 1):
        raise ValueError(f"temperature is {temperature} and top_k {top_k}; give a temperature >= 0 and top_k >= 1")
    if temperature == 0:
        return logits.argmax(1)
    if top_k is not None:
        least = logits.topk(min(top_k, logits.shape[1])).values[:, -1:]
        logits = logits.masked_fill(logits < least, -math.inf)
    logits = logits - logits.amax(1, keepdim=True)  # so that a tiny temperature does not overflow
    reached = (logits / temperature).softmax(1).cumsum(1)
    level = 1 - torch.rand(len(logits), 1, generator=generator).to(reached)  # above 0, up to 1
    return (reached < level * reached[:, -1:]).sum(1)


class LanguageModel(nn.Module):
    """p(x) = Π p(x_t | x_<t) by an LSTM (Hochreiter & Schmidhuber 1997), or p(x|z) where a context z is given.

    Args:
        size: of the vocabulary.
        embedding, hidden: sizes of the word vectors and of the LSTM's state.
        context: size of z, 0 for none. It sets the first state and is put beside every word vector.
    """

    def __init__(self, size: int, embedding: int = 32, hidden: int = 64, context: int = 0):
        super().__init__()
        self.size, self.context = size, context
        self.embedding = nn.Embedding(size, embedding, padding_idx=PAD)
        self.lstm = nn.LSTM(embedding + context, hidden, batch_first=True)
        self.vocabulary_layer = nn.Linear(hidden, size - EOS)  # <pad> and <bos> are never what comes next
        self.first_state = nn.Linear(context, 2 * hidden) if context else None

    def forward(self, tokens: Tensor, z: Tensor | None = None, word_dropout: float = 0.0) -> Tensor:
        """Logits (B, T, V) of each token of (B, T), given those before it. `word_dropout` hides a share of these."""
        self._check(tokens, z)
        previous = F.pad(tokens[:, :-1], (1, 0), value=BOS)
        return self._read(previous, z, self._start(z), word_dropout)[0]

    def nll(self, tokens: Tensor, z: Tensor | None = None, word_dropout: float = 0.0) -> Tensor:
        """-log p of each sequence (B, T) in nats, given z (B, D) if the model has a context: (B,)."""
        return sequence_nll(self(tokens, z, word_dropout), tokens)

    @torch.no_grad()
    def generate(
        self,
        n: int,
        z: Tensor | None = None,
        temperature: float = 1.0,
        top_k: int | None = None,
        generator: torch.Generator | None = None,
        longest: int = LONGEST,
    ) -> Tensor:
        """n sequences, all at once, token after token until each has ended or `longest` is reached: (n, T)."""
        token = torch.full((n, 1), BOS, device=self.embedding.weight.device)
        self._check(token, z)
        state, ended, drawn = self._start(z), torch.zeros_like(token, dtype=torch.bool), []
        while len(drawn) < longest and not (ended.all() and drawn):
            logits, state = self._read(token, z, state)
            token = draw(logits[:, 0], temperature, top_k, generator)[:, None].masked_fill(ended, PAD)
            ended = ended | (token == EOS)
            drawn.append(token)
        return torch.cat(drawn, 1)

    def _read(self, previous: Tensor, z: Tensor | None, state, word_dropout: float = 0.0):
        """Logits of what follows each token of `previous` (B, T), and the state after the last."""
        words = self.embedding(previous)
        if word_dropout:
            words = words * (torch.rand(previous.shape, device=words.device) >= word_dropout)[..., None]
        if z is not None:
            words = torch.cat([words, z[:, None].expand(-1, previous.shape[1], -1)], 2)
        h, state = self.lstm(words, state)
        return F.pad(self.vocabulary_layer(h), (EOS, 0), value=-math.inf), state

    def _start(self, z: Tensor | None) -> tuple[Tensor, Tensor] | None:
        if z is None:
            return None  # zeros
        h, c = self.first_state(z).chunk(2, dim=1)
        return h.tanh()[None].contiguous(), c[None].contiguous()

    def _check(self, tokens: Tensor, z: Tensor | None) -> None:
        _check_tokens(tokens)
        given, wanted = None if z is None else tuple(z.shape), (len(tokens), self.context) if self.context else None
        if given != wanted:
            raise ValueError(f"z is {given}; this model takes {wanted}")


class SentenceEncoder(nn.Module):
    """Tokens (B, T) -> mu, logvar, each (B, D): an LSTM, and a linear layer on its state at <eos>."""

    def __init__(self, size: int, latent_dim: int, embedding: int = 32, hidden: int = 64):
        super().__init__()
        self.embedding = nn.Embedding(size, embedding, padding_idx=PAD)
        self.lstm = nn.LSTM(embedding, hidden, batch_first=True)
        self.parameters_of_q = nn.Linear(hidden, 2 * latent_dim)

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        _check_tokens(tokens)
        states, _ = self.lstm(self.embedding(tokens))
        last = (tokens != PAD).sum(1) - 1
        mu, logvar = self.parameters_of_q(states[torch.arange(len(tokens), device=last.device), last]).chunk(2, dim=1)
        return mu, logvar


class TextVAE(VAE):
    """A VAE of sentences (Bowman et al. 2016): an LSTM reads x, another writes it given z.

    Args:
        word_dropout: share of the words that are hidden from the decoder while training, so that it needs z.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        latent_dim: int = 16,
        embedding: int = 32,
        hidden: int = 64,
        word_dropout: float = 0.0,
    ):
        size = len(vocabulary)
        encoder = SentenceEncoder(size, latent_dim, embedding, hidden)
        super().__init__(latent_dim, encoder=encoder, decoder=LanguageModel(size, embedding, hidden, latent_dim))
        self.vocabulary, self.word_dropout = vocabulary, word_dropout

    def nll(self, x: Tensor, z: Tensor) -> Tensor:
        """-log p(x|z) in nats, (B,), for tokens x (B, T) and z (B, D). Hides words in training mode only."""
        return self.decoder.nll(x, z, self.word_dropout if self.training else 0.0)

    def decode(self, z: Tensor) -> list[str]:
        """For each z (B, D) a sentence, each word the most probable after those before it."""
        return self.write(z, temperature=0)

    def write(
        self,
        z: Tensor,
        temperature: float = 1.0,
        top_k: int | None = None,
        generator: torch.Generator | None = None,
    ) -> list[str]:
        """For each z (B, D) a sentence drawn from p(x|z), word after word. `temperature` is that of the words."""
        return self.vocabulary.decode(self.decoder.generate(len(z), z, temperature, top_k, generator))

    @torch.no_grad()
    def sample(self, n: int, temperature: float = 1.0, generator: torch.Generator | None = None) -> list[str]:
        """n sentences drawn from the model: z ~ N(0, temperature² I), then x ~ p(x|z)."""
        if n < 1 or not temperature >= 0:
            raise ValueError(f"n is {n} and temperature {temperature}; give n >= 1 and temperature >= 0")
        z = torch.randn(n, self.latent_dim, generator=generator) * temperature
        return self.write(z.to(next(self.parameters())), generator=generator)


def distinct(texts: Iterable[str], n: int, separator: str = " ") -> float:
    """distinct-n: how many of all runs of n tokens in the texts are different ones (Li et al. 2016, section 5).

    Falls with the number of texts: compare at equal number. NaN if no text has n tokens.
    """
    split = [_split(text, separator) for text in texts]
    runs = [tuple(tokens[i : i + n]) for tokens in split for i in range(len(tokens) - n + 1)]
    return len(set(runs)) / len(runs) if runs else math.nan


def novelty(texts: Sequence[str], training: Iterable[str]) -> float:
    """The share of the texts that are not among those of training."""
    seen = set(training)
    return sum(text not in seen for text in texts) / len(texts)


def _split(text: str, separator: str) -> list[str]:
    return text.split() if separator else list(text)


def _check_tokens(tokens: Tensor) -> None:
    if tokens.ndim != 2 or tokens.dtype != torch.int64 or not tokens.numel():
        raise ValueError(f"tokens are {tuple(tokens.shape)} {tokens.dtype}; give int64 (B, T), at least one")
