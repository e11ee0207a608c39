from layer_cases.case import IMAGE, Case

FIRST = {"data_format": "channels_first"}

CASES = [
    Case("Rescaling", dict(scale=0.5, offset=1.0), IMAGE, any_shape=True),
    Case("Rescaling", dict(scale=1 / 255, offset=-0.5), IMAGE, any_shape=True),
    Case("Resizing", dict(height=5, width=9), IMAGE),
    Case("Resizing", dict(height=3, width=4, interpolation="nearest"), IMAGE),
    Case("Resizing", dict(height=3, width=2, interpolation="bicubic", antialias=True), IMAGE),
    Case("Resizing", dict(height=3, width=2, interpolation="lanczos3", **FIRST), IMAGE),
    Case("Resizing", dict(height=12, width=3, interpolation="lanczos5", antialias=True), IMAGE),
    Case("Resizing", dict(height=3, width=4, interpolation="area"), IMAGE, not_in_keras="TensorFlow has no gradient"),
    Case("Resizing", dict(height=6, width=3, crop_to_aspect_ratio=True), IMAGE),
    Case("Resizing", dict(height=6, width=3, pad_to_aspect_ratio=True, fill_value=0.5), IMAGE),
    Case("CenterCrop", dict(height=4, width=3), IMAGE),
    Case("CenterCrop", dict(height=9, width=4), IMAGE),
    Case("CenterCrop", dict(height=4, width=3, **FIRST), IMAGE),
    Case("Normalization", dict(), IMAGE, ["mean", "variance", "count"]),
    Case("Normalization", dict(axis=None), IMAGE, ["mean", "variance", "count"], any_shape=True),
    Case("Normalization", dict(axis=(1, -1)), IMAGE, ["mean", "variance", "count"]),
    Case("Normalization", dict(mean=[0.5, 1.0, 2.0, 0.0], variance=[1.0, 4.0, 0.25, 0.0]), IMAGE),
    Case("Normalization", dict(mean=0.5, variance=4.0, invert=True), IMAGE),
]
