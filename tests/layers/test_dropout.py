"""Dropout."""

from functools import partial

import numpy as np
import pytest
from conditions import assert_close_at_every_level, assert_same_bits_for_any_threads, results_and_gradients

from cnnpy import _core
from gradients import check_gradients
from reference.dropout import dropout, philox

CASES = [
    ((), ()),
    ((1,), ()),
    ((3,), ()),
    ((0, 4), ()),
    ((7, 301), ()),
    ((5, 6), (5, 1)),
    ((5, 67), (1, 67)),
    ((5, 67), (1, -1)),
    ((5, 67), (1, 1)),
    ((2, 3, 4, 7), (2, 1, 1, 7)),
    ((2, 3, 4, 130), (-1, 3, 1, 130)),
    ((2, 3, 4, 5), (1, 3, 4, 1)),
    ((2, 1, 1, 5), (2, 1, 1, 5)),
]


def test_philox_known_answers():
    """The vectors that Random123 publishes for philox4x32-10."""
    assert [f"{w:08x}" for w in philox(0, 0, [0])[0]] == ["6627e8d5", "e169c58d", "bc57ac4c", "9b00dbd8"]
    ones = 2**64 - 1
    assert [f"{w:08x}" for w in philox(ones, ones, [ones])[0]] == ["408f276d", "41c83b0e", "a20bc7c6", "6d5451fd"]


@pytest.mark.parametrize("rate", [0.0, 0.3, 0.5, 0.99, 1.0])
@pytest.mark.parametrize("shape,noise_shape", CASES)
def test_equals_the_reference(shape, noise_shape, rate):
    x = np.random.default_rng(0).normal(size=shape)
    how = {"rate": rate, "seed": 2**63 + 12345, "offset": 2**40 + 7, "noise_shape": noise_shape}
    assert_close_at_every_level(partial(_core.dropout, **how), partial(dropout, **how), [x])
    if x.size < 400:
        check_gradients(partial(_core.dropout, **how), [x])


def test_the_fraction_and_the_mean():
    x = np.ones(1_000_000, "float32")
    for rate in (0.1, 0.5, 0.8):
        y = np.asarray(_core.dropout(x, rate=rate, seed=3, offset=1))
        assert abs((y == 0).mean() - rate) < 0.002
        assert abs(y.mean() - 1) < 0.01


def test_offsets_and_seeds_give_other_noise():
    x = np.ones(10_000, "float32")
    kept = [
        np.asarray(_core.dropout(x, rate=0.5, seed=seed, offset=offset)) > 0
        for seed, offset in [(0, 0), (0, 1), (1, 0), (1, 1), (2**32, 0), (0, 2**32)]
    ]
    for i, a in enumerate(kept):
        for b in kept[:i]:
            assert 0.45 < (a == b).mean() < 0.55
    np.testing.assert_array_equal(np.asarray(_core.dropout(x, rate=0.5, seed=0, offset=0)) > 0, kept[0])


def test_the_gradient_has_the_same_noise():
    x = np.ones((40, 33), "float32")
    y, dx = results_and_gradients(partial(_core.dropout, rate=0.4, seed=1, offset=2), [x])
    np.testing.assert_array_equal(y == 0, dx == 0)


def test_what_is_dropped_is_zero_even_if_it_was_nan():
    x = np.full(1000, np.nan, "float32")
    y = np.asarray(_core.dropout(x, rate=0.5, seed=1, offset=0))
    assert np.isnan(y).any() and (y == 0).any() and (np.isnan(y) | (y == 0)).all()


def test_bits_do_not_depend_on_threads():
    x = np.random.default_rng(1).normal(size=(101, 1003)).astype("float32")
    assert_same_bits_for_any_threads(partial(_core.dropout, rate=0.5, seed=5, offset=6), [x])
    assert_same_bits_for_any_threads(partial(_core.dropout, rate=0.5, seed=5, offset=6, noise_shape=(1, 1003)), [x])


def test_bad_input():
    x = np.ones((2, 3), "float32")
    for rate in (-0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match=r"rate is the fraction to drop and must be in \[0, 1\]"):
            _core.dropout(x, rate=rate)
    with pytest.raises(ValueError, match=r"noise_shape has 1 entries but x has shape \(2, 3\)"):
        _core.dropout(x, rate=0.5, noise_shape=(2,))
    with pytest.raises(ValueError, match=r"noise_shape\[1\] is 2; it must be 1, or 3 \(or -1\)"):
        _core.dropout(x, rate=0.5, noise_shape=(2, 2))
    with pytest.raises(TypeError, match=r"x must be float32 or float64, got int32"):
        _core.dropout(x.astype("int32"), rate=0.5)
