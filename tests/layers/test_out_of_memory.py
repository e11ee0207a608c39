"""When memory runs out at any point of an op, forward or backward, the op says so and keeps nothing."""

import gc
from functools import partial

import numpy as np
import pytest

import cnnpy
from cnnpy import _core

VECTOR = np.ones(5, "float32")
IMAGES = np.random.default_rng(0).normal(size=(2, 6, 6, 5)).astype("float32")
OPS = {
    "dense": (partial(_core.dense, activation="relu"), [IMAGES, np.ones((5, 20), "float32"), np.ones(20, "float32")]),
    "relu": (_core.relu, [IMAGES]),
    "gelu": (_core.gelu, [IMAGES]),
    "softmax": (_core.softmax, [IMAGES]),
    "max_pool2d": (_core.max_pool2d, [IMAGES]),
    "average_pool2d": (_core.average_pool2d, [IMAGES]),
    "global_max_pool2d": (_core.global_max_pool2d, [IMAGES]),
    "dropout": (partial(_core.dropout, rate=0.5), [IMAGES]),
    "batch_norm_training": (lambda *v: _core.batch_norm_training(*v)[0], [IMAGES, VECTOR, VECTOR]),
    "batch_norm_inference": (_core.batch_norm_inference, [IMAGES, VECTOR, VECTOR, VECTOR, VECTOR]),
    "upsample2d": (_core.upsample2d, [IMAGES]),
    "zero_pad2d": (_core.zero_pad2d, [IMAGES]),
}


@pytest.mark.parametrize("name", OPS)
def test_failure_of_any_request(name):
    op, arrays = OPS[name]
    tensors = [cnnpy.Tensor(a) for a in arrays]

    def step():
        with cnnpy.GradientTape() as tape:
            tape.watch(tensors)
            y = op(*tensors)
        tape.gradient([y], tensors)

    step()
    gc.collect()
    before = _core.memory_stats()["in_use"]
    for n in range(1, 100):
        _core.memory_fail_at(n)
        try:
            step()
            failed = False
        except MemoryError as error:
            failed = True
            assert "no memory for" in str(error)
        finally:
            _core.memory_fail_at(0)
        gc.collect()
        assert _core.memory_stats()["in_use"] == before, f"request {n}"
        if not failed:
            break
    assert 2 < n < 99
