"""The pipeline that tutorials write, as a baseline for speed: images prepared one at a time, a loss read every step.

It trains the networks of course_lib on the same objectives, so only the pipeline and the loop differ. `images` of an
epoch is a `loader`. In `dcgan_epoch` one batch serves both players; `course_lib.training.train` gives each move a fresh
one, so an epoch here is as many moves as two passes there.
"""

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

from course_lib.data import Images


class PerSample(Dataset):
    """uint8 images (N, 1, H, W), each turned into a PIL image and that into floats in [0, 1] whenever it is read."""

    def __init__(self, images: Images):
        self.images = images

    def __len__(self) -> int:
        return len(self.images.x)

    def __getitem__(self, i: int) -> tuple[Tensor, int]:
        picture = Image.fromarray(self.images.x[i, 0].numpy())
        x = torch.from_numpy(np.array(picture)).unsqueeze(0).float() / 255
        return x, int(self.images.y[i])


def loader(images: Images, batch_size: int) -> DataLoader:
    """Shuffled batches x (B, 1, H, W), y (B,), made in this process."""
    return DataLoader(PerSample(images), batch_size, shuffle=True)


def vae_epoch(images, model, optimizer, device) -> None:
    """One pass over a `loader`, `model` a `course_lib.vae.VAE`: cross-entropy of probabilities plus KL, both summed."""
    model.train()
    total = 0.0
    for x, _ in images:
        x = x.to(device)
        optimizer.zero_grad()
        mu, logvar = model.encoder(x)
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        x_hat = torch.sigmoid(model.decoder(z))
        reconstruction = F.binary_cross_entropy(x_hat.view(-1, 784), x.view(-1, 784), reduction="sum")
        kl = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
        loss = reconstruction + kl
        loss.backward()
        total += loss.item()  # waits for the device
        optimizer.step()


def dcgan_epoch(images, generator, discriminator, optimizers, device) -> None:
    """One pass over a `loader`; `optimizers` are those of generator and discriminator, in this order."""
    generator.train(), discriminator.train()
    g_optimizer, d_optimizer = optimizers
    d_total, g_total = 0.0, 0.0
    for x, _ in images:
        x = x.to(device)
        ones, zeros = torch.ones(len(x), device=device), torch.zeros(len(x), device=device)

        discriminator.zero_grad()
        real_loss = F.binary_cross_entropy(torch.sigmoid(discriminator(x)), ones)
        real_loss.backward()
        fake = generator(torch.randn(len(x), generator.latent_dim, device=device))
        fake_loss = F.binary_cross_entropy(torch.sigmoid(discriminator(fake.detach())), zeros)
        fake_loss.backward()
        d_total += real_loss.item() + fake_loss.item()
        d_optimizer.step()

        generator.zero_grad()
        g_loss = F.binary_cross_entropy(torch.sigmoid(discriminator(fake)), ones)
        g_loss.backward()
        g_total += g_loss.item()
        g_optimizer.step()
