"""What a library will drop is an error in these tests, however the library says so."""

import warnings

import ipywidgets
import matplotlib
import numpy as np
import pytest
import torch


@pytest.mark.parametrize(
    "kind",
    [
        DeprecationWarning,
        PendingDeprecationWarning,
        FutureWarning,
        np.exceptions.VisibleDeprecationWarning,
        matplotlib.MatplotlibDeprecationWarning,
    ],
)
def test_warnings_of_these_kinds_are_errors(kind):
    with pytest.raises(kind):
        warnings.warn("gone in the next version", kind, stacklevel=2)


def test_torch_says_it_in_words():
    with pytest.raises(UserWarning, match="deprecated"):
        warnings.warn("torch.this is deprecated, use torch.that", UserWarning, stacklevel=2)


def test_other_warnings_are_no_errors():
    with pytest.warns(UserWarning, match="slow"):
        warnings.warn("this will be slow", UserWarning, stacklevel=2)


DROPPED = {
    "numpy": lambda: np.trapz([1.0, 2.0]),  # noqa: NPY201
    "torch": lambda: torch.cuda.amp.autocast(enabled=False),
    "matplotlib": lambda: matplotlib.cm.get_cmap("viridis"),
    "ipywidgets": lambda: ipywidgets.Widget.widgets,
}


@pytest.mark.parametrize("name", DROPPED)
def test_a_call_that_a_library_drops_does_not_pass(name):
    with pytest.raises((Warning, AttributeError), match=r"(?i)deprecat|removed|no attribute"):
        DROPPED[name]()
