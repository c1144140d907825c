"""Train the VAE 784-400-20 on images of 28×28, alone or in processes that share the work.

python examples/train_vae.py
torchrun --nproc-per-node 2 examples/train_vae.py --resume
"""

import argparse

from course_lib.data import Batches, available, load
from course_lib.processes import joined
from course_lib.runtime import device, place, seed_everything
from course_lib.training import Player, train
from course_lib.vae import VAE, mean_loss, negative_elbo

SETS = ("mnist", "digits", "fashion_mnist")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=10, help="passes over the data in all (10)")
    parser.add_argument("--batch-size", type=int, default=128, help="images a step, in each process (128)")
    parser.add_argument("--lr", type=float, default=1e-3, help="learning rate (0.001)")
    parser.add_argument("--data", choices=SETS, help="default: mnist if it is on this machine, else digits")
    parser.add_argument("--seed", type=int, default=0, help="of weights, order and noise (0)")
    parser.add_argument("--checkpoint", default="scratch/train_vae.pt", help="file (scratch/train_vae.pt)")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint if there is one")
    return parser.parse_args()


def main() -> None:
    chosen = arguments()
    data = chosen.data or ("mnist" if available("mnist") else "digits")
    with joined() as wrap:
        rank, world = place()
        seed_everything(chosen.seed * world + rank)  # noise of its own; the weights will be those of process 0
        model = VAE().to(device())
        player = Player("vae", model, negative_elbo, lr=chosen.lr)
        batches = Batches(load(data), chosen.batch_size, device(), seed=chosen.seed)
        history = train(player, batches, chosen.epochs, checkpoint=chosen.checkpoint, resume=chosen.resume, wrap=wrap)
        if rank == 0:
            loss = mean_loss(model, load(data, "test").batch(device()).x)
            print(f"{data}: test loss {loss:.2f} nats after {len(history)} epochs")


if __name__ == "__main__":
    main()
