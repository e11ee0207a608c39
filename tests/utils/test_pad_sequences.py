"""pad_sequences: where it fills and cuts, and what it refuses."""

import numpy as np
import pytest

from cnnpy.utils import pad_sequences

RAGGED = [[1], [2, 3], [], [4, 5, 6]]


def test_fills_and_cuts_at_the_start_by_default():
    np.testing.assert_array_equal(pad_sequences(RAGGED), [[0, 0, 1], [0, 2, 3], [0, 0, 0], [4, 5, 6]])
    np.testing.assert_array_equal(pad_sequences(RAGGED, maxlen=2), [[0, 1], [2, 3], [0, 0], [5, 6]])


def test_fills_and_cuts_at_the_end():
    result = pad_sequences(RAGGED, 2, "float32", padding="post", truncating="post", value=-1)
    np.testing.assert_array_equal(result, [[1, -1], [2, 3], [-1, -1], [4, 5]])
    assert result.dtype == "float32"


def test_steps_may_have_a_shape():
    result = pad_sequences([np.ones((1, 2)), np.ones((3, 2))])
    assert result.shape == (2, 3, 2) and result[0].sum() == 2


def test_no_length_and_no_sequence_give_empty_arrays():
    assert pad_sequences(RAGGED, maxlen=0).shape == (4, 0)
    assert pad_sequences([]).shape == (0, 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"padding": "left"}, "padding must be"),
        ({"truncating": "left"}, "truncating must be"),
        ({"sequences": [[1], 2]}, "item 1 is not a sequence"),
        ({"sequences": 3}, "list of sequences"),
        ({"value": "x"}, "dtype=object"),
        ({"sequences": [[1], [[1, 2]]]}, "steps of item 1"),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        pad_sequences(**{"sequences": RAGGED, **arguments})
