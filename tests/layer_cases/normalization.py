from layer_cases.case import IMAGE, SEQUENCE, VECTOR, VOLUME, Case

MOVING = ["moving_mean", "moving_variance"]
BATCH = ["gamma", "beta", *MOVING]
RENORM = [*BATCH, "moving_stddev", "renorm_mean", "renorm_stddev"]
CLIPPING = dict(rmax=1.5, rmin=0.5, dmax=0.3)
ALL = dict(
    beta_initializer="random_uniform",
    gamma_initializer="glorot_uniform",
    beta_constraint="max_norm",
    gamma_constraint="non_neg",
)


def batch(arguments, shape, weights=BATCH, **more):
    return Case("BatchNormalization", arguments, shape, weights, trains_otherwise=True, **more)


CASES = [
    batch(dict(), IMAGE),
    batch(dict(axis=1, scale=False, momentum=0.5), VECTOR, ["beta", *MOVING]),
    batch(dict(axis=1, center=False, epsilon=0.1), VOLUME, ["gamma", *MOVING]),
    batch(dict(axis=2, moving_variance_initializer="zeros", synchronized=True), SEQUENCE),
    batch(dict(axis=1), (1, 3, 2)),
    batch(dict(renorm=True), IMAGE, RENORM),
    batch(dict(renorm=True, renorm_clipping=CLIPPING, renorm_momentum=0.8, scale=False, axis=1), IMAGE, RENORM[1:]),
    batch(dict(renorm=True, center=False, scale=False), VECTOR, RENORM[2:]),
    Case("LayerNormalization", dict(), IMAGE, ["gamma", "beta"]),
    Case("LayerNormalization", dict(axis=1, center=False), IMAGE, ["gamma"]),
    Case("LayerNormalization", dict(axis=[1, 2], epsilon=0.01), VOLUME, ["gamma", "beta"]),
    Case("LayerNormalization", dict(axis=[-1, -2, -3], scale=False), IMAGE, ["beta"]),
    Case("LayerNormalization", dict(axis=(1,), center=False, scale=False), VECTOR, any_shape=True),
    Case("GroupNormalization", dict(groups=2), IMAGE, ["gamma", "beta"]),
    Case("GroupNormalization", dict(groups=-1, axis=1, center=False), IMAGE, ["gamma"]),
    Case("GroupNormalization", dict(groups=3, axis=2, epsilon=0.01), (2, 4, 6, 3), ["gamma", "beta"]),
    Case("GroupNormalization", dict(groups=1, scale=False), VOLUME, ["beta"]),
    Case("GroupNormalization", dict(groups=2), (3, 6), ["gamma", "beta"]),
    Case("UnitNormalization", dict(), IMAGE, any_shape=True),
    Case("UnitNormalization", dict(axis=[1, 2]), IMAGE),
    Case("RMSNormalization", dict(), IMAGE, ["scale"]),
    Case("RMSNormalization", dict(axis=[1, 2], epsilon=0.1), SEQUENCE, ["scale"]),
    Case(
        "RMSNormalization",
        dict(axis=1),
        IMAGE,
        ["scale"],
        not_in_keras="its scale goes along the last axis, whatever the axis",
    ),
    *[
        Case(layer, ALL | more, IMAGE, weights, trains_otherwise=layer.startswith("Batch"))
        for layer, more, weights in [
            ("BatchNormalization", {}, BATCH),
            ("LayerNormalization", {}, ["gamma", "beta"]),
            ("GroupNormalization", dict(groups=2), ["gamma", "beta"]),
        ]
    ],
]
