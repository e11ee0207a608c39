from layer_cases.case import IMAGE, SEQUENCE, VECTOR, VOLUME, Case

CASES = [
    Case("Flatten", dict(), IMAGE, any_shape=True),
    Case("Flatten", dict(data_format="channels_first"), IMAGE, any_shape=True),
    Case("Reshape", dict(target_shape=(6, -1)), IMAGE),
    Case("Reshape", dict(target_shape=(5, 1)), VECTOR),
    Case("Permute", dict(dims=(3, 1, 2)), IMAGE),
    Case("RepeatVector", dict(n=3), VECTOR, any_shape=True),
    Case("UpSampling1D", dict(size=3), SEQUENCE),
    Case("UpSampling2D", dict(size=(2, 3)), IMAGE),
    Case("UpSampling2D", dict(interpolation="bilinear", data_format="channels_first"), IMAGE),
    Case("UpSampling2D", dict(size=3, interpolation="bicubic"), IMAGE, tolerance=5e-3, training_tolerance=2e-2),
    Case("UpSampling2D", dict(size=(2, 3), interpolation="lanczos3"), IMAGE),
    Case("UpSampling2D", dict(interpolation="lanczos5"), IMAGE),
    Case("UpSampling3D", dict(), VOLUME),
    Case("UpSampling3D", dict(size=(1, 3, 2), data_format="channels_first"), VOLUME),
]
