"""Nothing that Colab has needs to be moved for the package: its lower bounds admit every pin."""

import tomllib

import books
import pytest
from packaging.requirements import Requirement

COLAB = books.pins("tests/colab/pins.txt") | {"torch": "2.11.0"}
PROJECT = tomllib.loads((books.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.mark.parametrize("requirement", [*map(Requirement, PROJECT["dependencies"])], ids=str)
def test_colab_has_what_the_package_needs(requirement):
    assert requirement.name in COLAB
    assert COLAB[requirement.name] in requirement.specifier


def test_colab_has_a_python_that_the_package_admits():
    assert "3.13" in Requirement(f"python{PROJECT['requires-python']}").specifier
