"""Nothing that Colab has needs to be moved for the package: its lower bounds admit every pin."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PINS = (Path(__file__).parent / "colab" / "pins.txt").read_text()
PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def colab():
    """Canonical name -> version."""
    pairs = re.findall(r"(?m)^([\w-]+)==(\S+)$", PINS)
    return {canonicalize_name(name): version for name, version in pairs} | {"torch": "2.11.0"}


@pytest.mark.parametrize("requirement", [*map(Requirement, PROJECT["dependencies"])], ids=str)
def test_colab_has_what_the_package_needs(requirement):
    assert requirement.name in colab()
    assert colab()[requirement.name] in requirement.specifier


def test_colab_has_a_python_that_the_package_admits():
    assert "3.13" in Requirement(f"python{PROJECT['requires-python']}").specifier
