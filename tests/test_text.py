import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence

from course_lib import losses, text, vae
from course_lib.data import Batch, Batches
from course_lib.data.grammar import Grammar
from course_lib.text import BOS, EOS, PAD, LanguageModel, SentenceEncoder, TextVAE, Vocabulary
from course_lib.training import Player, train

fast = settings(max_examples=50, deadline=None, derandomize=True)
WORDS = Vocabulary(["a", "b", "c"])
SENTENCES = ["a b c", "c", "b b a c a", "a c"]
X = WORDS.encode(SENTENCES)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def spread(net, factor=3.0):
    """The network in float64, with weights large enough for all parts to matter."""
    with torch.no_grad():
        for p in net.parameters():
            p.mul_(factor)
    return net.double()


def language_model(context=0, size=6, seed=0):
    torch.manual_seed(seed)
    return spread(LanguageModel(size, embedding=4, hidden=5, context=context))


def text_vae(seed=0, **options):
    torch.manual_seed(seed)
    return spread(TextVAE(WORDS, **{"latent_dim": 2, "embedding": 4, "hidden": 5} | options), 2.0)


def longer(tokens, more=3):
    return F.pad(tokens, (0, more), value=PAD)


# --- vocabulary ----------------------------------------------------------------------------------------------------


def test_encoding_ends_with_eos_and_pads_to_the_longest():
    assert X.dtype == torch.int64
    assert X.tolist() == [[3, 4, 5, EOS, 0, 0], [5, EOS, 0, 0, 0, 0], [4, 4, 3, 5, 3, EOS], [3, 5, EOS, 0, 0, 0]]
    assert (len(WORDS), PAD, BOS, EOS) == (6, 0, 1, 2)


def test_vocabulary_of_texts_has_every_token_once_sorted():
    assert Vocabulary.of(["b a", "c a"]).tokens == [*text.SPECIAL, "a", "b", "c"]
    assert Vocabulary.of(["hello", "low"], separator="").tokens[3:] == list("ehlow")


@fast
@given(st.lists(st.lists(st.sampled_from("abc"), max_size=7), min_size=1, max_size=5), st.sampled_from(["", " "]))
def test_decoding_undoes_encoding(rows, separator):
    texts = [separator.join(row) for row in rows]
    vocabulary = Vocabulary("abc", separator)
    assert vocabulary.decode(vocabulary.encode(texts)) == texts
    assert vocabulary.decode(longer(vocabulary.encode(texts))) == texts


def test_decoding_stops_at_the_first_eos_or_at_the_end():
    assert WORDS.decode(torch.tensor([[3, EOS, 4, EOS], [3, 4, 5, 3], [EOS, 3, 3, 3]])) == ["a", "a b c a", ""]


# --- likelihood ----------------------------------------------------------------------------------------------------


def test_sequence_nll_sums_over_the_tokens_that_are_not_padding():
    logits = torch.randn(*X.shape, 6, dtype=torch.float64, generator=generator())
    expected = [
        -sum(logits[i, t].log_softmax(0)[token] for t, token in enumerate(row) if token != PAD)
        for i, row in enumerate(X.tolist())
    ]
    torch.testing.assert_close(text.sequence_nll(logits, X), torch.stack(expected))


def test_language_model_is_the_cell_of_torch_step_by_step():
    """The oracle feeds one token at a time to an LSTMCell with the same weights."""
    net = language_model()
    cell = nn.LSTMCell(4, 5).double()
    cell.load_state_dict({name.removesuffix("_l0"): value for name, value in net.lstm.state_dict().items()})
    for row, nll in zip(X, net.nll(X), strict=True):
        state, previous, total = (torch.zeros(1, 5).double(), torch.zeros(1, 5).double()), BOS, 0.0
        for token in row[row != PAD].tolist():
            state = cell(net.embedding.weight[previous][None], state)
            total -= net.vocabulary_layer(state[0])[0].log_softmax(0)[token - EOS]
            previous = token
        torch.testing.assert_close(nll, total)


@pytest.mark.parametrize("context", [0, 2])
def test_probabilities_of_all_sequences_sum_to_one(context):
    """Of those up to three tokens, and of the beginnings of the longer ones, found by the same model."""
    net, rows = language_model(context), []
    for length in range(4):
        rows += [[*words, EOS][:4] for words in itertools.product(range(3, 6), repeat=length)]
    rows += [list(words) for words in itertools.product(range(3, 6), repeat=4)]  # has not ended
    tokens = nn.utils.rnn.pad_sequence([torch.tensor(row) for row in rows], batch_first=True)
    z = torch.tensor([[1.0, -2.0]]).double().expand(len(tokens), 2) if context else None
    assert (-net.nll(tokens, z)).exp().sum().item() == pytest.approx(1)


@pytest.mark.parametrize("context", [0, 2])
def test_padding_changes_no_loss_and_no_gradient(context):
    net = language_model(context)
    z = torch.randn(4, 2, dtype=torch.float64, generator=generator()) if context else None
    gradients = []
    for tokens in (X, longer(X)):
        net.zero_grad()
        nll = net.nll(tokens, z)
        nll.sum().backward()
        gradients.append([nll.detach(), *(p.grad.clone() for p in net.parameters())])
    for once, padded in zip(*gradients, strict=True):
        torch.testing.assert_close(once, padded)
    alone = [net.nll(WORDS.encode([s]), None if z is None else z[i : i + 1]) for i, s in enumerate(SENTENCES)]
    torch.testing.assert_close(net.nll(X, z), torch.cat(alone))


def test_no_token_sees_itself_or_what_follows():
    net = language_model()
    logits = net(X)
    changed = X.clone()
    changed[2, 3] = 4
    differs = (net(changed)[2, :, EOS:] != logits[2, :, EOS:]).any(1)
    assert differs.tolist() == [False, False, False, False, True, True]
    assert logits[..., :EOS].isneginf().all()


def test_word_dropout_hides_the_share_asked_for():
    torch.manual_seed(0)
    net, seen = LanguageModel(6, embedding=4, hidden=5), []
    net.lstm.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    tokens = torch.full((200, 50), 3)
    net(tokens, word_dropout=0.3)
    hidden = (seen[0] == 0).all(2)
    assert abs(hidden.double().mean() - 0.3) < 4 * math.sqrt(0.3 * 0.7 / 10_000)
    torch.testing.assert_close(
        seen[0][:, 1:][~hidden[:, 1:]], net.embedding.weight[3].expand(int((~hidden[:, 1:]).sum()), 4)
    )


def test_context_reaches_the_first_state_and_every_step():
    net = language_model(context=2)
    z = torch.randn(4, 2, dtype=torch.float64, generator=generator())
    assert (net.nll(X, z) != net.nll(X, z.roll(1, 0))).all()
    with torch.no_grad():
        net.first_state.weight.zero_()
    assert (net.nll(X, z) != net.nll(X, z.roll(1, 0))).all()
    with torch.no_grad():
        net.lstm.weight_ih_l0[:, 4:].zero_()
    torch.testing.assert_close(net.nll(X, z), net.nll(X, z.roll(1, 0)))


# --- sampling ------------------------------------------------------------------------------------------------------

LOGITS = torch.tensor([1.0, -0.5, 2.0, 0.3, -math.inf]).double()


def frequencies(n=20_000, **options):
    torch.manual_seed(0)
    return text.draw(LOGITS.expand(n, 5), **options).bincount(minlength=5)


@pytest.mark.parametrize("temperature", [0.3, 1.0, 2.5])
@pytest.mark.parametrize("top_k", [None, 1, 2, 3, 9])
def test_draws_follow_the_probabilities(temperature, top_k):
    counts = frequencies(temperature=temperature, top_k=top_k)
    kept = LOGITS.argsort(descending=True)[:top_k]
    p = torch.zeros(5).double()
    p[kept] = (LOGITS[kept] / temperature).softmax(0)
    assert counts[p == 0].sum() == 0
    if (p > 0).sum() > 1:
        assert stats.chisquare(counts[p > 0], p[p > 0] * 20_000).pvalue > 1e-4


@pytest.mark.parametrize("temperature", [0.0, 1e-310])
def test_coldest_draw_is_the_most_probable_token(temperature):
    assert frequencies(100, temperature=temperature).tolist() == [0, 0, 100, 0, 0]


def test_draws_never_take_what_is_impossible_even_at_the_ends_of_the_interval(monkeypatch):
    logits = torch.tensor([[-math.inf, 0.0, -math.inf, 1.0, -math.inf]])
    for value in (0.0, 1 - 2**-24):
        monkeypatch.setattr(torch, "rand", lambda *shape, generator, value=value: torch.full(shape, value))
        assert text.draw(logits).item() in (1, 3)


def test_generation_follows_its_generator_and_leaves_the_global_one_alone():
    net = language_model()
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    first, again, other = (net.generate(20, generator=generator(seed)) for seed in (0, 0, 1))
    assert torch.equal(torch.rand(3), expected)
    assert torch.equal(first, again)
    assert first.shape != other.shape or not torch.equal(first, other)


def test_generated_sequences_end_once_and_are_padded_after_that():
    tokens = language_model().generate(200, generator=generator())
    for row in tokens.tolist():
        end = row.index(EOS)
        assert all(token > EOS for token in row[:end])
        assert set(row[end + 1 :]) <= {PAD}
    assert (tokens[:, -1] != PAD).any()  # no longer than the longest


def test_generation_stops_after_the_longest_allowed():
    net = language_model()
    with torch.no_grad():
        net.vocabulary_layer.bias[0] = -100  # <eos> hardly ever comes
    assert net.generate(3, longest=7, generator=generator()).shape == (3, 7)


def test_generated_sequences_have_the_frequencies_that_the_model_states():
    net, n = language_model(), 5000
    drawn = net.generate(n, generator=generator(1))
    short = WORDS.encode(["", "a", "b", "c", "a a", "b c"])
    p = (-net.nll(short)).exp().tolist()
    found = [WORDS.decode(drawn).count(s) for s in WORDS.decode(short)]
    counts, expected = [*found, n - sum(found)], [n * q for q in [*p, 1 - sum(p)]]
    assert stats.chisquare(counts, expected).pvalue > 1e-4


def test_greedy_generation_takes_the_best_token_each_time():
    net = language_model(context=2, seed=3)
    z = torch.randn(5, 2, dtype=torch.float64, generator=generator())
    tokens = net.generate(5, z, temperature=0, longest=8)
    best = net(tokens, z).argmax(2)
    assert torch.equal(best[tokens != PAD], tokens[tokens != PAD])


# --- encoder and VAE -----------------------------------------------------------------------------------------------


def test_encoder_reads_the_state_at_the_end_of_each_sentence():
    torch.manual_seed(0)
    net = spread(SentenceEncoder(6, 2, embedding=4, hidden=5))
    packed = pack_padded_sequence(net.embedding(X), (X != PAD).sum(1), batch_first=True, enforce_sorted=False)
    _, (h, _) = net.lstm(packed)
    torch.testing.assert_close(torch.cat(net(X), 1), net.parameters_of_q(h[0]))


def test_padding_changes_nothing_in_the_vae():
    net = text_vae()
    for part, padded in zip(net.encoder(X), net.encoder(longer(X)), strict=True):
        torch.testing.assert_close(part, padded)
    values = []
    for tokens in (X, longer(X)):
        torch.manual_seed(1)
        parts = net.elbo(tokens)
        values.append([parts.reconstruction, parts.kl, net.log_weights(tokens, 3)])
    for once, padded in zip(*values, strict=True):
        torch.testing.assert_close(once, padded)


def test_elbo_parts_are_the_likelihood_and_the_kl_at_the_drawn_z():
    net = text_vae()
    mu, logvar = net.encoder(X)
    torch.manual_seed(1)
    parts = net.elbo(X)
    torch.manual_seed(1)
    z = vae.reparameterize(mu, logvar)
    torch.testing.assert_close(parts.reconstruction, net.decoder.nll(X, z))
    torch.testing.assert_close(parts.kl, losses.kl_diagonal_normals(mu, logvar))


def test_log_weights_average_to_the_likelihood():
    """The oracle integrates p(x|z) p(z) over a one-dimensional z on a grid."""
    net, n = text_vae(latent_dim=1).eval(), 4000
    z = torch.linspace(-8, 8, 801, dtype=torch.float64)[:, None]
    log_px_z = torch.stack([-net.nll(x.expand(801, -1), z) for x in X], 1)
    log_px = (log_px_z - 0.5 * (z.square() + losses.LOG_2PI) + math.log(16 / 800)).logsumexp(0).detach()
    torch.manual_seed(0)
    with torch.no_grad():
        weights = net.log_weights(X, n).exp()
    standard_error = weights.std(0) / weights.mean(0) / math.sqrt(n)  # of log mean w, by the delta method
    assert ((weights.mean(0).log() - log_px).abs() < 4 * standard_error).all()


def test_word_dropout_is_for_training_alone():
    net, z = text_vae(word_dropout=1.0), torch.zeros(4, 2).double()
    blind = net.decoder.nll(X, z, word_dropout=1.0)
    torch.testing.assert_close(net.train().nll(X, z), blind)
    torch.testing.assert_close(net.eval().nll(X, z), net.decoder.nll(X, z))
    assert (blind != net.decoder.nll(X, z)).all()


def test_negative_elbo_reaches_every_parameter():
    net = text_vae()
    vae.negative_elbo(net, Batch(X))["loss"].backward()
    assert all(p.grad.abs().sum() > 0 for p in net.parameters())


def test_decode_writes_the_greedy_sentence_and_reconstruct_that_of_the_posterior_mean():
    net = text_vae()
    mu, _ = net.encoder(X)
    greedy = WORDS.decode(net.decoder.generate(4, mu, temperature=0))
    assert net.decode(mu) == net.reconstruct(X) == greedy
    assert net.write(mu, temperature=0) == greedy


def test_sample_draws_z_then_words_by_its_generator():
    net = text_vae()
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    drawn = net.sample(50, 0.5, generator(2))
    assert torch.equal(torch.rand(3), expected)
    g = generator(2)
    z = 0.5 * torch.randn(50, 2, generator=g)
    assert drawn == net.write(z.double(), generator=g)
    assert net.sample(50, 0.5, generator(3)) != drawn


def test_overfits_a_few_sentences_through_z():
    """Without z, eight equally frequent sentences cost at least log 8 nats each; the reconstruction falls below."""
    torch.manual_seed(0)
    sentences = [" ".join(words) for words in itertools.product("ab", repeat=3)]
    net, tokens = TextVAE(WORDS, 4, embedding=8, hidden=32), WORDS.encode(sentences)
    batches = Batches((tokens.repeat(8, 1), None), 64)
    train(Player("vae", net, lambda m, b: vae.negative_elbo(m, b, beta=0.1), lr=0.02), batches, 150, progress=False)
    assert net.elbo(tokens).reconstruction.mean() < 0.3 * math.log(8)
    assert net.reconstruct(tokens) == sentences


def test_language_model_learns_the_entropy_of_a_grammar():
    grammar = Grammar({"S": {"A B": 0.5, "B": 0.5}, "A": {"a": 0.7, "b": 0.3}, "B": {"c": 0.2, "c a": 0.8}})
    tokens = WORDS.encode(grammar.sample(4000, generator()))
    torch.manual_seed(0)
    net = LanguageModel(len(WORDS), 8, 16)
    loss = lambda m, b: {"loss": m.nll(b.x).mean()}  # noqa: E731
    untrained = net.nll(tokens).mean().item()
    train(Player("lm", net, loss, lr=0.02), Batches((tokens, None), 100), 4, progress=False)
    sentences = grammar.sentences()
    p = torch.tensor(list(sentences.values()))
    cross_entropy = (p * net.nll(WORDS.encode(list(sentences)))).sum().item()
    assert grammar.entropy() < cross_entropy < grammar.entropy() + 0.05 < untrained


# --- measures ------------------------------------------------------------------------------------------------------


def test_distinct_counts_different_runs_over_all_runs():
    assert text.distinct(["a b a", "a b"], 1) == 2 / 5
    assert text.distinct(["a b a", "a b"], 2) == 2 / 3  # ab, ba, ab
    assert text.distinct(["aba", "ab"], 2, separator="") == 2 / 3
    assert math.isnan(text.distinct(["a", "b"], 2))


def test_novelty_is_the_share_that_is_not_in_training():
    assert text.novelty(["a", "b", "b", "c"], ["c", "a"]) == 0.5
    assert text.novelty(["a"], ["a"]) == 0


ROW, Z = torch.tensor([[3, EOS]]), torch.zeros(1, 2)
NET = LanguageModel(6, 4, 5)
GIVEN_Z = LanguageModel(6, 4, 5, context=2)
VAE = TextVAE(WORDS, 2, 4, 5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Vocabulary([]), "0 tokens; give at least one"),
        (lambda: Vocabulary(["a", "a"]), "2 tokens; give at least one, and each once"),
        (lambda: Vocabulary(["<eos>"]), "each once"),
        (lambda: WORDS.encode(["a", "a d"]), "'d' is not among the 3 tokens known here"),
        (lambda: WORDS.encode([]), "no texts to encode"),
        (lambda: WORDS.decode(ROW[0]), r"tokens are \(2,\) torch.int64; give int64 \(B, T\)"),
        (lambda: WORDS.decode(ROW.float()), "give int64"),
        (lambda: text.sequence_nll(torch.zeros(1, 3, 6), ROW), r"logits \(1, 3, 6\) do not fit tokens \(1, 2\)"),
        (lambda: text.draw(torch.zeros(1, 3), -1.0), "temperature is -1.0 and top_k None"),
        (lambda: text.draw(torch.zeros(1, 3), math.nan), "give a temperature >= 0"),
        (lambda: text.draw(torch.zeros(1, 3), top_k=0), "top_k >= 1"),
        (lambda: NET.nll(ROW.float()), "give int64"),
        (lambda: NET.nll(ROW[:0]), "at least one"),
        (lambda: NET.nll(ROW, Z), r"z is \(1, 2\); this model takes None"),
        (lambda: GIVEN_Z.nll(ROW), r"z is None; this model takes \(1, 2\)"),
        (lambda: GIVEN_Z.generate(3, Z), r"z is \(1, 2\); this model takes \(3, 2\)"),
        (lambda: NET.generate(0), r"tokens are \(0, 1\)"),
        (lambda: VAE.encoder(ROW.float()), "give int64"),
        (lambda: VAE.decode(torch.zeros(1, 3)), r"z is \(1, 3\); this model takes \(1, 2\)"),
        (lambda: VAE.sample(0), "n is 0 and temperature 1.0; give n >= 1"),
        (lambda: VAE.sample(1, temperature=math.nan), "temperature >= 0"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
