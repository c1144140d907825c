"""Exercises and quiz of 02_searching_possible_files."""

import math
from itertools import product

import numpy as np
import torch
from torch.nn import functional as F

from ..losses import contrastive
from .inputs import normal, together, uniform
from .records import Exercise, Question

TITLE = "Searching possible files"


# --- files and numbers ------------------------------------------------------------------------------------------


def _bits(generator, length):
    return "".join("01"[b] for b in torch.randint(2, (length,), generator=generator).tolist())


def _whole(generator, low, high):
    return int(torch.randint(low, high, (), generator=generator))


def _picture(generator):
    """A row of 12 black-and-white pixels that begins with a white one, 0."""
    return (torch.cat([torch.zeros(1, dtype=torch.int64), torch.randint(2, (11,), generator=generator)]),)


def _digits_of_a_picture(row):
    return sum(2**place for place, bit in enumerate(reversed(row.tolist())) if bit)


def _number_and_length(generator):
    length = _whole(generator, 8, 13)
    return _whole(generator, 1, 2 ** (length - 3)), length


def _padded(number, length):
    return np.binary_repr(number, width=length)


def _every_string(longest):
    return ["".join(bits) for n in range(longest + 1) for bits in product("01", repeat=n)]


def _length_and_count(generator):
    return _whole(generator, 2, 9), _whole(generator, 2, 9), _whole(generator, 2, 9)


def _count_digits(height, width, levels):
    return len(str(levels ** (height * width)))


def _files(generator):
    """All files of at most two bytes made of 0, 1 and 2, and a few longer ones, in a random order."""
    files = [bytes(b) for n in range(3) for b in product((0, 1, 2), repeat=n)]
    files += [bytes([0, 0, 1, 2]), bytes([0, 1, 2]), bytes([1, 2, 0])]
    return ([files[i] for i in torch.randperm(len(files), generator=generator).tolist()],)


def _shared(number_of, files):
    """For each file the first file that has the same number: how a numbering groups the files."""
    numbers = [number_of(file) for file in files]
    return [numbers.index(number) for number in numbers]


# --- places, search and the joint space ---------------------------------------------------------------------------


def _emptiest(points, candidates):
    from scipy.spatial import cKDTree

    return int(cKDTree(points.numpy()).query(candidates.numpy())[0].argmax())


def _recall(similarity, k):
    from sklearn.metrics import top_k_accuracy_score

    n = len(similarity)
    return float(top_k_accuracy_score(range(n), similarity.numpy(), k=k, labels=range(n)))


def _related(generator):
    """Similarities (30, 30) in which the right pairs, on the diagonal, are higher than the others on average."""
    noise = torch.randn(30, 30, generator=generator, dtype=torch.float64)
    return noise + 1.5 * torch.eye(30, dtype=torch.float64), 3


def _moved(query, old, new):
    moved = query.numpy() + new.numpy() - old.numpy()
    return torch.from_numpy(moved / np.sqrt(np.einsum("i,i", moved, moved)))


def _unit_vectors(generator):
    return tuple(F.normalize(v, dim=0) for v in together(normal(6), normal(6), normal(6))(generator))


def _templates(generator):
    """Pictures (40, 8) around 5 directions, and the vectors of 3 templates for each of 5 names, of unequal length."""
    names = torch.randn(5, 8, generator=generator, dtype=torch.float64)
    pictures = names.repeat(8, 1) + 1.2 * torch.randn(40, 8, generator=generator, dtype=torch.float64)
    texts = names[:, None] + 1.5 * torch.randn(5, 3, 8, generator=generator, dtype=torch.float64)
    lengths = torch.rand(5, 3, 1, generator=generator, dtype=torch.float64) * 8 + 0.2
    return pictures, texts * lengths


def _ensemble(pictures, texts):
    from scipy.spatial.distance import cdist
    from sklearn.preprocessing import normalize

    means = np.stack([normalize(group).mean(0) for group in texts.numpy()])
    return torch.from_numpy(cdist(pictures.numpy(), means, "cosine").argmin(1))


def _unit(x):
    return F.normalize(x, dim=-1)


def _embeddings(generator):
    """Pictures and texts (8, 5) of unequal length, pairs alike, and a scale."""
    pictures = torch.randn(8, 5, generator=generator, dtype=torch.float64)
    texts = pictures + 0.7 * torch.randn(8, 5, generator=generator, dtype=torch.float64)
    return 2 * pictures, 0.5 * texts, 4.0


def _pair_loss(pictures, texts, scale):
    return contrastive(scale * _unit(pictures) @ _unit(texts).T)


def _diagonal(similarity, dim):
    return -similarity.log_softmax(dim).diagonal()


def _similarities(generator):
    return (3 * torch.randn(7, 7, generator=generator, dtype=torch.float64),)


def _symmetric(similarity):
    return contrastive(similarity)


def _prompts(generator):
    """A prompt that is no caption, word counts of 20 captions, and word vectors of very unequal length."""
    captions = (torch.rand(20, 12, generator=generator) < 0.4).double() + torch.eye(12).repeat(2, 1)[:20].double()
    prompt = (captions[_whole(generator, 0, 20)] + (torch.rand(12, generator=generator) < 0.3)).clamp(max=2) + 0.0
    prompt[_whole(generator, 0, 12)] = 3  # no caption has a word three times
    return prompt, captions, torch.randn(12, 6, generator=generator, dtype=torch.float64)


def _looked_up(prompt, captions, words):
    hits = (captions == prompt).all(1).nonzero().flatten()
    return int(hits[0]) if len(hits) else -1


def _searched(prompt, captions, words):
    from scipy.spatial.distance import cdist

    return int(cdist((prompt @ words)[None].numpy(), (captions @ words).numpy(), "cosine").argmin())


EXERCISES = [
    Exercise(
        id="02.1",
        title="A picture is a number",
        level=1,
        inputs=_picture,
        oracle=_digits_of_a_picture,
        why="each pixel doubles what was read so far, so the first pixel counts most and the last one counts 1.",
        mistakes=[
            (
                lambda row: int("".join(map(str, row.tolist()))[::-1], 2),
                "The pixels are read from the last to the first. The first pixel is the most significant bit.",
            ),
            (
                lambda row: int("".join(map(str, row.tolist()))),
                "The zeros and ones are read as a decimal number. A step to the left is worth 2 here, not 10.",
            ),
            (lambda row: int(row.sum()), "This counts the black pixels. Where they are must count as well."),
            (
                lambda row: int("1" + "".join(map(str, row.tolist())), 2),
                "There is a 1 in front that is no pixel. It is needed where the length varies; here it is always 12.",
            ),
        ],
    ),
    Exercise(
        id="02.2",
        title="And back, with its length",
        level=1,
        inputs=_number_and_length,
        oracle=_padded,
        why="zeros in front do not change a number, so only the length tells how many of them the picture had.",
        mistakes=[
            (lambda n, length: format(n, "b"), "The zeros in front are lost. Fill up to `length` characters."),
            (
                lambda n, length: format(n, "b").ljust(length, "0"),
                "The zeros were added behind, which makes another number. They belong in front.",
            ),
            (
                lambda n, length: format(n, f"0{length}b")[::-1],
                "Turned round: the most significant bit comes first.",
            ),
            (lambda n, length: str(n).zfill(length), "These are decimal digits. Binary ones are wanted: 0 and 1 only."),
        ],
    ),
    Exercise(
        id="02.3",
        title="A number for every bit string, none twice",
        level=2,
        inputs=lambda g: (_bits(g, _whole(g, 0, 9)),),
        oracle=lambda bits: _every_string(8).index(bits),
        why="all shorter strings come first, 2ⁿ − 1 of them, and then those of the same length in order of value.",
        mistakes=[
            (lambda bits: int(bits or "0", 2), "Then `0010` and `10` are both 2. The length has to count."),
            (
                lambda bits: int("1" + bits, 2),
                "None is used twice, but counting begins at 1. The empty string should be number 0.",
            ),
            (
                lambda bits: 2 ** len(bits) - 1 + int(bits[::-1] or "0", 2),
                "The length is kept. Within one length, count in order of value, the first bit counting most.",
            ),
            (
                lambda bits: len(bits) + int(bits or "0", 2),
                "Length plus value: `1` and `00` would both be 2. There are 2ⁿ − 1 strings shorter than n.",
            ),
        ],
    ),
    Exercise(
        id="02.4",
        title="The way back",
        level=3,
        inputs=lambda g: (_whole(g, 0, 511),),
        oracle=lambda number: _every_string(8)[number],
        why="adding 1 brings back the mark in front, and taking the mark off leaves the string with all its zeros.",
        mistakes=[
            (lambda n: format(n, "b"), "This is the number written in binary. It never begins with 0, strings do."),
            (lambda n: format(n + 1, "b"), "One character too many: the 1 in front is the mark, not part of the file."),
            (lambda n: format(n, "b")[1:], "The mark belongs to the number plus 1, since counting begins at 0."),
            (
                lambda n: format(n + 1, "b").replace("1", "", 1)[::-1],
                "Turned round. Check with `01`, which is number 4.",
            ),
        ],
    ),
    Exercise(
        id="02.5",
        title="How many pictures are there?",
        level=2,
        inputs=_length_and_count,
        oracle=_count_digits,
        why="each pixel multiplies the number of pictures by the number of grey levels.",
        mistakes=[
            (
                lambda h, w, k: math.floor(h * w * math.log10(k)),
                "One too few: 10² has three digits. Add 1 to the whole part of the logarithm.",
            ),
            (lambda h, w, k: len(str(h * w * k)), "Pixels do not add choices, they multiply them: levels ** pixels."),
            (lambda h, w, k: len(str((h * w) ** k)), "The wrong way up: levels ** pixels, not pixels ** levels."),
            (
                lambda h, w, k: (k ** (h * w)).bit_length(),
                "These are the binary digits. Decimal ones are asked for.",
            ),
        ],
    ),
    Exercise(
        id="02.6",
        title="The emptiest place",
        level=2,
        inputs=together(uniform(10, 3, high=5), uniform(60, 3, high=5)),
        oracle=_emptiest,
        why="a place is as empty as its nearest point is far.",
        mistakes=[
            (
                lambda p, c: int(torch.cdist(c, p).mean(1).argmax()),
                "The mean distance is largest at the rim. What counts is the distance to the nearest point.",
            ),
            (lambda p, c: int(torch.cdist(c, p).amin(1).argmin()), "This is the fullest place. Turn it round."),
            (
                lambda p, c: int(torch.cdist(c, p).amax(1).argmax()),
                "The farthest point says nothing about emptiness. Take the nearest one of each candidate.",
            ),
            (
                lambda p, c: int(torch.cdist(c, p).amin(0).argmax()),
                "This asks which point is far from all candidates. One number a candidate: the smallest of its row.",
            ),
        ],
    ),
    Exercise(
        id="02.7",
        title="Recall at k",
        level=2,
        inputs=_related,
        oracle=_recall,
        why="a search is a success when the right answer is among the first k, and recall is the share of successes.",
        mistakes=[
            (
                lambda s, k: (s.argmax(1) == torch.arange(len(s))).double().mean(),
                "This is recall at 1. The right answer may stand anywhere among the first k.",
            ),
            (
                lambda s, k: (s.topk(k, dim=0).indices == torch.arange(len(s))).any(0).double().mean(),
                "Each row is a query. Here each column became one.",
            ),
            (
                lambda s, k: (s.topk(k).indices == torch.arange(len(s))[:, None]).any(1).sum().double(),
                "This is how many succeed. Divide by the number of queries.",
            ),
            (
                lambda s, k: (s.topk(k).indices == torch.arange(len(s))[:, None]).double().mean(),
                "Here each success is divided by k as well. Ask first whether *any* of the k is right.",
            ),
        ],
    ),
    Exercise(
        id="02.8",
        title="Move the query",
        level=1,
        inputs=_unit_vectors,
        oracle=_moved,
        why="the difference of two words is a direction, and a query is compared by its direction alone.",
        mistakes=[
            (lambda q, a, b: q + b - a, "The direction is right. Bring the result back to length 1."),
            (lambda q, a, b: F.normalize(q + a - b, dim=0), "The wrong way: take the old word off, add the new one."),
            (lambda q, a, b: F.normalize(q + b, dim=0), "The old word is still in the query. Take it off."),
            (lambda q, a, b: F.normalize(b - a, dim=0), "The query itself is gone. Only what it names should change."),
        ],
    ),
    Exercise(
        id="02.9",
        title="Many templates, one name",
        level=3,
        inputs=_templates,
        oracle=_ensemble,
        why="each template has one vote, whatever its length, and several phrasings together point better than one.",
        mistakes=[
            (
                lambda p, t: (_unit(p) @ _unit(t.mean(1)).T).argmax(1),
                "Long vectors outvote short ones. Bring each template to length 1 before the mean.",
            ),
            (
                lambda p, t: (_unit(p) @ _unit(t[:, 0]).T).argmax(1),
                "Only the first template is used. Take the mean over all of them.",
            ),
            (
                lambda p, t: (_unit(p) @ _unit(_unit(t).mean(1)).T).argmin(1),
                "This is the least similar name. Take the most similar one.",
            ),
            (
                lambda p, t: (p @ t.sum(1).T).argmax(1),
                "Nothing has length 1 here, so the longest vectors win. Compare directions.",
            ),
        ],
    ),
    Exercise(
        id="02.10",
        title="Spot the bug: two files, one number",
        level=1,
        inputs=_files,
        measure=_shared,
        oracle=lambda data: int.from_bytes(b"\1" + data, "big"),
        handed_over=lambda data: int.from_bytes(data, "big"),
        why="with a mark in front the zero bytes count, and every file has a number of its own.",
        mistakes=[
            (
                lambda data: int.from_bytes(data, "little"),
                "Now zero bytes at the *end* are lost. The order does not matter, the mark does.",
            ),
            (
                lambda data: int.from_bytes(data, "big") + len(data),
                "Adding the length makes new collisions: value and length can trade places.",
            ),
            (lambda data: sum(data) * 256 + len(data), "The order of the bytes is lost: `12` and `21` agree."),
            (
                lambda data: int.from_bytes(data.strip(b"\0"), "big"),
                "Cutting zeros off loses more. Mark the beginning.",
            ),
        ],
    ),
    Exercise(
        id="02.11",
        title="Spot the bug: a loss that falls while nothing is learned",
        level=2,
        inputs=_embeddings,
        oracle=_pair_loss,
        handed_over=lambda p, t, scale: (_diagonal(scale * p @ t.T, 1) + _diagonal(scale * p @ t.T, 0)) / 2,
        why="with vectors of length 1 the loss can only fall by turning them, which is what is to be learned.",
        mistakes=[
            (
                lambda p, t, scale: _pair_loss(p, t, 1.0),
                "The lengths are gone, but the scale too: similarities stay in [−1, 1] and the loss never gets small.",
            ),
            (
                lambda p, t, scale: (_diagonal(scale * _unit(p) @ t.T, 1) + _diagonal(scale * _unit(p) @ t.T, 0)) / 2,
                "Only the pictures have length 1. The texts can still grow.",
            ),
            (
                lambda p, t, scale: _symmetric(scale * F.normalize(p, dim=0) @ F.normalize(t, dim=0).T),
                "Normalised over the batch. Each vector by itself has to get length 1: the last dimension.",
            ),
            (
                lambda p, t, scale: _diagonal(scale * _unit(p) @ _unit(t).T, 1),
                "The lengths are right. Keep both directions: each picture finds its text, each text its picture.",
            ),
        ],
    ),
    Exercise(
        id="02.12",
        title="Spot the bug: one picture answers every text",
        level=2,
        inputs=_similarities,
        oracle=_symmetric,
        handed_over=lambda s: (_diagonal(s, 1) + _diagonal(s, 1)) / 2,
        why="rows ask which text belongs to a picture, columns which picture belongs to a text; both are trained.",
        mistakes=[
            (lambda s: _diagonal(s, 0), "Now only texts search. Both directions count, half each."),
            (lambda s: _diagonal(s, 1) + _diagonal(s, 0), "Both directions are there. Take their mean, not their sum."),
            (
                lambda s: -(s.flatten().log_softmax(0).view_as(s)).diagonal(),
                "One softmax over the whole matrix lets the pairs compete with each other. Rows and columns apart.",
            ),
            (
                lambda s: ((_diagonal(s, 1) + _diagonal(s, 0)) / 2).mean(),
                "One number a pair is wanted. Leave the mean to the caller.",
            ),
        ],
    ),
    Exercise(
        id="02.13",
        title="Spot the bug: a prompt that is looked up",
        level=2,
        inputs=_prompts,
        oracle=_searched,
        handed_over=_looked_up,
        why="a search returns what is nearest in meaning, whether or not the same words were ever written before.",
        mistakes=[
            (
                lambda prompt, captions, words: int((captions @ prompt).argmax()),
                "This counts shared words. Two captions that mean the same may share none: compare their vectors.",
            ),
            (
                lambda prompt, captions, words: int((captions @ words @ (prompt @ words)).argmax()),
                "Long vectors win here. Compare directions: give all vectors length 1.",
            ),
            (
                lambda prompt, captions, words: int((_unit(captions @ words) @ _unit(prompt @ words)).argmin()),
                "This finds what is least alike. Take the largest similarity.",
            ),
            (
                lambda prompt, captions, words: int((captions - prompt).abs().sum(1).argmin()),
                "Nearest in word counts is still a comparison of spellings. Turn counts into vectors with `words`.",
            ),
        ],
    ),
]


QUIZ = [
    Question(
        "Two black-and-white pictures have numbers that differ by 1. What do you know about them?",
        [
            (
                "They show similar things",
                "Mostly, but a carry can turn every pixel: 0111 and 1000 are neighbours. And look-alikes seldom are.",
            ),
            (
                "The last pixel differs, and perhaps others before it",
                "Right: the number orders pixels by their place, not pictures by what they show.",
            ),
            ("One of them is noise", "A number says nothing about structure. Both may be digits."),
        ],
        1,
    ),
    Question(
        "Why does a random 28 × 28 picture practically never show a digit?",
        [
            ("The random numbers are of poor quality", "Perfect coin flips give the same noise."),
            ("There are no digits among the 2⁷⁸⁴ pictures", "All of them are in there, each with its number."),
            (
                "Pictures in which neighbouring pixels agree are a vanishing share of all",
                "Right: you computed the share. Being in the list is not the same as being found.",
            ),
        ],
        2,
    ),
    Question(
        "What makes coordinates useful for a search?",
        [
            ("That there are few of them", "Width, height and mean colour are few as well."),
            (
                "That a small step changes what is shown by a little, in a way that can be named",
                "Right: then neighbours mean similar things, and places between them can be drawn.",
            ),
            ("That every listed picture has its own place", "Numbers give each picture a place of its own, too."),
        ],
        1,
    ),
    Question(
        "A text-to-picture model draws a purple square, a pair that was kept out of training. Where did it come from?",
        [
            (
                "From a place that is put together from purple things and from squares",
                "Right: the query is a point, and the decoder draws any point.",
            ),
            ("From a stored picture of a purple square", "There was none. That is why the pair was held out."),
            ("From the web", "The model has nothing but its weights."),
        ],
        0,
    ),
    Question(
        "In the contrastive loss, what are the wrong answers that a picture has to tell from its caption?",
        [
            ("Captions written to be wrong", "Nobody writes them."),
            ("The other captions of the batch", "Right: so larger batches make the task harder."),
            ("Random word vectors", "All vectors belong to real captions."),
        ],
        1,
    ),
]
