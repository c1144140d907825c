"""What pytest runs first in the stand-in: are these Colab's versions, and the installed package?"""

import sys
from pathlib import Path

import IPython
import ipywidgets

import course_lib
from course_lib import data


def test_widgets_are_those_of_colab():
    assert (ipywidgets.__version__, IPython.__version__) == ("7.7.1", "7.34.0")


def test_package_is_the_installed_one():
    assert Path(course_lib.__file__).is_relative_to(sys.prefix)


def test_only_shipped_data_are_at_hand():
    assert [name for name in data.names() if data.available(name)] == ["digits", "census_names"]
