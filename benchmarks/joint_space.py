"""Notebook 02's models, ten seeds: the joint space of texts and pictures, and encoders that see pictures alone.

Writes benchmarks/results/joint_space.json, which notebook 02 shows. Takes about 6 minutes on a CPU: `make results`.
"""

import time

import torch
from sklearn.linear_model import LogisticRegression, Ridge
from store import sweep
from torch import nn
from torch.nn import functional as F

from course_lib.data import Batches, of_each_class, shapes, vary
from course_lib.joint import JointSpace, search
from course_lib.losses import contrastive, squared_error
from course_lib.networks import AttributeReader, PooledEncoder
from course_lib.runtime import device, seed_everything
from course_lib.training import Player, train, warmup_cosine

SEEDS = range(10)
EXAMPLES = (4, 10, 40)
WANTED = shapes.combinations()
NEW = shapes.is_held_out(WANTED)
STEPS = [0.25 * i for i in range(13)]


def pair_loss(space, batch):
    texts, pictures = space.text(batch.y), space.picture(batch.x)
    contrast = contrastive(space.scale * texts @ pictures.T).mean()
    painted = space.decode(torch.cat([texts, pictures]).detach()).sigmoid()
    return {"loss": contrast + 0.01 * squared_error(painted, batch.x.repeat(2, 1, 1, 1)).mean()}


def read_loss(net, batch):
    return {"loss": sum(F.cross_entropy(logits, batch.y[:, k]) for k, logits in enumerate(net(batch.x)))}


def recall(queries, keys, k: int) -> float:
    """The share of the combinations kept out of training whose partner is among the k nearest of all 216."""
    queries, keys = F.normalize(queries, dim=1), F.normalize(keys, dim=1)
    right = torch.where(NEW)[0].to(keys.device)[:, None]
    return (search(queries[NEW], keys, k)[1] == right).any(1).float().mean().item()


def both_ways(pictures, texts, label: str) -> dict[str, float]:
    ways = {"text_to_picture": (texts, pictures), "picture_to_text": (pictures, texts)}
    return {f"{label}.{way}@{k}": round(recall(*pair, k), 4) for way, pair in ways.items() for k in (1, 5)}


def histogram(x):
    """How many pixels of each picture fall into each of 4 × 4 × 4 bins of colour: (N, 64)."""
    level = (x * 3.999).long().flatten(2)
    bins = (16 * level[:, 0] + 4 * level[:, 1] + level[:, 2]) + 64 * torch.arange(len(x))[:, None]
    return bins.flatten().bincount(minlength=64 * len(x)).view(-1, 64).float()


# What words are predicted from by ridge regression, and how large a penalty serves it well.
RIVALS = {"ridge": (histogram, 10.0), "pixels": (lambda x: x.flatten(1), 300.0)}


def changed_alone(seen, difference, old: int, new: int, factor: int) -> float:
    """The share of pictures whose query, moved by a difference of words, finds the one changed in that factor alone.

    At the best length of the step.
    """
    start = torch.where(WANTED[:, factor] == old)[0]
    goal = WANTED[start].clone()
    goal[:, factor] = new
    found = [search(F.normalize(seen[start] + step * difference, dim=1), seen, 1)[1][:, 0].cpu() for step in STEPS]
    return max((WANTED[i] == goal).all(1).float().mean().item() for i in found)


def attribute_judge(seed: int) -> AttributeReader:
    lessons = shapes.sample(4800, 100 + seed), shapes.sample(1200, 100 + seed, held_out=True)
    x, factors = (torch.cat(parts) for parts in zip(*lessons, strict=True))
    judge = AttributeReader([len(names) for names in shapes.FACTORS.values()]).to(device())
    batches = Batches((x, factors), 100, device(), seed)
    train(Player("judge", judge, read_loss, lr=4e-3), batches, 8, schedule=warmup_cosine(), progress=False)
    return judge


def right_share(judge, x, factors) -> float:
    read = torch.stack([logits.argmax(1) for logits in judge(x)], 1)
    return round((read == factors.to(read)).all(1).float().mean().item(), 4)


def meetings(seed: int) -> dict[str, float]:
    """The joint space: recall on pairs kept out of training, queries moved by words, pictures painted from texts."""
    trained, where = shapes.sample(4000, seed), device()
    counts = shapes.counts(shapes.captions(trained.factors, seed))
    space = JointSpace(len(shapes.WORDS)).to(where)
    batches = Batches((trained.x, counts), 64, where, seed)
    train(Player("pairs", space, pair_loss, lr=6e-3), batches, 16, schedule=warmup_cosine(), progress=False)
    judge = attribute_judge(seed)
    gallery = shapes.draw(WANTED, 2 * torch.rand(len(WANTED), shapes.JITTER) - 1)
    asked = shapes.counts(shapes.captions(WANTED, seed=1000 + seed))
    rivals = {}
    for name, (features, penalty) in RIVALS.items():
        ridge = Ridge(penalty).fit(features(trained.x.float() / 255), counts)
        guessed = torch.as_tensor(ridge.predict(features(gallery))).float() - counts.mean(0)
        rivals |= both_ways(guessed, asked - counts.mean(0), name)
    with torch.no_grad():
        seen, said = space.picture(gallery.to(where)), space.text(asked.to(where))
        found = both_ways(seen, said, "joint") | rivals
        found |= moved(space, seen) | painted(space, judge, seed)
    return found


def moved(space, seen) -> dict[str, float]:
    changes = [("small", "large", 2), ("left", "right", 3), ("red", "blue", 1), ("circle", "star", 0)]
    found = {}
    for old, new, factor in changes:
        names = list(shapes.FACTORS.values())[factor]
        from_to = space.text(shapes.counts([old, new]).to(seen.device))
        share = changed_alone(seen, from_to[1] - from_to[0], names.index(old), names.index(new), factor)
        found[f"changed_alone.{old}_{new}"] = round(share, 4)
    return found


def painted(space, judge, seed: int) -> dict[str, float]:
    targets = WANTED[NEW].repeat(8, 1)
    points = space.text(shapes.counts(shapes.captions(targets, seed=2000 + seed)).to(device()))
    real = shapes.sample(336, 3000 + seed, held_out=True)
    mixed = points[torch.randperm(len(points))]
    return {
        "painted.right": right_share(judge, space.decode(points).sigmoid(), targets),
        "painted.mixed_up": right_share(judge, space.decode(mixed).sigmoid(), targets),
        "painted.ceiling": right_share(judge, real.x.to(device()).float() / 255, real.factors),
    }


def moved_about(x):
    return 1 - vary(1 - x, turn=0.3, zoom=0.3, shift=0.3)


def repainted(x):
    ink = 1 - moved_about(x).amin(1, keepdim=True)
    return 1 - ink * (0.2 + 0.8 * torch.rand(len(x), 3, 1, 1, device=x.device))


def from_pictures(view, pictures, seed: int) -> nn.Module:
    """An encoder for which two views of a picture are alike, as in section 9."""

    def alike(net, batch):
        first, second = (F.normalize(net(view(batch.x)), dim=1) for _ in range(2))
        return {"loss": contrastive(10 * first @ second.T).mean()}

    net = nn.Sequential(PooledEncoder(128), nn.ReLU(), nn.Linear(128, 32)).to(device())
    train(Player("views", net, alike), Batches((pictures, None), 128, device(), seed), 8, progress=False)
    return net[0]


@torch.no_grad()
def seen_by(eye: nn.Module, pictures) -> torch.Tensor:
    return eye(pictures.x.to(device()).float() / 255).flatten(1).cpu()


def probe(features, classes, asked, right, n: int, seed: int) -> float:
    """Share of right answers of a linear classifier that is fitted to n examples of each class."""
    few = of_each_class(classes, n, seed)
    middle, spread = features.mean(0), features.std(0) + 1e-6
    fitted = LogisticRegression(max_iter=500).fit((features[few] - middle) / spread, classes[few])
    return fitted.score((asked - middle) / spread, right)


def concepts(seed: int) -> dict[str, float]:
    """Right answers of linear probes on two encoders, an untrained one and pixels: "eye.factor.examples"."""
    pictures = shapes.sample(4000, seed).x
    eyes = {view.__name__: from_pictures(view, pictures, seed) for view in (moved_about, repainted)}
    eyes |= {"untrained": PooledEncoder(128).to(device()), "pixels": nn.Identity()}
    labelled, unseen = shapes.sample(2000, 1000 + seed), shapes.sample(1000, 2000 + seed)
    found = {}
    for name, eye in eyes.items():
        features, asked = seen_by(eye, labelled), seen_by(eye, unseen)
        for k, factor in enumerate(("shape", "colour")):
            for n in EXAMPLES:
                share = probe(features, labelled.factors[:, k], asked, unseen.factors[:, k], n, seed)
                found[f"{name}.{factor}.{n}"] = round(share, 4)
    return found


def one_run(which: str, seed: int) -> dict[str, float]:
    seed_everything(seed)
    started = time.process_time()
    found = {"meetings": meetings, "concepts": concepts}[which](seed)
    return {"cpu_s": round(time.process_time() - started, 1)} | found


if __name__ == "__main__":
    sweep("joint_space", one_run, ("meetings", "concepts"), SEEDS)
