"""The gradient harness: every differentiable op is checked in float64 against finite differences."""

import numpy as np
from conditions import assert_close_at_every_level

import cnnpy


def numeric_gradient(function, arrays, index, weights, step):
    """Central differences of sum(weights * function(arrays)) with respect to arrays[index]."""
    arrays = [np.array(a, order="C") for a in arrays]
    target = arrays[index].reshape(-1)
    gradient = np.empty(target.size)
    for i in range(target.size):
        kept = target[i]
        sums = []
        for x in (kept + step, kept - step):
            target[i] = x
            outputs = function(*[cnnpy.Tensor(a) for a in arrays])
            outputs = outputs if isinstance(outputs, (tuple, list)) else [outputs]
            sums.append(sum(float((np.asarray(y) * w).sum()) for y, w in zip(outputs, weights) if w is not None))
        target[i] = kept
        gradient[i] = (sums[0] - sums[1]) / (2 * step)
    return gradient.reshape(arrays[index].shape)


def check_gradients(function, arrays, wrt=None, seed=0, step=1e-5, rtol=1e-6, atol=1e-7):
    """Asserts that the tape's gradients of FUNCTION equal finite differences.

    FUNCTION takes Tensors and returns one or several; ARRAYS are its inputs as NumPy arrays, of which the float64 ones
    (or those whose indices WRT lists) are differentiated. The outputs are weighed with random numbers, so that an error
    in any element shows. Keep inputs away from kinks (ReLU at 0, ties in pooling) by more than STEP.
    """
    arrays = [np.asarray(a) for a in arrays]
    wrt = [i for i, a in enumerate(arrays) if a.dtype == np.float64] if wrt is None else wrt
    tensors = [cnnpy.Tensor(a) for a in arrays]
    with cnnpy.GradientTape() as tape:
        tape.watch([tensors[i] for i in wrt])
        outputs = function(*tensors)
    outputs = list(outputs) if isinstance(outputs, (tuple, list)) else [outputs]
    rng = np.random.default_rng(seed)
    weights = [rng.normal(size=y.shape) if y.dtype == "float64" else None for y in outputs]
    used = [(y, cnnpy.Tensor(w)) for y, w in zip(outputs, weights) if w is not None]
    gradients = tape.gradient([y for y, _ in used], [tensors[i] for i in wrt], output_gradients=[w for _, w in used])
    for i, gradient in zip(wrt, gradients):
        expected = numeric_gradient(function, arrays, i, weights, step)
        got = np.zeros(arrays[i].shape) if gradient is None else np.asarray(gradient)
        assert got.shape == arrays[i].shape, f"input {i}: gradient {got.shape} for shape {arrays[i].shape}"
        scale = max(1.0, float(np.abs(expected).max(initial=0)))
        np.testing.assert_allclose(got, expected, rtol=rtol, atol=atol * scale, err_msg=f"gradient of input {i}")


def assert_scaled_op(op, expected, x, gamma, beta):
    """OP(x, gamma, beta), of which the last two may be missing, equals EXPECTED at every level; so do its gradients."""
    for given in [(x,), (x, gamma), (x, gamma, beta)]:
        assert_close_at_every_level(op, expected, given, rtol=1e-4, atol=1e-5)
        if x.size < 300:
            check_gradients(op, given)
    np.testing.assert_allclose(np.asarray(op(x, None, beta)), expected(x, None, beta), rtol=1e-12, atol=1e-12)
