from layer_cases.case import IMAGE, SEQUENCE, VECTOR, VOLUME, Case

CASES = [
    Case("Dropout", dict(rate=0.5, seed=3), IMAGE, random=True, any_shape=True),
    Case("Dropout", dict(rate=0.5, noise_shape=(None, 1, 1, 4)), IMAGE, random=True, any_shape=True),
    Case("SpatialDropout1D", dict(rate=0.5), SEQUENCE, random=True),
    Case("SpatialDropout2D", dict(rate=0.5), IMAGE, random=True),
    Case("SpatialDropout3D", dict(rate=0.5, data_format="channels_first"), VOLUME, random=True),
    Case("GaussianNoise", dict(stddev=0.3, seed=1), IMAGE, random=True, any_shape=True),
    Case("GaussianDropout", dict(rate=0.3), VECTOR, random=True, any_shape=True),
    Case("AlphaDropout", dict(rate=0.3, seed=2), VECTOR, random=True, any_shape=True),
    Case("AlphaDropout", dict(rate=0.5, noise_shape=(None, 1, 1, 4)), IMAGE, random=True, any_shape=True),
    Case("ActivityRegularization", dict(l1=0.1, l2=0.2), VECTOR, any_shape=True),
]
