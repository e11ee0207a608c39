import cnnpy
from layer_cases.case import IMAGE, VECTOR, Case

CASES = [
    Case("Dense", dict(units=4, activation="relu"), VECTOR, ["kernel", "bias"]),
    Case("Dense", dict(units=4, use_bias=False, activation="silu"), (2, 3, 5), ["kernel"]),
    Case("Dense", dict(units=4, activation="softmax", use_bias=False), VECTOR, ["kernel"]),
    Case("Dense", dict(units=3, activation="gelu"), IMAGE, ["kernel", "bias"]),
    Case("Identity", dict(), IMAGE, any_shape=True),
    Case(
        "Lambda",
        dict(function=cnnpy.activations.softplus),
        IMAGE,
        any_shape=True,
        not_in_keras="the function is cnnpy's",
    ),
]
