import os
import runpy
from pathlib import Path

import matplotlib
import pytest
import torch

OFFLINE = Path(__file__).with_name("offline")

matplotlib.use("agg")
torch.set_num_threads(1)  # two threads fight on a busy machine
runpy.run_path(str(OFFLINE / "sitecustomize.py"))
os.environ["PYTHONPATH"] = os.pathsep.join([str(OFFLINE), *filter(None, [os.environ.get("PYTHONPATH")])])


@pytest.fixture(autouse=True, scope="session")
def own_files(tmp_path_factory):
    """No test touches the progress and the trained networks of whoever runs it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COURSE_PROGRESS", str(tmp_path_factory.mktemp("progress") / "progress.json"))
        patch.setenv("COURSE_MODELS", str(tmp_path_factory.mktemp("models")))
        yield
