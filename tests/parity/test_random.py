"""cnnpy.random, dtype_policies and backend.result_type have Keras's names, arguments and promotions."""

import inspect
import itertools

import pytest

import cnnpy

keras = pytest.importorskip("keras")


@pytest.mark.parametrize("module", ["random", "dtype_policies"])
def test_names_and_arguments(module):
    theirs, ours = getattr(keras, module), getattr(cnnpy, module)
    for name in dir(theirs):
        if name.startswith("_"):
            continue
        try:
            function = getattr(ours, name)
        except AttributeError as error:
            assert "is not offered: " in str(error)
            continue
        expected = list(inspect.signature(getattr(theirs, name)).parameters.values())
        got = list(inspect.signature(function).parameters.values())
        assert [(p.name, p.default) for p in got] == [(p.name, p.default) for p in expected], name


def test_result_type():
    dtypes = ["bool", "uint8", "int32", "int64", "float32", "float64", int, float, bool]
    for count in (1, 2, 3):
        for chosen in itertools.product(dtypes, repeat=count):
            assert cnnpy.backend.result_type(*chosen) == keras.backend.result_type(*chosen), chosen
