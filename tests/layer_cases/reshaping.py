from layer_cases.case import IMAGE, VECTOR, Case

CASES = [
    Case("Flatten", dict(), IMAGE, any_shape=True),
    Case("Flatten", dict(data_format="channels_first"), IMAGE, any_shape=True),
    Case("Reshape", dict(target_shape=(6, -1)), IMAGE),
    Case("Reshape", dict(target_shape=(5, 1)), VECTOR),
    Case("Permute", dict(dims=(3, 1, 2)), IMAGE),
    Case("UpSampling2D", dict(size=(2, 3)), IMAGE),
    Case("UpSampling2D", dict(interpolation="bilinear", data_format="channels_first"), IMAGE),
    Case("ZeroPadding2D", dict(padding=((1, 0), (2, 3))), IMAGE),
    Case("Cropping2D", dict(cropping=((1, 0), (2, 3))), IMAGE),
    Case("Cropping2D", dict(cropping=1, data_format="channels_first"), IMAGE),
]
