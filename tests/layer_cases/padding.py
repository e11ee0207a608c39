from layer_cases.case import IMAGE, SEQUENCE, VOLUME, Case

FIRST = {"data_format": "channels_first"}

CASES = [
    Case("ZeroPadding1D", dict(), SEQUENCE),
    Case("ZeroPadding1D", dict(padding=(0, 2)), SEQUENCE),
    Case("ZeroPadding1D", dict(padding=2, **FIRST), SEQUENCE),
    Case("ZeroPadding2D", dict(padding=((1, 0), (2, 3))), IMAGE),
    Case("ZeroPadding2D", dict(padding=(1, 2), **FIRST), IMAGE),
    Case("ZeroPadding3D", dict(), VOLUME),
    Case("ZeroPadding3D", dict(padding=((1, 0), (0, 2), (3, 1)), **FIRST), VOLUME),
    Case("Cropping1D", dict(), SEQUENCE),
    Case("Cropping1D", dict(cropping=(0, 3)), SEQUENCE),
    Case("Cropping2D", dict(cropping=((1, 0), (2, 3))), IMAGE),
    Case("Cropping2D", dict(cropping=1, **FIRST), IMAGE),
    Case("Cropping3D", dict(), VOLUME),
    Case("Cropping3D", dict(cropping=((1, 0), (0, 2), (1, 1)), **FIRST), VOLUME),
]
