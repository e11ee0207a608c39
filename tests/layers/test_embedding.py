"""Embedding: indices of every dtype, bad ones, given weights, the gradient."""

import numpy as np
import pytest

import cnnpy
from cnnpy import _core, layers
from gradients import check_gradients

INDICES = np.array([[0, 3, 3], [6, 3, 1]])


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint8", "float32", "float64", "bool"])
def test_indices_of_every_dtype(dtype):
    indices = INDICES.astype(dtype)
    layer = layers.Embedding(7, 2)
    y = layer(indices)
    assert y.dtype == "float32"
    np.testing.assert_array_equal(y, np.asarray(layer.embeddings)[indices.astype(int)])
    words = cnnpy.Input((3,), dtype=dtype)
    np.testing.assert_array_equal(cnnpy.Model(words, layer(words))(indices), y)


@pytest.mark.parametrize("bad", [7, -8])
@pytest.mark.parametrize("dtype", ["int32", "float32"])
def test_an_index_out_of_range_names_the_layer(bad, dtype):
    layer = layers.Embedding(7, 2, name="words")
    message = rf'Embedding "words": index {bad} is out of range for a dimension of 7; .* below input_dim=7'
    with pytest.raises(ValueError, match=message):
        layer(np.array([[0, bad]], dtype))
    with pytest.raises(ValueError, match=message):
        cnnpy.Sequential([layer]).predict(np.array([[0, bad]], dtype), verbose=0)


def test_gradients_of_a_row_add_up():
    table = np.random.default_rng(0).normal(size=(7, 3))
    check_gradients(lambda t: _core.take(t, INDICES, axis=0), [table])
    layer = layers.Embedding(7, 3, dtype="float64")
    with cnnpy.GradientTape() as tape:
        y = layer(INDICES)
    gradient = np.asarray(tape.gradient(y, layer.embeddings))
    np.testing.assert_array_equal(gradient[:, 0], np.bincount(INDICES.ravel(), minlength=7))


def test_given_weights():
    table = np.arange(14.0).reshape(7, 2)
    for weights in (table, [table]):
        layer = layers.Embedding(7, 2, weights=weights)
        assert layer.built
        np.testing.assert_array_equal(layer.embeddings, table)
    with pytest.raises(ValueError, match=r"has shape \(7, 2\), the array given for it \(6, 2\)"):
        layers.Embedding(7, 2, weights=table[1:])


def test_regularizer_and_constraint():
    layer = layers.Embedding(7, 2, embeddings_regularizer=cnnpy.regularizers.L2(0.5), embeddings_constraint="non_neg")
    layer(INDICES)
    np.testing.assert_allclose(layer.losses[0], 0.5 * (np.asarray(layer.embeddings) ** 2).sum(), rtol=1e-5)
    assert layer.embeddings.constraint is layer.embeddings_constraint


def test_bad_arguments():
    for name, arguments in {"input_dim": (0, 2), "output_dim": (2, -1)}.items():
        with pytest.raises(ValueError, match=f"Embedding: {name} must be an integer of at least 1"):
            layers.Embedding(*arguments)
    with pytest.raises(ValueError, match="input_dim must be an integer of at least 1, got True"):
        layers.Embedding(True, 2)
    for refused in ("lora_rank", "lora_alpha", "quantization_config"):
        with pytest.raises(NotImplementedError, match=refused):
            layers.Embedding(3, 2, **{refused: 4})
    with pytest.warns(UserWarning, match="input_length is not needed"):
        layers.Embedding(3, 2, input_length=4)
