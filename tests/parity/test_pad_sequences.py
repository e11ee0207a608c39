"""pad_sequences gives what Keras's gives."""

import numpy as np
import pytest

from cnnpy.utils import pad_sequences

keras = pytest.importorskip("keras")

RAGGED = [[1], [2, 3], [], [4, 5, 6]]


@pytest.mark.parametrize("padding", ["pre", "post"])
@pytest.mark.parametrize("truncating", ["pre", "post"])
@pytest.mark.parametrize("maxlen", [None, 1, 2, 5])
def test_equals_keras(padding, truncating, maxlen):
    options = {"maxlen": maxlen, "padding": padding, "truncating": truncating, "value": 7}
    np.testing.assert_array_equal(pad_sequences(RAGGED, **options), keras.utils.pad_sequences(RAGGED, **options))
