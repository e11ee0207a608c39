"""What `compile` makes of losses and metrics: names, functions and objects, for one output or several.

They are settled at the first batch, since `'accuracy'` and `'crossentropy'` mean one thing or another by the shapes of
labels and outputs. From then on a step costs one call per loss and metric.
"""

from numbers import Number

from cnnpy import _core
from cnnpy import losses as losses_module
from cnnpy import metrics as metrics_module
from cnnpy.models.checks import check_shapes
from cnnpy.tree import flatten

ACCURACY_NAMES = ("accuracy", "acc")
CROSSENTROPY_NAMES = ("crossentropy", "ce")
_KINDS = ("binary", "sparse", "categorical")


def label_kind(y_true, y_pred):
    """'binary', 'sparse' or 'categorical', by Keras's rule: outputs of one value are binary, labels without (or with
    a single) class axis sparse."""
    classes = y_pred.shape[-1]
    if classes == 1:
        return "binary"
    if len(y_true.shape) < len(y_pred.shape) or (y_true.shape[-1] == 1 and classes > 1):
        return "sparse"
    return "categorical"


def snake_case(name):
    """`MyLoss` as `my_loss`."""
    out = ""
    for i, letter in enumerate(name):
        before_word = letter.isupper() and i and (not name[i - 1].isupper() or name[i + 1 : i + 2].islower())
        out += ("_" if before_word and name[i - 1] != "_" else "") + letter.lower()
    return out


def name_of(thing):
    """The name that logs give to a metric or loss: its own, or that of its function or class."""
    name = getattr(thing, "name", None) or getattr(thing, "__name__", None) or type(thing).__name__
    return snake_case(name)


def check_identifiers(structure, what):
    """Raises at once for names and things that are no losses or metrics; WHAT is 'loss' or 'metrics'."""
    module, late = (
        (losses_module, CROSSENTROPY_NAMES) if what == "loss" else (metrics_module, ACCURACY_NAMES + CROSSENTROPY_NAMES)
    )
    for leaf in flatten(structure):
        if leaf is None or callable(leaf):
            continue
        if isinstance(leaf, str):
            if leaf.lower() not in late and leaf not in _known(module):
                module.get(leaf)  # raises and says what there is
                _known(module).add(leaf)
        elif not isinstance(leaf, dict):
            raise TypeError(
                f"compile: {what} must be names, functions or {'Loss' if what == 'loss' else 'Metric'} objects, "
                f"got {leaf!r} of type {type(leaf).__name__}"
            )


_known_names = {}


def _known(module):
    return _known_names.setdefault(module.__name__, set())


def resolve_loss(identifier, y_true, y_pred):
    """The Loss object for one output, None for none."""
    if identifier is None:
        return None
    if isinstance(identifier, str) and identifier.lower() in CROSSENTROPY_NAMES:
        prefix = {"binary": "binary", "sparse": "sparse_categorical", "categorical": "categorical"}
        loss = losses_module.get(f"{prefix[label_kind(y_true, y_pred)]}_crossentropy")
    else:
        loss = losses_module.get(identifier)
    if isinstance(loss, type):
        loss = loss()
    if isinstance(loss, losses_module.Loss):
        return loss
    name = identifier if isinstance(identifier, str) else name_of(loss)
    return losses_module.LossFunctionWrapper(loss, name=name)


def resolve_metric(identifier, y_true, y_pred):
    """The Metric object for one output; its name is the string that was given, or its own."""
    text = identifier if isinstance(identifier, str) else None
    if text is not None and text.lower() in ACCURACY_NAMES:
        classes = {
            "binary": metrics_module.BinaryAccuracy,
            "sparse": metrics_module.SparseCategoricalAccuracy,
            "categorical": metrics_module.CategoricalAccuracy,
        }
        return classes[label_kind(y_true, y_pred)](name=text)
    if text is not None and text.lower() in CROSSENTROPY_NAMES:
        prefix = {"binary": "binary", "sparse": "sparse_categorical", "categorical": "categorical"}
        metric = metrics_module.get(f"{prefix[label_kind(y_true, y_pred)]}_crossentropy")
    else:
        metric = metrics_module.get(identifier)
    if isinstance(metric, type):
        metric = metric()
    if not isinstance(metric, metrics_module.Metric):
        return metrics_module.MeanMetricWrapper(metric, name=text or name_of(metric))
    if text is not None:
        metric.name = text
    return metric


# ---- outputs and labels in one order ----


def output_order(y_pred, output_names):
    """Names of the outputs in the order in which losses and metrics walk them; None where they have none."""
    if isinstance(y_pred, dict):
        if output_names and set(output_names) == set(y_pred):
            return list(output_names)
        return sorted(y_pred)
    count = len(flatten(y_pred))
    return list(output_names) if output_names and len(output_names) == count else [None] * count


def in_order(structure, names, what, none_for_missing=False):
    """The parts of STRUCTURE (labels, outputs, weights), one per output, in the order of NAMES.

    Raises:
        ValueError: their number or keys do not fit.
    """
    if isinstance(structure, dict):
        unknown = set(structure) - set(names)
        missing = [name for name in names if name not in structure]
        if unknown or (missing and not none_for_missing):
            raise ValueError(f"{what} has the keys {sorted(structure)}, the outputs are {names}; they must agree")
        return [structure.get(name) for name in names]
    parts = flatten(structure)
    if len(parts) == len(names):
        return parts
    raise ValueError(
        f"{what}: {len(parts)} given for {len(names)} outputs"
        + (f" {names}" if names[0] is not None else "")
        + "; give one per output"
    )


def per_output(setting, names, what):
    """SETTING of compile (a loss, weight or metric per output as list or dict, or one for all) as a list."""
    count = len(names)
    if isinstance(setting, dict):
        unknown = sorted(set(setting) - {name for name in names if name is not None})
        if unknown and count == 1 and len(setting) == 1:
            return list(setting.values())
        if unknown:
            raise ValueError(f"compile: {what} names the outputs {unknown}, the model has {names}")
        return [setting.get(name) for name in names]
    if isinstance(setting, (list, tuple)):
        if len(setting) != count:
            raise ValueError(
                f"compile: {what} has {len(setting)} entries, the model has {count} outputs; give one each"
            )
        return list(setting)
    return [setting] * count


class CompileLoss:
    """The sum of the losses of all outputs, each times its weight.

    Arguments:
        loss: a name, function or Loss; or a list or dict of them, one per output (None: no loss for it).
        loss_weights: None, a number, or a list or dict of numbers.
        output_names: names of the model's outputs, or None.

    The losses of single outputs (`a_loss` in the logs) weigh a ragged last batch by its size, as the total does. (Keras
    on TensorFlow weighs all batches alike there, so that the parts do not add up.)
    """

    name = "compile_loss"

    def __init__(self, loss, loss_weights=None, output_names=None):
        if not all(weight is None or isinstance(weight, Number) for weight in flatten(loss_weights)):
            raise ValueError(
                f"compile: loss_weights must be a number, a list or a dict of numbers, got {loss_weights!r}"
                + ("; metrics go into metrics=[...]" if isinstance(flatten(loss_weights)[0], str) else "")
            )
        check_identifiers(loss, "loss")
        self._user_loss = loss
        self._user_weights = loss_weights
        self._output_names = output_names
        self.built = False
        self.names = None
        self.metrics = []  # one running mean per output's loss, if there are several
        self._terms = []  # (index of the output, loss, weight or None, running mean or None)
        self._single = None  # (loss, weight): the usual case of one output

    def build(self, y_true, y_pred):
        """Settles the losses for these labels and outputs (only shapes matter)."""
        names = output_order(y_pred, self._output_names)
        outputs = in_order(y_pred, names, "the model's output")
        losses = per_output(self._user_loss, names, "loss")
        weights = per_output(self._user_weights, names, "loss_weights")
        wanted = [i for i, loss in enumerate(losses) if loss is not None]
        labels = self._labels(y_true, names, wanted)
        terms = []
        for i in wanted:
            if labels[i] is None:
                raise ValueError(f"the loss of output {names[i] or i} needs labels; y has none for it")
            loss = resolve_loss(losses[i], labels[i], outputs[i])
            check_shapes(loss, labels[i].shape, outputs[i].shape, names[i] if len(names) > 1 else None)
            terms.append((i, loss, None if weights[i] in (None, 1, 1.0) else float(weights[i])))
        self.metrics = []
        if len(terms) > 1:
            self.metrics = [metrics_module.Mean(name=f"{names[i] or loss.name}_loss") for i, loss, _ in terms]
        self._terms = [(*term, mean) for term, mean in zip(terms, self.metrics or [None] * len(terms))]
        self._single = terms[0][1:] if len(names) == 1 and terms else None
        self.names = names
        self._wanted = wanted
        self.built = True

    def losses_by_output(self):
        """(index of the output, Loss) for those that have one; empty before `build`."""
        return [(i, loss) for i, loss, _, _ in self._terms]

    def labels_by_output(self, y_true):
        """Labels in the order of the outputs, None for outputs without a loss; after `build`."""
        return self._labels(y_true, self.names, self._wanted)

    def _labels(self, y_true, names, wanted):
        if isinstance(y_true, dict):
            return in_order(y_true, names, "y", none_for_missing=True)
        parts = flatten(y_true)
        if len(parts) != len(names) and len(parts) == len(wanted):
            spread = [None] * len(names)
            for i, part in zip(wanted, parts):
                spread[i] = part
            return spread
        return in_order(y_true, names, "y")

    def __call__(self, y_true, y_pred, sample_weight=None):
        """The total loss, a scalar Tensor; None if no output has a loss."""
        if not self.built:
            if y_true is None:
                raise ValueError("the loss needs labels: pass y to fit or evaluate, or compile without a loss")
            self.build(y_true, y_pred)
        if self._single is not None and not isinstance(y_true, (list, tuple, dict)):
            loss, weight = self._single
            value = loss(
                y_true, flatten(y_pred)[0] if isinstance(y_pred, (list, tuple, dict)) else y_pred, sample_weight
            )
            return value if weight is None else _core.multiply(value, weight)
        return self._sum(y_true, y_pred, sample_weight)

    def _sum(self, y_true, y_pred, sample_weight):
        outputs = in_order(y_pred, self.names, "the model's output")
        labels = self.labels_by_output(y_true)
        weights = self._sample_weights(sample_weight)
        total = None
        for i, loss, weight, mean in self._terms:
            value = loss(labels[i], outputs[i], weights[i])
            if mean is not None:
                mean.update_state(value, sample_weight=outputs[i].shape[0])
            if weight is not None:
                value = _core.multiply(value, weight)
            total = value if total is None else _core.add(total, value)
        return total

    def _sample_weights(self, sample_weight):
        if not isinstance(sample_weight, (list, tuple, dict)):
            return [sample_weight] * len(self.names)
        return self.labels_by_output(sample_weight)


class CompileMetrics:
    """All metrics of `compile`, of all outputs.

    Arguments:
        metrics: a list of names, functions or Metrics for the only output; with several outputs a list or dict with an
            entry (one or a list) per output.
        weighted_metrics: the same, computed with sample weights.
        output_names: names of the model's outputs, or None.
    """

    name = "compile_metrics"

    def __init__(self, metrics, weighted_metrics, output_names=None):
        for what, given in (("metrics", metrics), ("weighted_metrics", weighted_metrics)):
            if given and not isinstance(given, (list, tuple, dict)):
                raise ValueError(f"compile: {what} must be a list, tuple or dict, got {given!r}; write {what}=[...]")
            check_identifiers(given, "metrics")
        self._user_metrics = metrics
        self._user_weighted_metrics = weighted_metrics
        self._output_names = output_names
        self.built = False
        self._entries = []  # (index of the output, metric, key in the logs, weighted)
        self._single = None  # the updates of the usual case of one output
        self._single_weighted = ()

    @property
    def metrics(self):
        """The Metric objects; empty before the first batch."""
        return [metric for _, metric, _, _ in self._entries]

    @property
    def variables(self):
        return [v for metric in self.metrics for v in metric.variables]

    def by_key(self):
        """The Metric objects by their keys in the logs."""
        return {key: metric for _, metric, key, _ in self._entries}

    def given_names(self):
        """What is known of the names before the first batch."""
        return [
            name if isinstance(name, str) else name_of(name)
            for name in flatten([self._user_metrics or [], self._user_weighted_metrics or []])
        ]

    def build(self, y_true, y_pred):
        """Settles the metrics for these labels and outputs (only shapes matter)."""
        names = output_order(y_pred, self._output_names)
        outputs = in_order(y_pred, names, "the model's output")
        labels = in_order(y_true, names, "y", none_for_missing=True)
        entries, taken = [], set()
        for weighted, given in ((False, self._user_metrics), (True, self._user_weighted_metrics)):
            if not given:
                continue
            what = "weighted_metrics" if weighted else "metrics"
            sets = [flatten(given)] if len(names) == 1 else per_output(given, names, what)
            for i, some in enumerate(sets):
                for identifier in flatten(some):
                    if identifier is None:
                        continue
                    if labels[i] is None:
                        raise ValueError(f"compile: {what} for output {names[i] or i} need labels; y has none for it")
                    metric = resolve_metric(identifier, labels[i], outputs[i])
                    prefix = f"{names[i]}_" if len(names) > 1 and names[i] is not None else ""
                    entries.append((i, metric, self._free_key(prefix, metric.name, weighted, taken), weighted))
        self._entries = entries
        self.names = names
        if len(names) == 1:
            self._single = tuple(m.update_state for _, m, _, weighted in entries if not weighted)
            self._single_weighted = tuple(m.update_state for _, m, _, weighted in entries if weighted)
        self.built = True

    @staticmethod
    def _free_key(prefix, name, weighted, taken):
        """A key that no other metric has: `weighted_` before a weighted one, then numbers."""
        key = prefix + name
        if key in taken and weighted:
            key = f"{prefix}weighted_{name}"
        base, number = key, 1
        while key in taken:
            key = f"{base}_{number}"
            number += 1
        taken.add(key)
        return key

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Takes a batch into account."""
        if not self.built:
            self.build(y_true, y_pred)
        nested = (list, tuple, dict)
        if self._single is not None and not (isinstance(y_true, nested) or isinstance(y_pred, nested)):
            for update in self._single:
                update(y_true, y_pred)
            for update in self._single_weighted:
                update(y_true, y_pred, sample_weight)
            return
        outputs = in_order(y_pred, self.names, "the model's output")
        labels = in_order(y_true, self.names, "y", none_for_missing=True)
        if isinstance(sample_weight, nested):
            weights = in_order(sample_weight, self.names, "sample_weight", none_for_missing=True)
        else:
            weights = [sample_weight] * len(self.names)
        for i, metric, _, weighted in self._entries:
            if weighted:
                metric.update_state(labels[i], outputs[i], weights[i])
            else:
                metric.update_state(labels[i], outputs[i])

    def reset_state(self):
        """Forgets all batches."""
        for _, metric, _, _ in self._entries:
            metric.reset_state()

    def result(self):
        """dict of key to value."""
        return {key: metric.result() for _, metric, key, _ in self._entries}
