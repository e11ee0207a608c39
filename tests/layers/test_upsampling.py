"""Up-sampling, nearest and bilinear."""

from functools import partial

import numpy as np
import pytest
from conditions import assert_close_at_every_level, assert_same_bits_for_any_threads
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnpy import _core
from gradients import check_gradients
from reference.resampling import upsample2d

MODES = ["nearest", "bilinear"]
CASES = [
    ((1, 1, 1, 1), (2, 2)),
    ((1, 1, 1, 3), (3, 4)),
    ((2, 3, 4, 2), (1, 1)),
    ((2, 3, 4, 2), (2, 2)),
    ((1, 5, 2, 17), (3, 1)),
    ((1, 2, 3, 1), (1, 5)),
    ((2, 7, 7, 64), (2, 2)),
    ((0, 2, 2, 2), (2, 2)),
    ((1, 0, 2, 2), (2, 2)),
]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("shape,size", CASES)
def test_equals_the_reference(shape, size, mode):
    x = np.random.default_rng(0).normal(size=shape)
    how = {"size": size, "interpolation": mode}
    assert_close_at_every_level(partial(_core.upsample2d, **how), partial(upsample2d, **how), [x])
    if x.size < 200:
        check_gradients(partial(_core.upsample2d, **how), [x])


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 7), st.integers(1, 7), st.integers(1, 6), st.integers(1, 6), st.sampled_from(MODES))
def test_any_size(h, w, scale_h, scale_w, mode):
    x = np.random.default_rng(h * 7 + w).normal(size=(2, h, w, 3))
    how = {"size": (scale_h, scale_w), "interpolation": mode}
    np.testing.assert_allclose(np.asarray(_core.upsample2d(x, **how)), upsample2d(x, **how), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("mode", MODES)
def test_bits_do_not_depend_on_threads(mode):
    x = np.random.default_rng(1).normal(size=(5, 13, 14, 33)).astype("float32")
    for size in [(2, 2), (3, 2)]:
        assert_same_bits_for_any_threads(partial(_core.upsample2d, size=size, interpolation=mode), [x])


@pytest.mark.parametrize("mode", MODES)
def test_nan_reaches_only_its_neighbours(mode):
    x = np.zeros((1, 5, 5, 2), "float32")
    x[0, 2, 2, 1] = np.nan
    y = np.asarray(_core.upsample2d(x, size=2, interpolation=mode))
    assert np.isnan(y[0, 4:6, 4:6, 1]).all() and not np.isnan(y[..., 0]).any() and not np.isnan(y[0, :3]).any()


def test_bad_input():
    x = np.ones((1, 2, 3, 4), "float32")
    with pytest.raises(
        ValueError, match=r"x must have 4 dimensions \(batch, height, width, channels\), got shape \(2, 3, 4\)"
    ):
        _core.upsample2d(x[0])
    with pytest.raises(ValueError, match=r"size must be in \[1, 32767\], got 0"):
        _core.upsample2d(x, size=(2, 0))
    with pytest.raises(ValueError, match=r"size must be one or two integers, got 3"):
        _core.upsample2d(x, size=(2, 2, 2))
    with pytest.raises(ValueError, match=r"interpolation must be one of 'nearest', 'bilinear'"):
        _core.upsample2d(x, interpolation="bicubic")
    with pytest.raises(TypeError, match=r"x must be float32 or float64, got bool"):
        _core.upsample2d(x > 0)
