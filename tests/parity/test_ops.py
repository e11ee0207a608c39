"""cnnpy.ops against keras.ops: values, shapes and dtypes of a selection."""

import inspect

import numpy as np
import pytest

from cnnpy import ops

keras = pytest.importorskip("keras")

X = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")
CUBE = np.random.default_rng(1).normal(size=(2, 3, 4)).astype("float32")
WHOLE = np.array([[3, -2, 5], [0, 7, -1]], "int32")
IMAGES = np.random.default_rng(2).normal(size=(2, 7, 5, 3)).astype("float32")
KERNEL = np.random.default_rng(3).normal(size=(3, 2, 3, 4)).astype("float32")
VOLUMES = np.random.default_rng(4).normal(size=(2, 4, 5, 3, 3)).astype("float32")
VOLUME_KERNEL = np.random.default_rng(5).normal(size=(2, 3, 1, 3, 4)).astype("float32")
POINTS = np.random.default_rng(6).normal(size=(1, 1, 12, 5)).astype("float32")

CALLS = [
    ("add", (X, WHOLE[0, 0]), {}),
    ("add", (X, 2), {}),
    ("divide", (WHOLE, 2), {}),
    ("floor_divide", (WHOLE, 2), {}),
    ("mod", (WHOLE, -3), {}),
    ("power", (X, 2), {}),
    ("multiply", (WHOLE, X[:2, :3]), {}),
    ("maximum", (X, 0), {}),
    ("greater", (X, 0), {}),
    ("logical_xor", (X > 0, X < 1), {}),
    ("where", (X > 0, X, 0.0), {}),
    ("clip", (X, -0.5, 0.5), {}),
    ("round", (X,), {"decimals": 1}),
    ("sum", (CUBE,), {"axis": (0, 2), "keepdims": True}),
    ("mean", (WHOLE,), {"axis": 0}),
    ("var", (CUBE,), {"axis": -1}),
    ("std", (CUBE,), {}),
    ("max", (X,), {"axis": 0, "initial": 0.3}),
    ("prod", (X,), {"axis": 1}),
    ("any", (X > 1,), {"axis": 0}),
    ("argmax", (CUBE,), {"axis": 1}),
    ("argmin", (CUBE,), {}),
    ("cumsum", (X,), {"axis": 1}),
    ("logsumexp", (CUBE,), {"axis": 1}),
    ("average", (X,), {"axis": 1, "weights": np.abs(X[0])}),
    ("moments", (CUBE,), {"axes": [0, 1]}),
    ("matmul", (CUBE, CUBE.transpose(0, 2, 1)), {}),
    ("dot", (X, X.T), {}),
    ("reshape", (X, (2, -1)), {}),
    ("transpose", (CUBE,), {"axes": (2, 0, 1)}),
    ("moveaxis", (CUBE, 0, -1), {}),
    ("expand_dims", (X, 1), {}),
    ("concatenate", ([X, X],), {"axis": -1}),
    ("stack", ([X, X],), {"axis": 1}),
    ("split", (CUBE, 2), {"axis": 2}),
    ("unstack", (CUBE,), {"axis": 1}),
    ("flip", (CUBE,), {"axis": 1}),
    ("roll", (X, 3), {"axis": 1}),
    ("repeat", (X, 2), {"axis": 0}),
    ("tile", (X, (2, 1)), {}),
    ("pad", (X, ((1, 2), (0, 1))), {"constant_values": 3.0}),
    ("pad", (X, ((1, 2), (0, 1))), {"mode": "reflect"}),
    ("take", (X, [2, 0]), {"axis": 0}),
    ("take_along_axis", (X, np.array([[1], [0], [2]])), {"axis": 1}),
    ("slice", (CUBE, [0, 1, 0], [1, 2, 4]), {}),
    ("top_k", (X, 2), {}),
    ("argsort", (X,), {"axis": 0}),
    ("tril", (CUBE,), {"k": -1}),
    ("arange", (1, 7, 2), {}),
    ("linspace", (0, 1, 5), {}),
    ("one_hot", (np.array([2, 0]), 3), {"axis": 0}),
    ("convert_to_tensor", (3,), {}),
    ("cast", (X, "int32"), {}),
    ("saturate_cast", (X * 200, "uint8"), {}),
    ("relu", (X,), {}),
    ("leaky_relu", (X,), {}),
    ("gelu", (X,), {}),
    ("silu", (X,), {}),
    ("softmax", (X,), {"axis": 0}),
    ("log_softmax", (X,), {}),
    ("conv", (IMAGES, KERNEL), {"strides": (2, 1), "padding": "same"}),
    ("conv", (CUBE, KERNEL[0].transpose(0, 2, 1)), {"dilation_rate": 2, "padding": "same"}),
    ("conv", (VOLUMES, VOLUME_KERNEL), {"strides": 2, "padding": "SAME"}),
    ("conv_transpose", (IMAGES, KERNEL.transpose(0, 1, 3, 2)), {"strides": (2, 3), "padding": "same"}),
    ("conv_transpose", (IMAGES, KERNEL.transpose(0, 1, 3, 2)), {"strides": 3, "output_padding": (2, 1)}),
    ("conv_transpose", (CUBE, KERNEL[0]), {"strides": 4, "output_padding": 1}),
    ("conv_transpose", (VOLUMES, VOLUME_KERNEL.swapaxes(3, 4)), {"strides": (2, 1, 3)}),
    ("depthwise_conv", (IMAGES, KERNEL), {"strides": 2, "padding": "same"}),
    ("depthwise_conv", (IMAGES, KERNEL), {"strides": 2, "dilation_rate": 2, "padding": "same"}),
    ("depthwise_conv", (CUBE, KERNEL[0].transpose(0, 2, 1)), {"data_format": "channels_last"}),
    ("depthwise_conv", (CUBE.swapaxes(1, 2), KERNEL[0].transpose(0, 2, 1)), {"data_format": "channels_first"}),
    ("separable_conv", (IMAGES, KERNEL, POINTS), {"dilation_rate": 2}),
    ("separable_conv", (IMAGES.transpose(0, 3, 1, 2), KERNEL, POINTS), {"data_format": "channels_first"}),
    ("separable_conv", (CUBE, KERNEL[0].transpose(0, 2, 1), POINTS[0]), {"padding": "same"}),
    ("max_pool", (IMAGES, 2), {"padding": "same"}),
    ("average_pool", (IMAGES, (3, 2)), {"strides": 1, "padding": "same"}),
]


@pytest.mark.parametrize("name, args, kwargs", CALLS, ids=[f"{c[0]}-{i}" for i, c in enumerate(CALLS)])
def test_same_as_keras(name, args, kwargs):
    got, expected = getattr(ops, name)(*args, **kwargs), getattr(keras.ops, name)(*args, **kwargs)
    many = isinstance(expected, (list, tuple))
    for a, b in zip(got if many else [got], expected if many else [expected], strict=True):
        b = keras.ops.convert_to_numpy(b)
        assert a.shape == b.shape and a.dtype == b.dtype.name
        np.testing.assert_allclose(np.asarray(a), b, rtol=1e-5, atol=2e-6)


def test_arguments_are_those_of_keras():
    """Each function has Keras's arguments with Keras's defaults, less those that mean nothing here."""
    ours_alone = {"sparse", "ragged", "synchronized"}
    for name in ops.__all__:
        theirs = inspect.signature(getattr(keras.ops, name)).parameters
        expected = [(p.name, p.default) for p in theirs.values() if p.name not in ours_alone]
        got = [(p.name, p.default) for p in inspect.signature(getattr(ops, name)).parameters.values()]
        assert got[: len(expected)] == expected, name
