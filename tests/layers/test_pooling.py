"""Max and average pooling, and their global forms."""

from functools import partial

import numpy as np
import pytest
from conditions import (
    LEVELS,
    assert_close_at_every_level,
    assert_same_bits_for_any_threads,
    level,
    results_and_gradients,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnpy import _core
from gradients import check_gradients
from reference import pooling as reference

# x's shape, pool_size, strides
CASES = [
    ((1, 1, 1, 1), (1, 1), (1, 1)),
    ((2, 4, 6, 3), (2, 2), (2, 2)),
    ((2, 5, 7, 16), (2, 2), (2, 2)),
    ((3, 9, 8, 33), (2, 2), (2, 2)),
    ((1, 7, 7, 70), (3, 3), (2, 2)),
    ((2, 6, 5, 2), (3, 2), (1, 1)),
    ((1, 8, 9, 1), (2, 2), (3, 4)),
    ((2, 5, 6, 4), (2, 3), (3, 1)),
    ((1, 20, 21, 2), (16, 17), (3, 2)),
    ((0, 4, 4, 2), (2, 2), (2, 2)),
]


def arguments(pool_size, strides, padding):
    return {"pool_size": pool_size, "strides": strides, "padding": padding}


def distinct(shape, seed=0):
    """Values far enough apart that finite differences do not change a maximum."""
    size = int(np.prod(shape))
    return (np.random.default_rng(seed).permutation(size) * 0.01 - size * 0.005).reshape(shape)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("name", ["max_pool2d", "average_pool2d"])
def test_equals_the_reference_and_its_gradient(name, padding):
    for shape, pool_size, strides in CASES:
        how = arguments(pool_size, strides, padding)
        op, expected = partial(getattr(_core, name), **how), partial(getattr(reference, name), **how)
        x = distinct(shape)
        assert_close_at_every_level(op, expected, [x])
        if x.size < 300:
            check_gradients(op, [x])


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_shape(data):
    h, w, kh, kw, sh, sw = (data.draw(st.integers(1, 9)) for _ in range(6))
    n, c = data.draw(st.integers(1, 3)), data.draw(st.sampled_from([1, 2, 5, 16, 17, 67]))
    padding = data.draw(st.sampled_from(["valid", "same"])) if kh <= h and kw <= w else "same"
    how = arguments((kh, kw), (sh, sw), padding)
    rng = np.random.default_rng(data.draw(st.integers(0, 9)))
    x = rng.integers(-3, 4, size=(n, h, w, c)).astype("float32")  # full of ties
    for name in LEVELS:
        with level(name):
            y, dx = results_and_gradients(lambda t: _core.max_pool2d(t, **how), [x])
            np.testing.assert_array_equal(y, reference.max_pool2d(x, **how))
            dy = np.random.default_rng(0).normal(size=y.shape).astype("float32")
            expected = reference.max_pool2d_gradient(x.astype("float64"), dy.astype("float64"), **how)
            np.testing.assert_allclose(dx, expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(
        np.asarray(_core.average_pool2d(x, **how)), reference.average_pool2d(x.astype("float64"), **how), atol=1e-6
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("pool_size", [(2, 2), (3, 3), (16, 16)])
def test_nan_and_infinities(dtype, pool_size):
    rng = np.random.default_rng(1)
    how = arguments(pool_size, (2, 2), "same")
    for place in range(20):
        x = rng.normal(size=(1, 16, 16, 19)).astype(dtype)
        for value in (np.nan, np.inf, -np.inf, np.nan):
            for _ in range(1 + place * 6):
                x[0, rng.integers(16), rng.integers(16), rng.integers(19)] = value
        x[0, 8:, 8:, 3] = -np.inf
        y, dx = results_and_gradients(lambda t: _core.max_pool2d(t, **how), [x])
        np.testing.assert_array_equal(y, reference.max_pool2d(x, **how))
        dy = np.random.default_rng(0).normal(size=y.shape).astype(dtype)
        np.testing.assert_allclose(dx, reference.max_pool2d_gradient(x, dy, **how), rtol=1e-5, atol=1e-5)


def test_recorded_and_unrecorded_results_are_the_same():
    for shape, pool_size, strides in CASES:
        x = distinct(shape).astype("float32")
        how = arguments(pool_size, strides, "same")
        recorded = results_and_gradients(lambda t, how=how: _core.max_pool2d(t, **how), [x])[0]
        np.testing.assert_array_equal(np.asarray(_core.max_pool2d(x, **how)), recorded)


@pytest.mark.parametrize("name", ["max_pool2d", "average_pool2d"])
def test_bits_do_not_depend_on_threads(name):
    x = np.random.default_rng(2).normal(size=(5, 33, 31, 40)).astype("float32")
    for pool_size, strides in [((2, 2), (2, 2)), ((3, 3), (2, 2)), ((3, 3), (1, 1)), ((17, 17), (1, 1))]:
        how = arguments(pool_size, strides, "same")
        assert_same_bits_for_any_threads(lambda t, how=how: getattr(_core, name)(t, **how), [x])


@pytest.mark.parametrize("name", ["max_pool2d", "average_pool2d"])
def test_bad_input(name):
    op, x = getattr(_core, name), np.ones((1, 4, 5, 2), "float32")
    with pytest.raises(
        ValueError, match=r"x must have 4 dimensions \(batch, height, width, channels\), got shape \(4, 5, 2\)"
    ):
        op(x[0])
    with pytest.raises(
        ValueError, match=r"pool_size \(5, 5\) does not fit into images of 4 by 5 pixels.*use padding='same'"
    ):
        op(x, pool_size=5)
    with pytest.raises(ValueError, match=r"pool_size must be in \[1, 32767\], got 0"):
        op(x, pool_size=(2, 0))
    with pytest.raises(ValueError, match=r"strides must be in \[1, 32767\], got -1"):
        op(x, strides=(-1, 1))
    with pytest.raises(ValueError, match=r"strides must be one or two integers, got 3"):
        op(x, strides=(1, 1, 1))
    with pytest.raises(ValueError, match=r"padding must be one of 'valid', 'same'"):
        op(x, padding="full")
    with pytest.raises(TypeError, match=r"x must be float32 or float64, got uint8"):
        op(x.astype("uint8"))


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("name", ["global_max_pool2d", "global_average_pool2d"])
def test_global_pooling(name, keepdims):
    op, expected = (
        partial(getattr(_core, name), keepdims=keepdims),
        partial(getattr(reference, name), keepdims=keepdims),
    )
    for shape in [(1, 1, 1, 1), (2, 3, 4, 5), (3, 1, 7, 70), (2, 20, 21, 3), (2, 3, 4, 0), (0, 3, 4, 2)]:
        x = distinct(shape)
        if x.size == 0:
            assert np.asarray(op(x)).shape == ((shape[0], 1, 1, shape[3]) if keepdims else (shape[0], shape[3]))
            continue
        assert_close_at_every_level(op, expected, [x])
        if x.size < 300:
            check_gradients(op, [x])
    assert_same_bits_for_any_threads(op, [distinct((5, 33, 31, 40)).astype("float32")])


def test_global_pooling_of_nan_and_ties():
    x = np.zeros((1, 3, 3, 3), "float32")
    x[0, 1, 2, 1] = np.nan
    y, dx = results_and_gradients(_core.global_max_pool2d, [x])
    np.testing.assert_array_equal(y, [[0, np.nan, 0]])
    assert (dx[0, :, :, 0] != 0).sum() == 1 and dx[0, 0, 0, 0] != 0 and dx[0, 1, 2, 1] != 0
    assert np.isnan(np.asarray(_core.global_average_pool2d(x))[0, 1])


@pytest.mark.parametrize("name", ["global_max_pool2d", "global_average_pool2d"])
def test_bad_input_of_global_pooling(name):
    op = getattr(_core, name)
    with pytest.raises(ValueError, match=r"images must have 1 to 2147483647 pixels, got shape \(2, 0, 3, 4\)"):
        op(np.ones((2, 0, 3, 4), "float32"))
    with pytest.raises(ValueError, match=r"x must have 4 dimensions"):
        op(np.ones((2, 3), "float32"))
