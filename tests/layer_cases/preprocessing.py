from layer_cases.case import IMAGE, Case

CASES = [
    Case("Rescaling", dict(scale=0.5, offset=1.0), IMAGE, any_shape=True),
    Case("Rescaling", dict(scale=1 / 255, offset=-0.5), IMAGE, any_shape=True),
]
