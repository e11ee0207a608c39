from layer_cases.case import Case

FRAMES = (2, 3, 6, 5, 2)


def frames_of(layer, **arguments):
    return lambda library, **more: {"layer": getattr(library.layers, layer)(name="inner", **arguments, **more)}


CASES = [
    Case("TimeDistributed", frames_of("Conv2D", filters=3, kernel_size=2), FRAMES, ["kernel", "bias"], wraps=True),
    Case("TimeDistributed", frames_of("Dense", units=4, activation="tanh"), (2, 3, 5), ["kernel", "bias"], wraps=True),
    Case("TimeDistributed", frames_of("MaxPooling2D"), FRAMES, wraps=True),
    Case("TimeDistributed", frames_of("Dropout", rate=0.5), (4, 3, 5), random=True, wraps=True),
    Case(
        "TimeDistributed",
        frames_of("BatchNormalization", momentum=0.5),
        (5, 3, 4),
        ["gamma", "beta", "moving_mean", "moving_variance"],
        trains_otherwise=True,
        wraps=True,
    ),
]
