"""The base of all losses: what is computed per sample becomes one number."""

import numpy as np

from cnnpy import _core, config
from cnnpy._core import Tensor
from cnnpy.utils.naming import auto_name
from cnnpy.utils.suggest import suggestion

REDUCTIONS = ("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", None)
_FLOATS = ("float32", "float64")


def standardize_reduction(reduction):
    """REDUCTION if it is one; ValueError with the list if not."""
    if reduction not in REDUCTIONS:
        words = [word for word in REDUCTIONS if word]
        raise ValueError(
            f"unknown reduction {reduction!r}.{suggestion(reduction, words)} Known are: {', '.join(words)}, None"
        )
    return reduction


def float_tensor(value, dtype=None):
    """VALUE as a float Tensor: of DTYPE, else of its own dtype if it is a float array, else of `config.floatx()`."""
    if not isinstance(value, Tensor):
        own = getattr(getattr(value, "dtype", None), "name", None)
        if dtype is None and own not in _FLOATS:
            dtype = config.floatx()
        return Tensor(value, dtype)
    if dtype is None:
        dtype = value.dtype if value.dtype in _FLOATS else config.floatx()
    if value.dtype == dtype:
        return value
    return _core.cast(value, dtype=dtype)


def match_ranks(y_true, y_pred):
    """Both with equally many axes, where one has a last axis of 1 more: that axis is dropped, or added to the other
    if it has one axis."""
    longer, shorter = y_true.shape, y_pred.shape
    if len(longer) == len(shorter):
        return y_true, y_pred
    if len(longer) < len(shorter):
        y_pred, y_true = match_ranks(y_pred, y_true)
        return y_true, y_pred
    if len(longer) == len(shorter) + 1 and longer[-1] == 1:
        if len(shorter) == 1:
            y_pred = _core.reshape(y_pred, shape=(*shorter, 1))
        else:
            y_true = _core.reshape(y_true, shape=longer[:-1])
    return y_true, y_pred


def weights_of_kept(kept, sample_weight, reduction):
    """Sample weights that are 0 where KEPT (bool, one for each value) is False. In a mean over the number of values
    those kept weigh more, so that it is a mean over them."""
    weight = kept.astype("float64")
    if reduction in ("mean", "sum_over_batch_size") and kept.any():
        weight *= kept.size / kept.sum()
    if sample_weight is None:
        return weight
    given = np.asarray(sample_weight)
    while given.ndim > weight.ndim and given.shape[-1] == 1:
        given = given[..., 0]
    return weight * given.reshape(given.shape + (1,) * (weight.ndim - given.ndim))


class Loss:
    """A loss: `loss(y_true, y_pred, sample_weight=None)` gives a scalar Tensor.

    Subclasses write `call(y_true, y_pred)`, which gives one value per sample. REDUCTION makes a scalar of these: the
    mean over their number ('sum_over_batch_size', 'mean'), the 'sum', the weighted sum divided by the sum of the
    weights ('mean_with_sample_weight'), or nothing ('none', None: the values themselves). Sample weights multiply the
    values; they are aligned with the first axes of the values (one weight per sample, or per sample and row ...), or
    else as NumPy broadcasts.

    DTYPE is what y_pred is converted to first. Without it float predictions keep their own dtype (Keras converts to
    floatx).
    """

    _raw_labels = False  # whether `call` takes labels as they come
    _kept = None  # of losses that leave values out: a method of (y_true, values) that tells which stay, None for all

    def __init__(self, name=None, reduction="sum_over_batch_size", dtype=None):
        self.name = name or auto_name(type(self).__name__)
        self.reduction = standardize_reduction(reduction)
        self._dtype = None if dtype is None else getattr(dtype, "compute_dtype", None) or str(np.dtype(dtype))
        if self._dtype is not None and self._dtype not in _FLOATS:
            raise ValueError(f"{self._label()}: dtype must be float32 or float64, got {dtype!r}")
        self._bind()

    def _label(self):
        return f'{type(self).__name__} "{self.name}"'

    def _bind(self):
        """Makes the core's calls that this object repeats; again after it was copied or unpickled."""
        self._reduce = _core.reduce_loss.bind(self._label(), reduction=self.reduction or "none")

    @property
    def dtype(self):
        """The dtype losses are computed in, if predictions have none of their own."""
        return self._dtype or config.floatx()

    def __call__(self, y_true, y_pred, sample_weight=None):
        if type(y_pred) is not Tensor or self._dtype is not None:
            y_pred = float_tensor(y_pred, self._dtype)
        if not self._raw_labels:
            y_true = float_tensor(y_true, y_pred.dtype)
        elif not isinstance(y_true, (Tensor, np.ndarray)):
            y_true = np.asarray(y_true)
        values = self.call(y_true, y_pred)
        if self._kept is not None:
            kept = self._kept(y_true, values)
            if kept is not None:
                sample_weight = weights_of_kept(kept, sample_weight, self.reduction)
        if sample_weight is None:
            return self._reduce(values)
        return self._reduce(values, sample_weight)

    def call(self, y_true, y_pred):
        """One loss per sample, of shape [batch, ...]."""
        raise NotImplementedError(f"{type(self).__name__} has no call(y_true, y_pred)")

    def get_config(self):
        return {"name": self.name, "reduction": self.reduction}

    @classmethod
    def from_config(cls, config):
        return cls(**config)

    def __getstate__(self):
        return {key: value for key, value in self.__dict__.items() if key not in ("_reduce", "_op")}

    def __setstate__(self, state):
        self.__dict__.update(state)
        self._bind()

    def __repr__(self):
        return f"<{type(self).__name__} name={self.name}>"


class LossFunctionWrapper(Loss):
    """A loss made of a function of (y_true, y_pred, **kwargs) that gives one value per sample."""

    def __init__(self, fn, reduction="sum_over_batch_size", name=None, dtype=None, **kwargs):
        self.fn = fn
        self._fn_kwargs = kwargs
        super().__init__(name=name, reduction=reduction, dtype=dtype)

    def call(self, y_true, y_pred):
        y_true, y_pred = match_ranks(y_true, y_pred)
        return self.fn(y_true, y_pred, **self._fn_kwargs)

    def get_config(self):
        from cnnpy.saving import serialize_keras_object

        return {
            **super().get_config(),
            "fn": serialize_keras_object(self.fn),
            **serialize_keras_object(self._fn_kwargs),
        }

    @classmethod
    def from_config(cls, config):
        from cnnpy.saving import deserialize_keras_object

        if "fn" in config:
            config = deserialize_keras_object(config)
        return cls(**config)

    def __repr__(self):
        return f"<{type(self).__name__}({getattr(self.fn, '__name__', self.fn)}, kwargs={self._fn_kwargs})>"
