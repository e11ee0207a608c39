"""Different optimizers for different variables."""

import re
from collections.abc import MutableMapping

from cnnpy.optimizers.loss_scale_optimizer import LossScaleOptimizer
from cnnpy.optimizers.optimizer import Optimizer


def _check_part(owner, optimizer):
    """TypeError or ValueError unless OPTIMIZER can be one of several."""
    if not isinstance(optimizer, Optimizer):
        raise ValueError(f"{owner}: takes Optimizers, got {optimizer!r}")
    if isinstance(optimizer, (LossScaleOptimizer, MultiOptimizer)):
        raise ValueError(f"{owner}: a {type(optimizer).__name__} cannot be one of several optimizers")


class OptimizerMap(MutableMapping):
    """Optimizers by the paths of variables: OPTIMIZER_MAP maps whole paths, or regular expressions that match whole
    paths, to Optimizers; other variables get DEFAULT_OPTIMIZER."""

    def __init__(self, default_optimizer, optimizer_map=None):
        if not isinstance(default_optimizer, Optimizer):
            raise TypeError(f"OptimizerMap: default_optimizer must be an Optimizer, got {default_optimizer!r}")
        if optimizer_map is not None and not isinstance(optimizer_map, dict):
            raise TypeError(f"OptimizerMap: optimizer_map must be a dict, got {optimizer_map!r}")
        self._default_optimizer = default_optimizer
        self._optimizer_map = optimizer_map or {}

    @property
    def default_optimizer(self):
        return self._default_optimizer

    def __getitem__(self, key):
        if key in self._optimizer_map:
            return self._optimizer_map[key]
        found = [pattern for pattern in self._optimizer_map if re.fullmatch(pattern, key)]
        if len(found) > 1:
            raise ValueError(f"OptimizerMap: several patterns match {key!r}: {', '.join(found)}")
        return self._optimizer_map[found[0]] if found else self._default_optimizer

    def __setitem__(self, key, optimizer):
        if not isinstance(key, str):
            raise ValueError(f"OptimizerMap: keys are paths or patterns, got {key!r}")
        if key in self._optimizer_map:
            raise ValueError(f"OptimizerMap: {key!r} has an optimizer already; delete it first")
        _check_part("OptimizerMap", optimizer)
        self._optimizer_map[key] = optimizer

    def __delitem__(self, key):
        del self._optimizer_map[key]

    def __len__(self):
        return len(self._optimizer_map)

    def __iter__(self):
        return iter(self._optimizer_map)

    def __call__(self, variable):
        return self[variable.path]

    def get_config(self):
        from cnnpy.saving import serialize_keras_object

        return {
            "default_optimizer": serialize_keras_object(self._default_optimizer),
            "optimizer_map": serialize_keras_object(self._optimizer_map),
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        from cnnpy.optimizers import deserialize

        parts = {key: deserialize(value, custom_objects) for key, value in config["optimizer_map"].items()}
        return cls(deserialize(config["default_optimizer"], custom_objects), parts)


class MultiOptimizer(Optimizer):
    """An optimizer that leaves each variable to one of several.

    OPTIMIZER_MAP is an OptimizerMap, or a function that returns the Optimizer of a variable. LOSS_SCALE_FACTOR takes
    the place of that of all of them. There is no one learning rate: see those of `optimizers`.
    """

    _inner_optimizers = ()

    def __init__(self, optimizer_map, loss_scale_factor=None, name=None):
        if not callable(optimizer_map):
            raise TypeError(f"MultiOptimizer: takes an OptimizerMap or a function of a variable, got {optimizer_map!r}")
        super().__init__(0.0, name=name)
        self._optimizer_map = optimizer_map
        self._inner_optimizers = []
        if isinstance(optimizer_map, OptimizerMap):
            for part in (*optimizer_map.values(), optimizer_map.default_optimizer):
                self._add(part)
        self.loss_scale_factor = loss_scale_factor

    def _add(self, part):
        _check_part("MultiOptimizer", part)
        if not any(part is known for known in self._inner_optimizers):
            self._inner_optimizers.append(part)

    def build(self, variables):
        """Asks for the optimizer of each of VARIABLES and builds them."""
        variables = list(variables)
        self._owners = []
        for variable in variables:
            part = self._optimizer_map(variable)
            self._add(part)
            self._owners.append(next(i for i, known in enumerate(self._inner_optimizers) if known is part))
        self.loss_scale_factor = self.loss_scale_factor
        for i, part in enumerate(self._inner_optimizers):
            own = [variable for variable, owner in zip(variables, self._owners) if owner == i]
            if own:
                part.build(own)
        super().build(variables)

    @property
    def optimizers(self):
        """The optimizers in use."""
        return self._inner_optimizers

    @property
    def variables(self):
        """Its own variables, then those of all parts."""
        return [*self._variables, *(variable for part in self._inner_optimizers for variable in part.variables)]

    @property
    def learning_rate(self):
        raise AttributeError("a MultiOptimizer has no learning_rate; each of its `optimizers` has its own")

    @learning_rate.setter
    def learning_rate(self, value):
        raise AttributeError("a MultiOptimizer has no learning_rate; set that of each of its `optimizers`")

    @property
    def loss_scale_factor(self):
        return self.__dict__.get("_loss_scale_factor")

    @loss_scale_factor.setter
    def loss_scale_factor(self, value):
        self.__dict__["_loss_scale_factor"] = value
        for part in self._inner_optimizers:
            part.loss_scale_factor = value

    def apply(self, grads, trainable_variables=None):
        """A step of each part by its own variables' gradients."""
        grads = list(grads)
        if not grads:
            return
        if not self.built and trainable_variables is None:
            raise ValueError("MultiOptimizer.apply: pass the variables with the gradients, or call build() first")
        if not self.built:
            self.build(trainable_variables)
        variables = self._trainable_variables if trainable_variables is None else list(trainable_variables)
        if len(grads) != len(variables):
            raise ValueError(f"MultiOptimizer.apply: {len(grads)} gradients for {len(variables)} variables")
        shares = [([], []) for _ in self._inner_optimizers]
        for gradient, variable in zip(grads, variables):
            self._check_known(variable)
            own = shares[self._owners[self._index[id(variable)]]]
            own[0].append(gradient)
            own[1].append(variable)
        for part, (part_grads, part_variables) in zip(self._inner_optimizers, shares):
            if part_variables:
                part.apply(part_grads, part_variables)
        self._iterations.assign_add(1)

    def finalize_variable_values(self, var_list):
        for part in self._inner_optimizers:
            part.finalize_variable_values(var_list)

    def get_config(self):
        from cnnpy.saving import serialize_keras_object

        return {
            "optimizer_map": serialize_keras_object(self._optimizer_map),
            "loss_scale_factor": self.loss_scale_factor,
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        from cnnpy.saving import deserialize_keras_object

        made = deserialize_keras_object(config["optimizer_map"], custom_objects)
        return cls(**{**config, "optimizer_map": made})
