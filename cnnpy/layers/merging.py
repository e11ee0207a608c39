"""Layers that make one tensor of several, and their functions."""

import math

from cnnpy import _core
from cnnpy.layers.calling import label
from cnnpy.layers.layer import Layer


def _broadcast(layer, one, other):
    """The shape two tensors of shapes ONE and OTHER (without the batch) broadcast to."""
    if len(one) < len(other):
        one, other = other, one
    result = list(one[: len(one) - len(other)])
    for a, b in zip(one[len(one) - len(other) :], other):
        if a is not None and b is not None and a != b and 1 not in (a, b):
            raise ValueError(
                f"{label(layer)}: inputs of shapes {(None, *one)} and {(None, *other)} do not fit together"
            )
        result.append(b if a == 1 else None if b is None else a)
    return tuple(result)


def _spread(mask, x):
    """MASK, [batch, steps], of X for each of its elements; None for none."""
    return None if mask is None else _core.broadcast_to(_core.expand_dims(mask, axis=-1), shape=x.shape)


class _Merge(Layer):
    """Takes a list of tensors. The output is masked where all of the inputs are."""

    _plain = True
    _float_inputs = True
    _minds_masks = False  # whether what is masked in an input stays out of the result
    _minimum = 1

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self._equal_ranks = True

    def _check_list(self, shapes):
        if not isinstance(shapes, (list, tuple)) or not shapes or not isinstance(shapes[0], (list, tuple)):
            raise ValueError(
                f"{label(self)}: takes a list of tensors, got one of shape {shapes}; call it like layer([a, b])"
            )
        if len(shapes) < self._minimum:
            raise ValueError(f"{label(self)}: takes at least {self._minimum} tensors, got {len(shapes)}")
        batches = {s[0] for s in shapes if s} - {None}
        if len(batches) > 1:
            raise ValueError(
                f"{label(self)}: the inputs have different batch sizes: shapes {[tuple(s) for s in shapes]}"
            )

    def build(self, input_shape):
        self._equal_ranks = len({len(s) for s in input_shape if isinstance(s, (list, tuple))}) == 1
        self.compute_output_shape(input_shape)

    def compute_output_shape(self, input_shape):
        self._check_list(input_shape)
        result = tuple(input_shape[0][1:])
        for shape in input_shape[1:]:
            result = _broadcast(self, result, tuple(shape[1:]))
        batches = {s[0] for s in input_shape} - {None}
        return (next(iter(batches), None), *result)

    def _same_ranks(self, inputs):
        """The inputs with sizes of 1 put behind the batch where they have fewer dimensions."""
        rank = max((len(x.shape) for x in inputs if x is not None), default=0)
        return [
            x
            if x is None or len(x.shape) == rank
            else _core.reshape(x, shape=(x.shape[0], *(1,) * (rank - len(x.shape)), *x.shape[1:]))
            for x in inputs
        ]

    def call(self, inputs, mask=None):
        if not isinstance(inputs, (list, tuple)):
            raise ValueError(f"{label(self)}: takes a list of tensors, got {inputs!r}")
        if mask is not None and self._minds_masks:
            kept = self._same_ranks([_spread(m, x) for m, x in zip(mask, inputs)])
            return self._merge_masked(self._same_ranks(inputs), kept)
        return self._merge(inputs if self._equal_ranks else self._same_ranks(inputs))

    def _merge(self, inputs):
        raise NotImplementedError(f"{type(self).__name__} must define _merge(inputs)")

    def _merge_masked(self, inputs, kept):
        raise NotImplementedError(f"{type(self).__name__} must define _merge_masked(inputs, kept)")

    def _check_masks(self, inputs, mask):
        if not isinstance(inputs, (list, tuple)) or not isinstance(mask, (list, tuple)) or len(inputs) != len(mask):
            raise ValueError(f"{label(self)}: compute_mask takes a list of inputs and one of as many masks")

    def compute_mask(self, inputs, mask=None):
        """What any of the masks in the list MASK leaves; None if an input has none."""
        if mask is None:
            return None
        self._check_masks(inputs, mask)
        return None if any(m is None for m in mask) else _fold(_core.logical_or, mask)


def _fold(op, inputs):
    result = inputs[0]
    for x in inputs[1:]:
        result = op(result, x)
    return result


class Add(_Merge):
    """The sum of the inputs."""

    def _merge(self, inputs):
        return _fold(_core.add, inputs)


class Subtract(_Merge):
    """The first input less the second."""

    def compute_output_shape(self, input_shape):
        self._check_list(input_shape)
        if len(input_shape) != 2:
            raise ValueError(f"{label(self)}: takes exactly 2 tensors, got {len(input_shape)}")
        return super().compute_output_shape(input_shape)

    def _merge(self, inputs):
        first, second = inputs
        return _core.subtract(first, second)


class Multiply(_Merge):
    """The product of the inputs, element by element; what is masked counts as 1."""

    _minds_masks = True

    def _merge(self, inputs):
        return _fold(_core.multiply, inputs)

    def _merge_masked(self, inputs, kept):
        y = self._merge([x if k is None else _core.where(k, x, 1.0) for x, k in zip(inputs, kept)])
        return y if any(k is None for k in kept) else _core.where(_fold(_core.logical_or, kept), y, 0.0)


class Average(_Merge):
    """The mean of the inputs."""

    def _merge(self, inputs):
        return _core.divide(_fold(_core.add, inputs), float(len(inputs)))


class _Extreme(_Merge):
    """One of the inputs, element by element; what is masked is not chosen unless all are."""

    _minds_masks = True

    def _merge(self, inputs):
        return _fold(self._choose, inputs)

    def _merge_masked(self, inputs, kept):
        y, y_kept = inputs[0], kept[0]
        for x, x_kept in zip(inputs[1:], kept[1:]):
            x = x if x_kept is None else _core.where(x_kept, x, y)
            y = y if y_kept is None else _core.where(y_kept, y, x)
            y_kept = None if x_kept is None or y_kept is None else _core.logical_or(y_kept, x_kept)
            y = self._choose(y, x)
        return y


class Maximum(_Extreme):
    """The largest of the inputs, element by element; what is masked is not chosen unless all are."""

    def _choose(self, x, y):
        return _core.maximum(x, y)


class Minimum(_Extreme):
    """The smallest of the inputs, element by element; what is masked is not chosen unless all are."""

    def _choose(self, x, y):
        return _core.minimum(x, y)


class Concatenate(_Merge):
    """The inputs side by side along AXIS; all other sizes must agree."""

    def __init__(self, axis=-1, **kwargs):
        super().__init__(**kwargs)
        if isinstance(axis, bool) or not hasattr(axis, "__index__"):
            raise ValueError(f"Concatenate: axis must be an integer, got {axis!r}")
        self.axis = int(axis)
        self._bind_ops()

    def _bind_ops(self):
        self._op = _core.concatenate.bind(label(self), axis=self.axis)

    def compute_output_shape(self, input_shape):
        self._check_list(input_shape) if self.axis != 0 else None
        shapes = [list(shape) for shape in input_shape]
        rank = len(shapes[0])
        if any(len(shape) != rank for shape in shapes) or not -rank <= self.axis < rank:
            raise ValueError(
                f"{label(self)}: inputs of shapes {[tuple(s) for s in shapes]} cannot be joined along axis {self.axis}"
            )
        axis = self.axis % rank
        result = list(shapes[0])
        for shape in shapes[1:]:
            for i in range(rank):
                if i == axis:
                    result[i] = None if None in (result[i], shape[i]) else result[i] + shape[i]
                elif result[i] is None:
                    result[i] = shape[i]
                elif shape[i] is not None and shape[i] != result[i]:
                    raise ValueError(
                        f"{label(self)}: all sizes but that of axis {self.axis} must agree, got shapes "
                        f"{[tuple(s) for s in shapes]}"
                    )
        return tuple(result)

    def call(self, inputs):
        if not isinstance(inputs, (list, tuple)):
            raise ValueError(f"{label(self)}: takes a list of tensors, got {inputs!r}")
        return self._op(inputs)

    def compute_mask(self, inputs, mask=None):
        """The masks in the list MASK side by side; what has none is all left. None if there is none at all."""
        if mask is None:
            return None
        self._check_masks(inputs, mask)
        if all(m is None for m in mask):
            return None
        spread = [
            _core.broadcast_to(True, shape=x.shape) if m is None else _spread(m, x) if m.ndim < x.ndim else m
            for x, m in zip(inputs, mask)
        ]
        return _core.any(_core.concatenate(spread, axis=self.axis), axis=-1)

    def get_config(self):
        return {**super().get_config(), "axis": self.axis}


class Dot(_Merge):
    """Sums of products of two inputs over AXES, sample by sample: Dot(axes=(1, 2)) of [N,a,b] and [N,c,a] is [N,b,c].

    AXES is a number for both, or one each; the batch (0) is none of them. NORMALIZE divides by the Euclidean norms
    along the axes first, which gives cosines.
    """

    def __init__(self, axes, normalize=False, **kwargs):
        super().__init__(**kwargs)
        if not hasattr(axes, "__index__"):
            if not isinstance(axes, (list, tuple)):
                raise TypeError(f"Dot: axes must be an integer or two, got {axes!r}")
            if len(axes) != 2 or not all(hasattr(axis, "__index__") for axis in axes):
                raise ValueError(f"Dot: axes must be an integer or two, got {axes!r}")
        self.axes = axes
        self.normalize = bool(normalize)

    def _places(self, shapes):
        """The axis of each input, counted from 0."""
        if len(shapes) != 2:
            raise ValueError(f"{label(self)}: takes exactly 2 tensors, got {len(shapes)}")
        axes = (self.axes,) * 2 if hasattr(self.axes, "__index__") else self.axes
        found = []
        for axis, shape in zip(axes, shapes):
            if len(shape) < 2 or not -len(shape) < axis < len(shape) or axis == 0:
                raise ValueError(
                    f"{label(self)}: axis {axis} is none of an input of shape {tuple(shape)}, whose axis 0 is the batch"
                )
            found.append(axis % len(shape))
        return found

    def compute_output_shape(self, input_shape):
        self._check_list(input_shape)
        first, second = self._places(input_shape)
        a, b = list(input_shape[0]), list(input_shape[1])
        if None not in (a[first], b[second]) and a[first] != b[second]:
            raise ValueError(
                f"{label(self)}: the inputs have {a[first]} and {b[second]} places along axes {first} and {second}, "
                f"which must agree; got shapes {tuple(a)} and {tuple(b)}"
            )
        del a[first], b[second]
        return (*a, *b[1:]) if len(a) + len(b) > 2 else (a[0], 1)

    def call(self, inputs):
        if not isinstance(inputs, (list, tuple)):
            raise ValueError(f"{label(self)}: takes a list of tensors, got {inputs!r}")
        shape = self.compute_output_shape([x.shape for x in inputs])
        sides = []
        for x, axis in zip(inputs, self._places([x.shape for x in inputs])):
            if self.normalize:
                squares = _core.sum(_core.square(x), axis=(axis,), keepdims=True)
                x = _core.multiply(x, _core.rsqrt(_core.maximum(squares, 1e-12)))
            order = [i for i in range(x.ndim) if i != axis]
            rest = math.prod(x.shape[i] for i in order[1:])
            x = _core.transpose(x, axes=(*order, axis))
            sides.append(_core.reshape(x, shape=(x.shape[0], rest, x.shape[-1])))
        y = _core.matmul(sides[0], _core.transpose(sides[1], axes=(0, 2, 1)))
        return _core.reshape(y, shape=shape)

    def compute_mask(self, inputs, mask=None):
        """None: sums of products have no mask."""
        return None

    def get_config(self):
        return {**super().get_config(), "axes": self.axes, "normalize": self.normalize}


def dot(inputs, axes=-1, **kwargs):
    """Dot(axes)(inputs)."""
    return Dot(axes=axes, **kwargs)(inputs)


def add(inputs, **kwargs):
    """Add()(inputs)."""
    return Add(**kwargs)(inputs)


def subtract(inputs, **kwargs):
    """Subtract()(inputs)."""
    return Subtract(**kwargs)(inputs)


def multiply(inputs, **kwargs):
    """Multiply()(inputs)."""
    return Multiply(**kwargs)(inputs)


def average(inputs, **kwargs):
    """Average()(inputs)."""
    return Average(**kwargs)(inputs)


def maximum(inputs, **kwargs):
    """Maximum()(inputs)."""
    return Maximum(**kwargs)(inputs)


def minimum(inputs, **kwargs):
    """Minimum()(inputs)."""
    return Minimum(**kwargs)(inputs)


def concatenate(inputs, axis=-1, **kwargs):
    """Concatenate(axis)(inputs)."""
    return Concatenate(axis=axis, **kwargs)(inputs)
