"""Functions of cnnpy.ops as steps of functional models: open sizes, operators, configs."""

import json

import numpy as np
import pytest

import cnnpy
from cnnpy import ops
from cnnpy.layers.symbolic import find_function

X = np.random.default_rng(0).normal(size=(5, 4, 4)).astype("float32")

# The step, and the shape for an open batch.
STEPS = {
    "einsum": (lambda x: ops.einsum("bij,bkj->bik", x, x), (None, 4, 4)),
    "tensordot": (lambda x: ops.tensordot(x, np.ones((4, 2), "float32"), 1), (None, 4, 2)),
    "inv": (lambda x: ops.inv(x + 9 * np.eye(4, dtype="float32")), (None, 4, 4)),
    "inv of itself": (lambda x: ops.det(ops.inv(x)), (None,)),
    "slogdet": (lambda x: ops.slogdet(x)[1], (None,)),
    "svd": (lambda x: ops.svd(x, compute_uv=False), (None, 4)),
    "cholesky": (
        lambda x: ops.cholesky(ops.matmul(x, ops.swapaxes(x, 1, 2)) + np.eye(4, dtype="float32")),
        (None, 4, 4),
    ),
    "quantile": (lambda x: ops.quantile(x, [0.1, 0.5], axis=(1, 2)), (2, None)),
    "cumprod": (lambda x: ops.cumprod(x, axis=0), (None, 4, 4)),
    "sort": (lambda x: ops.sort(x, axis=-1), (None, 4, 4)),
    "top_k": (lambda x: ops.top_k(x, 2)[1], (None, 4, 2)),
    "get_item": (lambda x: ops.get_item(x, (slice(None), slice(1, 3), -1)), (None, 2)),
    "select": (lambda x: ops.select([x > 1, x > 0], [x, -x], 0.5), (None, 4, 4)),
    "where": (lambda x: ops.where(x > 0, x, 0.0), (None, 4, 4)),
    "meshgrid": (lambda x: ops.meshgrid(x[:, 0, 0], np.float32([1, 2]))[1], (2, None)),
    "norm": (lambda x: ops.norm(x, axis=(1, 2)), (None,)),
    "diagonal": (lambda x: ops.diagonal(x, axis1=1, axis2=2), (None, 4)),
    "map": (lambda x: ops.map(ops.sum, x), (None,)),
    "fori_loop": (lambda x: ops.fori_loop(0, 3, lambda i, y: y * 2, x), (None, 4, 4)),
    "stack of many": (lambda x: ops.dstack(ops.split(x, 2, axis=1)), (None, 2, 8)),
    "operators": (lambda x: ((x // 2 + x % 3) * ops.round(x, 1)).squeeze(), None),
    "logic": (lambda x: ops.cast(((x > 0) & (x < 1)) | ~(x != 0) ^ (x > 2), "float32"), (None, 4, 4)),
    "image blocks": (lambda x: ops.space_to_depth(ops.expand_dims(x, -1), 2), (None, 2, 2, 4)),
}


@pytest.mark.parametrize("step, shape", STEPS.values(), ids=STEPS)
def test_open_batch(step, shape):
    x = cnnpy.Input((4, 4))
    y = step(x)
    assert shape is None or y.shape == shape
    got = cnnpy.Model(x, y)(X)
    np.testing.assert_allclose(got, step(cnnpy.Tensor(X)), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", sorted(set(STEPS) - {"map", "fori_loop"}))
def test_config_makes_the_same_model(name):
    x = cnnpy.Input((4, 4))
    model = cnnpy.Model(x, STEPS[name][0](x))
    again = type(model).from_config(json.loads(json.dumps(model.get_config())))
    np.testing.assert_array_equal(model(X), again(X))


def test_rounding_of_a_symbolic_tensor():
    x = cnnpy.Input((4, 4))
    np.testing.assert_array_equal(cnnpy.Model(x, round(x, 1))(X), ops.round(X, 1))


def test_segments_of_an_open_number():
    data, ids = cnnpy.Input((3,)), cnnpy.Input((), dtype="int32")
    y = ops.segment_sum(data, ids)
    assert y.shape == (None, 3)
    got = cnnpy.Model([data, ids], y)([np.ones((4, 3), "float32"), np.int32([0, 2, 2, 0])])
    np.testing.assert_array_equal(got, [[2] * 3, [0] * 3, [2] * 3])


def test_a_function_that_moved_to_another_file_is_found():
    """Files name the file of a function, too."""
    assert find_function("cnnpy.ops.rearrange.concatenate") is find_function("cnnpy.ops.joining.concatenate")
    assert find_function("cnnpy.ops.einsum.einsum")(",->", 2.0, 3.0).item() == 6
    with pytest.raises(ValueError, match=r"no function .*nonsense"):
        find_function("cnnpy.ops.core.nonsense")


def test_training_through_compositions():
    """A custom loss of the functions trains a layer."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(64, 3)).astype("float32")
    y = x @ np.float32([[1], [-2], [0.5]])

    def loss(target, output):
        error = ops.abs(target - output)
        return ops.logsumexp(ops.sort(error, axis=0), axis=-1) + ops.median(error) + ops.norm(error, axis=-1)

    cnnpy.utils.set_random_seed(0)
    model = cnnpy.Sequential([cnnpy.Input((3,)), cnnpy.layers.Dense(1)])
    model.compile("sgd", loss)
    history = model.fit(x, y, epochs=20, batch_size=16, verbose=0).history["loss"]
    assert history[-1] < 0.8 * history[0]
