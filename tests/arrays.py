"""Arrays of every dtype for the tests of the general ops, and a comparison with NumPy's result."""

import numpy as np

DTYPES = ["bool", "uint8", "int32", "int64", "float32", "float64"]
FLOATS = ["float32", "float64"]
INTEGERS = ["uint8", "int32", "int64"]


def make(shape, dtype, seed=0):
    """Random values: reals are normal, integers small, about half of the bools true."""
    rng = np.random.default_rng([seed, *shape])
    if dtype == "bool":
        return np.asarray(rng.random(shape) > 0.5)
    if dtype == "uint8":
        return np.asarray(rng.integers(0, 256, shape)).astype(dtype)
    if dtype.startswith("int"):
        return np.asarray(rng.integers(-50, 50, shape)).astype(dtype)
    return np.asarray(rng.normal(size=shape)).astype(dtype)


def same(got, expected, rtol=None, dtype=None, message=""):
    """GOT, a Tensor, has the shape of EXPECTED, the dtype DTYPE (else that of EXPECTED), and its values."""
    assert got.shape == expected.shape, f"{message}: shape {got.shape}, not {expected.shape}"
    assert got.dtype == str(dtype or expected.dtype), f"{message}: dtype {got.dtype}, not {dtype or expected.dtype}"
    if rtol is None:
        rtol = {"float32": 1e-6, "float64": 1e-14}.get(got.dtype, 0)
    np.testing.assert_allclose(np.asarray(got), expected, rtol=rtol, atol=rtol, err_msg=message)
