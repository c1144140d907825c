"""Write data/digits.npz from scikit-learn's copy of the UCI handwritten digits. Run once; prints the checksum."""

import hashlib
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

SPLIT_SEED = 0


def main():
    bunch = load_digits()
    x, y = bunch.images.astype(np.uint8), bunch.target.astype(np.uint8)  # (1797, 8, 8) in 0..16
    _, test = train_test_split(np.arange(len(y)), test_size=359, stratify=y, random_state=SPLIT_SEED)
    is_test = np.isin(np.arange(len(y)), test)
    np.savez_compressed(Path("data/digits.npz"), x=x, y=y, is_test=is_test)
    print("sha256:" + hashlib.sha256(x.tobytes() + y.tobytes() + is_test.tobytes()).hexdigest())


if __name__ == "__main__":
    main()
