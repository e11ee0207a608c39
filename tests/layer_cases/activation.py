from layer_cases.case import IMAGE, VECTOR, Case

CASES = [
    Case("Activation", dict(activation="tanh"), IMAGE, any_shape=True),
    Case("Activation", dict(activation="mish"), VECTOR, any_shape=True),
    Case("ReLU", dict(max_value=6), IMAGE, any_shape=True),
    Case("ReLU", dict(max_value=0.5, negative_slope=0.1, threshold=0.2), IMAGE, any_shape=True),
    Case("LeakyReLU", dict(negative_slope=0.1), IMAGE, any_shape=True),
    Case("LeakyReLU", dict(), IMAGE, any_shape=True),
    Case("ELU", dict(), IMAGE, any_shape=True),
    Case("ELU", dict(alpha=0.7), IMAGE, any_shape=True),
    Case("PReLU", dict(), IMAGE, ["alpha"]),
    Case("PReLU", dict(alpha_initializer="he_normal", shared_axes=[1, 2], alpha_regularizer="l2"), IMAGE, ["alpha"]),
    Case("Softmax", dict(axis=1), IMAGE, any_shape=True),
    Case("Softmax", dict(axis=[1, 2]), IMAGE, any_shape=True),
]
