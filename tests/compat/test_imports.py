"""Imports of Keras's modules, new and old, lead to cnnpy's own after `install`, and nowhere else."""

import importlib
import subprocess
import sys
import types
import warnings

import pytest

import cnnpy
from cnnpy import compat


@pytest.mark.parametrize(
    "statement, same",
    [
        ("import keras; x = keras.layers", "cnnpy.layers"),
        ("import keras.layers as x", "cnnpy.layers"),
        ("from keras import layers as x", "cnnpy.layers"),
        ("from keras.layers import Conv2D as x", "cnnpy.layers.Conv2D"),
        ("from keras.models import Model as x", "cnnpy.Model"),
        ("from keras import Input as x", "cnnpy.Input"),
        ("from keras.datasets import cifar10 as x", "cnnpy.datasets.cifar10"),
        ("import keras.datasets.mnist; x = keras.datasets.mnist", "cnnpy.datasets.mnist"),
        ("from keras.applications.resnet50 import ResNet50 as x", "cnnpy.applications.resnet50.ResNet50"),
        ("from keras.optimizers.schedules import ExponentialDecay as x", "cnnpy.optimizers.schedules.ExponentialDecay"),
        ("from keras.optimizers import SGD as x", "cnnpy.optimizers.SGD"),
        ("from keras import backend as K; x = K.epsilon", "cnnpy.backend.epsilon"),
        ("from tf_keras.layers import Dense as x", "cnnpy.layers.Dense"),
        ("import tf_keras; import keras; assert keras is tf_keras; x = keras.Model", "cnnpy.Model"),
        ("import tensorflow as tf; x = tf.keras.layers.Conv2D", "cnnpy.layers.Conv2D"),
        ("import tensorflow.keras.layers as x", "cnnpy.layers"),
        ("from tensorflow import keras; x = keras.Model", "cnnpy.Model"),
        ("from tensorflow.keras.models import Sequential as x", "cnnpy.Sequential"),
        ("import tensorflow.keras as a, keras as b; assert a is b; x = a.Model", "cnnpy.Model"),
        ("import tensorflow as tf; x = tf.GradientTape", "cnnpy.GradientTape"),
        ("import tensorflow as tf; x = tf.optimizers.Adam", "cnnpy.optimizers.Adam"),
        ("from keras.layers.core import Dense as x", "cnnpy.layers.Dense"),
    ],
)
def test_an_import_gives_the_same_object(installed, statement, same):
    scope = {}
    exec(statement, scope)
    assert scope["x"] is eval(same)


@pytest.mark.parametrize(
    "statement, same",
    [
        ("from keras.layers.convolutional import Conv2D as x", "cnnpy.layers.Conv2D"),
        ("from keras.layers.core import Dropout as x", "cnnpy.layers.Dropout"),
        ("from keras.utils import np_utils; x = np_utils.to_categorical", "cnnpy.utils.to_categorical"),
        ("from keras.engine.topology import Layer as x", "cnnpy.layers.Layer"),
        ("from keras.layers.experimental.preprocessing import Rescaling as x", "cnnpy.layers.Rescaling"),
        ("from keras.layers.experimental import preprocessing as p; x = p.Resizing", "cnnpy.layers.Resizing"),
        ("from keras.backend import tensorflow_backend as K; x = K.epsilon", "cnnpy.backend.epsilon"),
    ],
)
def test_old_paths_work_with_one_warning(installed, statement, same):
    scope = {}
    with pytest.warns(DeprecationWarning, match="Keras 2") as found:
        exec(statement, scope)
        exec(statement, scope)
    assert len(found) == 1 and scope["x"] is eval(same)


def test_all_modules_of_cnnpy_keep_their_names(installed):
    import keras.layers.convolution
    import keras.utils.naming  # noqa: F401

    assert sys.modules["keras.layers"] is cnnpy.layers
    for module in (cnnpy.layers, cnnpy.utils, sys.modules["cnnpy.layers.convolution"]):
        assert module.__name__.startswith("cnnpy.") and module.__spec__.name == module.__name__
    assert importlib.reload(sys.modules["keras.layers"]) is cnnpy.layers


def test_the_version_is_keras_s_and_says_who_answers(installed):
    import keras

    major, minor = keras.__version__.split(".")[:2]
    assert int(major) == 3 and int(minor) >= 10 and keras.__version__.endswith(f"+cnnpy.{cnnpy.__version__}")
    assert keras.version() == keras.__version__ and cnnpy.version() == cnnpy.__version__
    assert "layers" in dir(keras) and keras.__name__ == "keras"


@pytest.mark.parametrize(
    "statement, message",
    [
        ("from keras.layers import LSTM", "has no recurrent layers"),
        ("from keras import distribution", "there is one device"),
        ("from keras import modls", r"Did you mean 'models'\?"),
        ("import keras.src.layers", "keras.src is not offered by cnnpy.compat: it is Keras's inside"),
        ("from tf_keras.src import layers", "tf_keras.src is not offered .* import from keras itself"),
        ("from keras.wrappers.scikit_learn import KerasClassifier", "not wrapped for scikit-learn"),
        ("from tensorflow.python.keras.layers import Dense", "TensorFlow's inside; import from tensorflow.keras"),
        ("import tensorflow.compat.v1 as tf", "no sessions and graphs"),
        ("from tensorflow import reduce_mean", r"tensorflow.reduce_mean is not emulated .* Use keras.ops.mean"),
        ("import keras.nothing", "No module named 'keras.nothing'"),
    ],
)
def test_an_import_of_what_is_not_there_says_why(installed, statement, message):
    with pytest.raises(ImportError, match=message):
        exec(statement, {})


def test_attributes_that_are_not_there_say_why(installed):
    import keras

    assert not hasattr(keras, "modls")
    with pytest.raises(AttributeError, match="there is one device"):
        keras.distribution  # noqa: B018


def test_what_is_not_emulated_of_tensorflow_fails_by_its_name(installed):
    import tensorflow as tf

    assert tf.__version__.split(".")[:2] == ["2", "16"] and "cnnpy" in tf.__version__
    assert isinstance(cnnpy.array([1.0]), tf.Tensor) and "GradientTape" in dir(tf)
    with pytest.raises(AttributeError, match=r"tensorflow.distribute is not emulated by cnnpy.compat\.$"):
        tf.distribute  # noqa: B018
    with pytest.raises(AttributeError, match=r"tensorflow.data is not emulated .* Use cnnpy.data$"):
        tf.data  # noqa: B018
    assert compat.emulated() == {"tensorflow": ["Tensor"]}


def test_nothing_changes_on_plain_import():
    program = (
        "import sys, cnnpy, cnnpy.compat, cnnpy.layers; "
        "assert not [n for n in sys.modules if n.partition('.')[0] in ('keras', 'tensorflow', 'tf_keras')]; "
        "assert not cnnpy.compat.installed()"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_install_and_uninstall(clean):
    paths = list(sys.meta_path)
    compat.install()
    compat.install()
    assert compat.installed() and len(sys.meta_path) == len(paths) + 1
    import keras.layers

    compat.uninstall()
    compat.uninstall()
    assert not compat.installed() and sys.meta_path == paths
    assert not [name for name in sys.modules if name.startswith("keras")]
    assert keras.layers is cnnpy.layers  # what the program holds goes on working


@pytest.mark.parametrize("name", ["keras", "tensorflow", "tf_keras"])
def test_who_was_there_before_is_not_mixed_with(clean, monkeypatch, name):
    other = types.ModuleType(name)
    other.__file__ = "/elsewhere/__init__.py"
    monkeypatch.setitem(sys.modules, name, other)
    with pytest.raises(RuntimeError, match=f"{name} was imported before, from /elsewhere.* new process"):
        compat.install()
    assert not compat.installed() and sys.modules[name] is other


def test_the_ipython_extension(clean):
    compat.load_ipython_extension(None)
    assert compat.installed()
    compat.unload_ipython_extension(None)
    assert not compat.installed()


def test_what_was_emulated_is_told(installed):
    assert compat.emulated() == {}
    from keras.layers import Dense  # noqa: F401

    assert compat.emulated() == {"keras": [], "keras.layers": []}


def test_tensorboard_goes_without_tensorflow(installed, tmp_path):
    pytest.importorskip("tensorboard")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from tensorboard.compat import tf
    assert tf.io.gfile and "tensorflow" not in sys.modules
