import os
import shutil
import tempfile
from collections import Counter
from pathlib import Path

import pytest
import standin


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    return standin.build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def colab():
    """The stand-in, made anew of links to the files of the environment that is kept, which so stays as it is."""
    pinned = standin.pinned_environment()
    with tempfile.TemporaryDirectory(dir=standin.CACHE) as folder:
        shutil.copytree(pinned, f"{folder}/env", symlinks=True, copy_function=os.link)
        yield standin.Colab(Path(folder))


def pytest_terminal_summary(terminalreporter):
    """How long each part took, what it needed included."""
    seconds = Counter()
    for report in (report for reports in terminalreporter.stats.values() for report in reports):
        if isinstance(report, pytest.TestReport):
            seconds[report.location[2].partition("[")[0]] += report.duration
    for name, total in seconds.items():
        terminalreporter.write_line(f"{total:5.0f} s  {name}")
