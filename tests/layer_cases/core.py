import cnnpy
from layer_cases.case import IMAGE, SEQUENCE, VECTOR, Case


def numbers(rng, shape):
    """Whole numbers from 0 to 6."""
    return rng.integers(0, 7, shape)


CASES = [
    Case("Dense", dict(units=4, activation="relu"), VECTOR, ["kernel", "bias"]),
    Case("Dense", dict(units=4, use_bias=False, activation="silu"), (2, 3, 5), ["kernel"]),
    Case("Dense", dict(units=4, activation="softmax", use_bias=False), VECTOR, ["kernel"]),
    Case("Dense", dict(units=3, activation="gelu"), IMAGE, ["kernel", "bias"]),
    Case("Identity", dict(), IMAGE, any_shape=True),
    *[
        Case(
            "Embedding",
            dict(input_dim=7, output_dim=3),
            (2, 5),
            ["embeddings"],
            dtype,
            numbers,
            any_shape=True,
            differentiable=False,
        )
        for dtype in ("int32", "int64", "uint8")
    ],
    Case(
        "Embedding",
        dict(input_dim=7, output_dim=3, mask_zero=True, embeddings_constraint="unit_norm"),
        (2, 3, 5),
        ["embeddings"],
        "int32",
        numbers,
        any_shape=True,
        differentiable=False,
    ),
    Case("Masking", dict(), SEQUENCE, any_shape=True),
    Case("Masking", dict(mask_value=3.0), (2, 9, 1), any_shape=True, dtype="float32", fill=numbers),
    Case(
        "Lambda",
        dict(function=cnnpy.activations.softplus),
        IMAGE,
        any_shape=True,
        not_in_keras="the function is cnnpy's",
    ),
]
