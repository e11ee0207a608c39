"""Imports of Keras 2, and names that are not offered."""

import importlib
import sys

import pytest

import cnnpy
from cnnpy.utils import deprecation, old_paths


@pytest.fixture(autouse=True)
def warnings_start_anew(monkeypatch):
    monkeypatch.setattr(deprecation, "_said", set())


@pytest.mark.parametrize(
    "statement, same",
    [
        ("from cnnpy.layers.convolutional import Conv2D as x", "cnnpy.layers.Conv2D"),
        ("from cnnpy.layers.advanced_activations import LeakyReLU as x", "cnnpy.layers.LeakyReLU"),
        ("from cnnpy.layers.core import Dropout as x", "cnnpy.layers.Dropout"),
        ("from cnnpy.layers.normalization import BatchNormalization as x", "cnnpy.layers.BatchNormalization"),
        ("from cnnpy.layers.merge import concatenate as x", "cnnpy.layers.concatenate"),
        ("from cnnpy.utils.np_utils import to_categorical as x", "cnnpy.utils.to_categorical"),
        ("import cnnpy.utils.np_utils as u; x = u.to_categorical", "cnnpy.utils.to_categorical"),
        ("from cnnpy.utils import np_utils; x = np_utils.to_categorical", "cnnpy.utils.to_categorical"),
        ("import cnnpy.layers; x = cnnpy.layers.merge.Add", "cnnpy.layers.Add"),
        ("from cnnpy.engine.topology import Layer as x", "cnnpy.layers.Layer"),
        ("from cnnpy.engine.training import Model as x", "cnnpy.models.Model"),
    ],
)
def test_old_imports_work_with_one_warning(statement, same):
    scope = {"cnnpy": cnnpy}
    with pytest.warns(DeprecationWarning, match=r"Keras 2.* import .* from cnnpy") as found:
        exec(statement, scope)
        exec(statement, scope)
    assert len(found) == 1
    assert scope["x"] is eval(same)


def test_old_modules_lead_to_modules_that_exist():
    for name, home in old_paths.OLD_PATHS.items():
        importlib.import_module(home)
        assert importlib.import_module(name) is sys.modules[name]


@pytest.mark.parametrize(
    "statement, message",
    [
        ("from cnnpy.layers import LSTM", r"cnnpy.layers.LSTM is not offered: .* has no recurrent layers"),
        ("from cnnpy.layers.recurrent import GRU", r"cnnpy.layers.GRU is not offered: .* has no recurrent layers"),
        ("from cnnpy.layers import Attention", r"cnnpy.layers.Attention is not offered: .* has no attention layers"),
        ("from cnnpy.layers import Conv2d", r"cnnpy.layers has no 'Conv2d'. Did you mean 'Conv2D'\?"),
        ("from cnnpy import distribution", r"cnnpy.distribution is not offered: there is one device"),
        ("from cnnpy.utils import FeatureSpace", r"cnnpy.utils.FeatureSpace is not offered: it is not in this version"),
        ("from cnnpy.utils import to_categorial", r"no 'to_categorial'. Did you mean 'to_categorical'\?"),
    ],
)
def test_an_import_of_what_is_not_there_says_why(statement, message):
    with pytest.raises(ImportError, match=message):
        exec(statement, {})


def test_attributes_that_are_not_there_say_why():
    assert not hasattr(cnnpy.layers, "LSTM") and not hasattr(cnnpy, "modls")
    with pytest.raises(AttributeError, match="has no recurrent layers"):
        cnnpy.layers.LSTM  # noqa: B018
    with pytest.raises(AttributeError, match=r"cnnpy has no 'modls'. Did you mean 'models'\?"):
        cnnpy.modls  # noqa: B018
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("cnnpy.layers.nothing")
