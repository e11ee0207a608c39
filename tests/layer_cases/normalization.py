from layer_cases.case import IMAGE, VECTOR, Case

CASES = [
    Case(
        "BatchNormalization",
        dict(),
        IMAGE,
        ["gamma", "beta", "moving_mean", "moving_variance"],
        trains_otherwise=True,
    ),
    Case(
        "BatchNormalization",
        dict(axis=1, scale=False, momentum=0.5),
        VECTOR,
        ["beta", "moving_mean", "moving_variance"],
        trains_otherwise=True,
    ),
]
