from layer_cases.case import IMAGE, Case

CASES = [
    Case("Dropout", dict(rate=0.5, seed=3), IMAGE, random=True, any_shape=True),
    Case("Dropout", dict(rate=0.5, noise_shape=(None, 1, 1, 4)), IMAGE, random=True, any_shape=True),
    Case("SpatialDropout2D", dict(rate=0.5), IMAGE, random=True),
]
