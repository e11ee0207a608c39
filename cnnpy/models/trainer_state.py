"""What a trainer knows, as plain structures: its state as a tree, its settings as a config; and its step functions."""

import functools
import warnings

import numpy as np

from cnnpy.layers.stateless import holding


def _nested(variables, value_format):
    """{part of path: {... : value}} of VARIABLES."""
    if value_format not in ("backend_tensor", "numpy_array"):
        raise ValueError(f"value_format must be 'backend_tensor' or 'numpy_array', got {value_format!r}")
    tree = {}
    for variable in variables:
        *folders, name = _path(variable).split("/")
        place = tree
        for folder in folders:
            place = place.setdefault(folder, {})
        if name in place:
            raise ValueError(
                f"get_state_tree: the path {_path(variable)!r} is found twice; give layers and other objects names "
                "that differ"
            )
        place[name] = variable.numpy() if value_format == "numpy_array" else variable.value
    return tree


def _path(variable):
    return getattr(variable, "path", None) or variable.name


def _flat(tree, prefix=""):
    flat = {}
    for key, value in tree.items():
        flat.update(_flat(value, f"{prefix}{key}/") if isinstance(value, dict) else {prefix + key: value})
    return flat


def _step_on_next(model, step, iterator):
    return getattr(model, step)(next(iterator))


class _CompiledMetrics:
    """`model.compiled_metrics`, which train steps of Keras 2 updated."""

    def __init__(self, model):
        self._model = model

    def update_state(self, y, y_pred, sample_weight=None):
        """Takes a batch into the compiled metrics."""
        warnings.warn(
            "model.compiled_metrics is Keras 2's; use `for metric in self.metrics: metric.update_state(y, y_pred)`",
            DeprecationWarning,
            stacklevel=2,
        )
        if self._model._compile_metrics is not None:
            self._model._compile_metrics.update_state(y, y_pred, sample_weight)


class TrainerState:
    """Part of every model; see Trainer."""

    # ---- the settings of compile ----

    def get_compile_config(self):
        """The arguments of `compile` as a dict of plain values; empty before."""
        from cnnpy.saving import serialize_keras_object

        if self._compile_arguments is None:
            return {}
        return {name: serialize_keras_object(value) for name, value in self._compile_arguments.items()}

    def compile_from_config(self, config):
        """Compiles with what `get_compile_config` returned.

        A model that has a `compile` of its own must override both; it is left uncompiled, with a warning.
        """
        from cnnpy.saving import deserialize_keras_object

        if self._overrides("compile"):
            warnings.warn(
                f"{type(self).__name__} has its own compile(), so it is not compiled from a config; override "
                "get_compile_config() and compile_from_config(config) too, or call compile()",
                stacklevel=2,
            )
            return
        self.compile(**{name: deserialize_keras_object(value) for name, value in config.items()})
        if self.optimizer is not None and self.built:
            self.optimizer.build(self.trainable_variables)

    # ---- the state ----

    def _state_variables(self):
        optimizer = self.optimizer
        return {
            "trainable_variables": self.trainable_variables,
            "non_trainable_variables": self.non_trainable_variables,
            "optimizer_variables": [] if optimizer is None else optimizer.variables,
            "metrics_variables": self.metrics_variables,
        }

    def get_state_tree(self, value_format="backend_tensor"):
        """All values of weights, optimizer and metrics, as dicts nested by the paths of the variables.

        VALUE_FORMAT: 'backend_tensor' for Tensors, 'numpy_array' for arrays.
        """
        return {name: _nested(variables, value_format) for name, variables in self._state_variables().items()}

    def set_state_tree(self, state_tree):
        """Assigns what `get_state_tree` returned, or part of it.

        Raises ValueError, before anything is changed, for a value of another shape than its variable's and for a path
        that no variable has (which Keras passes over in silence).
        """
        known, assignments = self._state_variables(), []
        for name, tree in state_tree.items():
            if name not in known:
                raise ValueError(f"set_state_tree: unknown part {name!r}; there are {', '.join(known)}")
            variables = {_path(variable): variable for variable in known[name]}
            for path, value in _flat(tree).items():
                variable, value = variables.get(path), np.asarray(value)
                if variable is None:
                    raise ValueError(f"set_state_tree: no variable has the path {path!r}; {name} are {list(variables)}")
                if value.shape != tuple(variable.shape):
                    raise ValueError(
                        f"set_state_tree: {path!r} has shape {tuple(variable.shape)}, its value {value.shape}"
                    )
                assignments.append((variable, value))
        for variable, value in assignments:
            variable.assign(value)

    def stateless_compute_loss(
        self,
        trainable_variables,
        non_trainable_variables,
        metrics_variables,
        x=None,
        y=None,
        y_pred=None,
        sample_weight=None,
        training=True,
    ):
        """The loss with these values in place of the variables', which keep their own.

        Returns `(loss, (trainable, non-trainable, metrics variables))`, the values after the computation.
        """
        variables = [*self.trainable_variables, *self.non_trainable_variables, *self.metrics_variables]
        with holding(variables, [*trainable_variables, *non_trainable_variables, *metrics_variables]) as values:
            loss = self._compute_loss(x, y, y_pred, sample_weight, training)
            after = values()
        first, second = len(trainable_variables), len(trainable_variables) + len(non_trainable_variables)
        return loss, (list(trainable_variables), after[first:second], after[second:])

    # ---- step functions ----

    def make_train_function(self, force=False):
        """Returns `train_function(iterator)`, which takes a batch from ITERATOR, trains on it and returns the logs.

        `fit` has no need of it. FORCE makes a new one where there is one already, and lets changes of `trainable` since
        `compile` take effect.
        """
        if force:
            self._keep(_settled=None)
        return self._step_of_iterator("train", force)

    def make_test_function(self, force=False):
        """Returns `test_function(iterator)`, which evaluates a batch; see `make_train_function`."""
        return self._step_of_iterator("test", force)

    def make_predict_function(self, force=False):
        """Returns `predict_function(iterator)`, which gives the outputs for a batch; see `make_train_function`."""
        return self._step_of_iterator("predict", force)

    def _step_of_iterator(self, mode, force):
        name = f"{mode}_function"
        if force or getattr(self, name) is None:
            self._keep(**{name: functools.partial(_step_on_next, self, f"{mode}_step")})
        return getattr(self, name)

    # ---- older names ----

    @property
    def compiled_metrics(self):
        """Keras 2's: an object whose `update_state(y, y_pred, sample_weight)` updates the compiled metrics."""
        return _CompiledMetrics(self)

    def compiled_loss(self, y, y_pred, sample_weight=None, regularization_losses=None):
        """Keras 2's `compute_loss(y=y, y_pred=y_pred)`. The model's own losses are part of it, so that
        REGULARIZATION_LOSSES, which Keras 2 took for them, may be given or not."""
        warnings.warn(
            "model.compiled_loss() is Keras 2's; use model.compute_loss(x, y, y_pred, sample_weight)",
            DeprecationWarning,
            stacklevel=2,
        )
        return self.compute_loss(x=None, y=y, y_pred=y_pred, sample_weight=sample_weight)
