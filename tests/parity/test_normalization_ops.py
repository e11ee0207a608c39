"""keras.ops' normalisation against cnnpy.ops'."""

import os

import numpy as np
import pytest

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
keras = pytest.importorskip("keras")

import cnnpy  # noqa: E402

RNG = np.random.default_rng(0)
X = RNG.normal(size=(2, 3, 4)).astype("float32")
ROWS = np.abs(RNG.normal(size=(4, 4))).astype("float32") + 0.1
CALLS = {
    "batch": lambda ops: ops.batch_normalization(X, ROWS[0], ROWS[1], -1),
    "batch, all": lambda ops: ops.batch_normalization(X, ROWS[0, :3], ROWS[1, :3], 1, ROWS[2, :3], ROWS[3, :3], 0.1),
    "layer": lambda ops: ops.layer_normalization(X),
    "layer, all": lambda ops: ops.layer_normalization(X, ROWS[0], ROWS[1], -1, 0.1),
    "layer, axis": lambda ops: ops.layer_normalization(X, ROWS[0, :3], ROWS[1, :3], 1),
    "layer, axes": lambda ops: ops.layer_normalization(X, X[0], X[1], [1, 2]),
    "layer, rms": lambda ops: ops.layer_normalization(X, ROWS[0], axis=-1, rms_scaling=True),
    "rms": lambda ops: ops.rms_normalization(X),
    "rms, all": lambda ops: ops.rms_normalization(X, ROWS[0], -1, 0.1),
    "rms, axes": lambda ops: ops.rms_normalization(X, X[0], (1, 2)),
    "unit": lambda ops: ops.normalize(X),
    "unit, axes": lambda ops: ops.normalize(X, axis=(0, 2)),
    "unit, all": lambda ops: ops.normalize(X, axis=None),
    "order 1": lambda ops: ops.normalize(X, axis=1, order=1),
    "order 3": lambda ops: ops.normalize(X, order=3, epsilon=0.1),
    "unit, zeros": lambda ops: ops.normalize(0 * X),
    "moments": lambda ops: ops.moments(X, [0, 2])[1],
}


@pytest.mark.filterwarnings("ignore:You passed `rms_scaling", "ignore:rms_scaling")
@pytest.mark.parametrize("name", CALLS)
def test_values(name):
    got, expected = (np.asarray(CALLS[name](library.ops)) for library in (cnnpy, keras))
    assert got.dtype == expected.dtype
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)
