from layer_cases.case import IMAGE, Case

FIRST = {"data_format": "channels_first"}


def changing(layer, arguments, shape=IMAGE, **more):
    return Case(layer, dict(seed=8, **arguments), shape, random=True, trains_by_default=True, **more)


CASES = [
    changing("RandomFlip", dict()),
    changing("RandomFlip", dict(mode="horizontal", **FIRST)),
    changing("RandomRotation", dict(factor=0.1)),
    changing("RandomRotation", dict(factor=(-0.2, 0.3), fill_mode="constant", fill_value=0.5, **FIRST)),
    changing("RandomZoom", dict(height_factor=0.3)),
    changing("RandomZoom", dict(height_factor=(-0.2, 0.1), width_factor=0.9, interpolation="nearest")),
    changing("RandomTranslation", dict(height_factor=0.3, width_factor=(0.1, 0.2), fill_mode="wrap")),
    changing("RandomContrast", dict(factor=(0.4, 0.4), value_range=(-5, 5))),
    changing("RandomContrast", dict(factor=(0.2, 0.6), value_range=(-5, 5), **FIRST)),
    changing("RandomCrop", dict(height=3, width=4), not_in_keras="Keras's inference leaves images as they are"),
    changing("RandomBrightness", dict(factor=0.4, value_range=(-5, 5))),
]
