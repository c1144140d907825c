import matplotlib
import pytest
import torch

matplotlib.use("agg")
torch.set_num_threads(1)  # two threads fight on a busy machine


@pytest.fixture(autouse=True, scope="session")
def own_progress(tmp_path_factory):
    """No test touches the progress of whoever runs it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COURSE_PROGRESS", str(tmp_path_factory.mktemp("progress") / "progress.json"))
        yield
