from layer_cases.case import IMAGE, Case

CASES = [
    Case("MaxPooling2D", dict(), IMAGE),
    Case("MaxPooling2D", dict(pool_size=3, strides=2, padding="same"), IMAGE),
    Case("MaxPooling2D", dict(pool_size=3, strides=1, padding="same", data_format="channels_first"), IMAGE),
    Case("AveragePooling2D", dict(pool_size=2), IMAGE),
    Case("AveragePooling2D", dict(pool_size=(2, 3), padding="same"), IMAGE),
    Case("AveragePooling2D", dict(pool_size=(3, 2), strides=2, padding="same"), IMAGE),
    Case("GlobalMaxPooling2D", dict(), IMAGE),
    Case("GlobalAveragePooling2D", dict(keepdims=True, data_format="channels_first"), IMAGE),
]
