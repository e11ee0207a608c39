"""What a layer demands of its input."""


class InputSpec:
    """Demands on rank, sizes and dtype of one input. Layers keep one, or a list, as `input_spec`; None demands nothing.

    SHAPE is exact but for its None entries; NDIM, MIN_NDIM, MAX_NDIM bound the rank; AXES maps axes to sizes.
    """

    def __init__(
        self, dtype=None, shape=None, ndim=None, max_ndim=None, min_ndim=None, axes=None,
        allow_last_axis_squeeze=False, name=None, optional=False,
    ):  # fmt: skip
        self.dtype = dtype
        self.shape = None if shape is None else tuple(shape)
        self.ndim = len(self.shape) if self.shape is not None else ndim
        self.max_ndim = max_ndim
        self.min_ndim = min_ndim
        self.axes = {int(axis): size for axis, size in (axes or {}).items()}
        self.allow_last_axis_squeeze = allow_last_axis_squeeze
        self.name = name
        self.optional = optional

    def __repr__(self):
        given = {key: value for key, value in vars(self).items() if value}
        return f"InputSpec({', '.join(f'{key}={value!r}' for key, value in given.items())})"

    def get_config(self):
        return dict(vars(self))

    @classmethod
    def from_config(cls, config):
        return cls(**config)


def violation(spec, shape, dtype):
    """In what an input of SHAPE and DTYPE does not meet SPEC, as a sentence; None if it does."""
    shape = tuple(shape)
    if spec.shape is not None and spec.allow_last_axis_squeeze:
        if len(shape) == len(spec.shape) + 1 and shape[-1] == 1:
            shape = shape[:-1]
        elif len(shape) == len(spec.shape) - 1 and spec.shape[-1] == 1:
            shape = (*shape, 1)
    ndim = len(shape)
    if spec.ndim is not None and ndim != spec.ndim:
        return f"expected {spec.ndim} dimensions, got {ndim} (shape {shape}){_rank_hint(ndim, spec.ndim)}"
    if spec.max_ndim is not None and ndim > spec.max_ndim:
        return f"expected at most {spec.max_ndim} dimensions, got {ndim} (shape {shape})"
    if spec.min_ndim is not None and ndim < spec.min_ndim:
        return (
            f"expected at least {spec.min_ndim} dimensions, got {ndim} (shape {shape}){_rank_hint(ndim, spec.min_ndim)}"
        )
    if spec.dtype is not None and dtype != spec.dtype:
        return f"expected dtype {spec.dtype}, got {dtype}"
    for axis, size in spec.axes.items():
        if size is not None and not -ndim <= axis < ndim:
            return f"expected axis {axis} to have size {size}, got shape {shape}"
        if size is not None and shape[axis] not in (size, None):
            return f"expected axis {axis} to have size {size}, got {shape[axis]} (shape {shape})"
    if spec.shape is not None and any(s not in (d, None) and d is not None for s, d in zip(spec.shape, shape)):
        return f"expected shape {spec.shape}, got {shape}"
    return None


def _rank_hint(got, wanted):
    if got == wanted - 1:
        return "; did you forget the batch dimension, or np.expand_dims(x, -1) for the channels?"
    return ""
