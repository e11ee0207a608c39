"""Data made ready for a model: the right source of batches, checked against the model's inputs and labels.

All that can be known to be wrong is said here, before the first batch. Each function takes the model it works for.
"""

from cnnpy._core import Tensor
from cnnpy.models import checks, suspicions
from cnnpy.models.data import (
    ArrayData,
    BatchData,
    IterableData,
    SequenceData,
    arrays_in,
    check_batch_size,
    class_weights_to_sample_weights,
    count_samples,
    input_dtype,
    is_array_structure,
)
from cnnpy.tree import flatten, map_structure, pack_sequence_as

_NESTED = (list, tuple, dict)


def make_data(
    model, x, y=None, sample_weight=None, batch_size=None, steps=None, shuffle=False, class_weight=None, labels=True,
    suspicious=False,
):  # fmt: skip
    """The source of batches for x, y and sample_weight; the model is built.

    LABELS: there is a loss to compute. SUSPICIOUS: warn of inputs that are seldom meant, and refuse NaN.

    Raises:
        ValueError, TypeError: data, settings and model do not fit.
    """
    if x is None:
        raise ValueError("x is None; pass arrays, or a generator or sequence of batches")
    batch_size = check_batch_size(batch_size)
    if shuffle not in (True, False, "batch"):
        raise ValueError(f"shuffle must be True, False or 'batch', got {shuffle!r}")
    if is_array_structure(x):
        data = _array_data(model, x, y, sample_weight, batch_size, steps, shuffle, class_weight, labels)
        if suspicious:
            suspicions.check_nan_inputs(model, data.x)
            suspicions.check_pixels(model, data.x)
        return data
    kind = type(x).__name__
    for name, value in (("y", y), ("sample_weight", sample_weight)):
        if value is not None:
            raise ValueError(f"{name} must be None when x is a {kind}: the batches themselves contain it")
    if type(x).__module__.startswith("torch.utils.data") and not hasattr(x, "batch_size"):
        raise TypeError(f"x: a PyTorch {kind} gives single samples; wrap it in torch.utils.data.DataLoader")
    options = {
        "class_weight": class_weight,
        "convert_x": lambda batch: convert_x(model, batch),
        "check_labels": _label_check(model) if labels else None,
    }
    if hasattr(x, "__getitem__") and (hasattr(x, "__len__") or hasattr(x, "num_batches")):
        data = SequenceData(x, bool(shuffle), **options)
    elif hasattr(x, "__iter__"):
        data = IterableData(x, **options)
    else:
        raise TypeError(
            f"x: cannot take batches from a {kind}; pass arrays, a generator, or an object with len() and []"
        )
    _prepare(model, data, None, labels)
    return data


def _array_data(model, x, y, sample_weight, batch_size, steps, shuffle, class_weight, labels):
    x, y, sample_weight = arrays_in(x, "x"), arrays_in(y, "y"), arrays_in(sample_weight, "sample_weight")
    if labels:
        _require_labels(model, y)
    samples = count_samples([("x", x), ("y", y), ("sample_weight", sample_weight)])
    if class_weight is not None:
        _check_class_weight(sample_weight, y)
        sample_weight = class_weights_to_sample_weights(y, class_weight)
    if batch_size is None:
        batch_size = -(-samples // steps) if steps else 32
    _check_x(model, x)
    data = ArrayData(x, y, sample_weight, batch_size, shuffle, _input_dtypes(model, x))
    _prepare(model, data, y, labels)
    return data


def make_batch(model, x, y=None, sample_weight=None, class_weight=None, labels=True):
    """(x, y, sample_weight) of one batch as tensors, checked; the model is built."""
    if x is None:
        raise ValueError("x is None; pass an array")
    x, y, sample_weight = arrays_in(x, "x"), arrays_in(y, "y"), arrays_in(sample_weight, "sample_weight")
    if labels:
        _require_labels(model, y)
    if class_weight is not None:
        _check_class_weight(sample_weight, y)
    _check_x(model, x)
    source = BatchData(class_weight, lambda batch: convert_x(model, batch), _label_check(model) if labels else None)
    if not model.built and not (labels and model._overrides("train_step")):
        model(map_structure(lambda t: t[:1], convert_x(model, x)), training=False)
    batch = source.tensors(x, y, sample_weight)
    if labels:
        _build_optimizer(model)
    return batch


def _require_labels(model, y):
    if y is None and model._compile_loss is not None and not _judges_itself(model):
        raise ValueError(
            f"y is None, but the loss {model.loss!r} needs labels; pass y (for an autoencoder x itself once more)"
        )


def _check_class_weight(sample_weight, y):
    if sample_weight is not None:
        raise ValueError("class_weight and sample_weight cannot be combined; multiply them into sample_weight")
    if y is None or isinstance(y, _NESTED):
        raise ValueError("class_weight needs labels of a single output; use sample_weight with several")


def _judges_itself(model):
    """True if the model computes its loss in a way of its own, so that nothing is known of its labels."""
    return model._overrides("train_step") or model._overrides("compute_loss")


# ---- inputs ----


def _ordered_inputs(model, x):
    """(leaves of x, their names for messages, the model's symbolic inputs in the same order or None)."""
    specs = getattr(model, "inputs", None)
    if not isinstance(x, dict):
        leaves = flatten(x)
        names = ["x"] if len(leaves) == 1 else [f"x[{i}]" for i in range(len(leaves))]
        return leaves, names, specs or None
    keys = sorted(x)
    names = [f"x[{key!r}]" for key in keys]
    leaves = [x[key] for key in keys]
    if not specs:
        return flatten(x), names, None
    by_name = dict(zip(getattr(model, "input_names", None) or [spec.name for spec in specs], specs))
    missing = [name for name in by_name if name not in x]
    if missing:
        raise ValueError(f"x has the keys {keys}, the model's inputs are {list(by_name)}; {missing} are missing")
    return leaves, names, [by_name.get(key) for key in keys]


def _check_x(model, x):
    leaves, names, specs = _ordered_inputs(model, x)
    if specs is not None:
        checks.check_inputs(leaves, specs, names)


def _input_dtypes(model, x):
    """The tensor dtypes for the leaves of x."""
    leaves, _, specs = _ordered_inputs(model, x)
    if specs is None or len(specs) != len(leaves):
        specs = [None] * len(leaves)
    return [None if a is None else input_dtype(a.dtype, getattr(s, "dtype", None)) for a, s in zip(leaves, specs)]


def convert_x(model, x):
    """x of a batch, arrays, as tensors of the dtypes that the model takes."""
    if not isinstance(x, _NESTED):
        specs = getattr(model, "inputs", None)
        return Tensor(x, input_dtype(x.dtype, specs[0].dtype if specs else None))
    tensors = [None if a is None else Tensor(a, d) for a, d in zip(flatten(x), _input_dtypes(model, x))]
    return pack_sequence_as(x, tensors)


# ---- before the first batch ----


def _prepare(model, data, y, labels):
    """Builds the model for DATA, then losses, metrics and optimizer, and checks labels (arrays Y, if known)."""
    outputs = None
    if not model.built and not (labels and model._overrides("train_step")):
        outputs = model(data.first_row(), training=False)
    if not labels:
        return
    known = _symbolic_outputs(model)
    outputs = outputs if known is None else known
    if y is not None and outputs is not None and not _judges_itself(model):
        check_labels(model, y, outputs)
    _build_optimizer(model)


def _build_optimizer(model):
    if model.optimizer is not None and not model.optimizer.built and model.built:
        model.optimizer.build(model.trainable_variables)


def _symbolic_outputs(model):
    """The model's outputs as far as shapes are known without running it; None if they are not."""
    if not getattr(model, "outputs", None):
        return None
    return model.output


def check_labels(model, y, outputs):
    """Settles losses and metrics for labels Y, arrays, and OUTPUTS, of which only shapes matter.

    Raises:
        ValueError: the labels' shapes or values do not fit the outputs and the loss.
    """
    compiled = model._compile_loss
    if compiled is None:
        return
    fresh = not compiled.built
    if fresh:
        compiled.build(y, outputs)
    found = flatten(outputs)
    names = compiled.names
    parts = compiled.labels_by_output(y)
    for i, loss in compiled.losses_by_output():
        output = names[i] if len(names) > 1 else None
        checks.check_shapes(loss, parts[i].shape, found[i].shape, output)
        checks.check_values(loss, parts[i], found[i].shape, output)
        if fresh:
            suspicions.check_logits(model, loss, found[i], f'output "{output}": ' if output else "")
    metrics = model._compile_metrics
    if metrics is not None and not metrics.built:
        metrics.build(y, outputs)


def _label_check(model):
    """A function that checks the labels of a batch from outside, as far as the output's shape is known."""
    if _judges_itself(model):
        return None

    def check(y):
        outputs = _symbolic_outputs(model)
        if y is not None and outputs is not None:
            check_labels(model, y, outputs)

    return check
