"""Put networks that notebooks trained among the course's own, each with a card. `make notebooks` does it."""

import hashlib
import json
from pathlib import Path

from safetensors import safe_open

from course_lib.runtime import atomic_path

WEIGHTS = Path(__file__).resolve().parents[1] / "data" / "weights"
# name, as it is given to `cached` -> what it is
SHIPPED = {
    "08-vae": "The VAE 784-400-20 that notebook 08 explores (`vae.VAE`), trained with warm-up and cosine.",
    "11-cvae": "The VAE of notebook 11 that is told the digit (`conditional.ConditionalVAE(8, 10, (300, 300))`).",
}


def ship(folder: Path) -> list[str]:
    """Take over those of SHIPPED that were trained anew into `folder`; their names."""
    fresh = [name for name in SHIPPED if (folder / f"{name}.safetensors").is_file()]
    for name in fresh:
        content = (folder / f"{name}.safetensors").read_bytes()
        with atomic_path(WEIGHTS / f"{name}.safetensors") as temporary:
            temporary.write_bytes(content)
        with atomic_path(WEIGHTS / f"{name}.md") as temporary:
            temporary.write_text(card(name), encoding="utf-8")
    return fresh


def card(name: str) -> str:
    """The card of a file in data/weights, from what `cached` noted in it."""
    path = WEIGHTS / f"{name}.safetensors"
    with safe_open(path, "pt") as file:
        notes = file.metadata()
        size = sum(file.get_tensor(part).numel() for part in file.keys())  # noqa: SIM118
    rows = json.loads(notes["rows"])
    losses = "\n".join(f"| {key} | {value:.2f} |" for key, value in rows[-1].items() if key != "seconds")
    return f"""# {path.name}

{SHIPPED[name]}
{size:,} numbers. `course_lib.cached("{name}", …)` loads it where code, settings and data are those that made it: with
MNIST, at the budget `lesson`.

Means over the training images in the last of {len(rows)} epochs, in nats an image:

| part | value |
|---|---|
{losses}

Made by notebook {name[:2]} (`make notebooks NB={name[:2]}`, with MNIST), seed {notes["seed"]}, {notes["seconds"]} s on
two CPU cores. Key `{notes["key"]}`.
sha256 `{hashlib.sha256(path.read_bytes()).hexdigest()}`.
"""
