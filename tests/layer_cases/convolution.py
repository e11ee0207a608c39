from layer_cases.case import IMAGE, Case

WEIGHTS = ["kernel", "bias"]

CASES = [
    Case("Conv2D", dict(filters=6, kernel_size=3, activation="relu"), IMAGE, WEIGHTS),
    Case("Conv2D", dict(filters=4, kernel_size=(1, 2), strides=2, padding="same", groups=2), IMAGE, WEIGHTS),
    Case("Conv2D", dict(filters=6, kernel_size=(2, 3), strides=(2, 1), padding="same"), IMAGE, WEIGHTS),
    Case(
        "Conv2D",
        dict(filters=4, kernel_size=3, dilation_rate=2, padding="same", activation="elu"),
        IMAGE,
        WEIGHTS,
    ),
    Case("Conv2D", dict(filters=4, kernel_size=1, groups=2, activation="softmax"), IMAGE, WEIGHTS),
    Case("Conv2D", dict(filters=3, kernel_size=2, data_format="channels_first"), IMAGE, WEIGHTS),
]
