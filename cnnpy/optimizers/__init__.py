"""Optimizers, by class and by name ('sgd', 'adam', ...), and learning-rate schedules."""

from cnnpy.optimizers import legacy, schedules
from cnnpy.optimizers.adadelta import Adadelta
from cnnpy.optimizers.adafactor import Adafactor
from cnnpy.optimizers.adagrad import Adagrad
from cnnpy.optimizers.adam import Adam
from cnnpy.optimizers.adamax import Adamax
from cnnpy.optimizers.adamw import AdamW
from cnnpy.optimizers.ftrl import Ftrl
from cnnpy.optimizers.lamb import Lamb
from cnnpy.optimizers.lion import Lion
from cnnpy.optimizers.loss_scale_optimizer import LossScaleOptimizer
from cnnpy.optimizers.multi_optimizer import MultiOptimizer, OptimizerMap
from cnnpy.optimizers.muon import Muon
from cnnpy.optimizers.nadam import Nadam
from cnnpy.optimizers.optimizer import Optimizer
from cnnpy.optimizers.rmsprop import RMSprop
from cnnpy.optimizers.schedule_free_adamw import ScheduleFreeAdamW
from cnnpy.optimizers.sgd import SGD
from cnnpy.utils.suggest import unknown

_CLASSES = (
    Adadelta, Adafactor, Adagrad, Adam, AdamW, Adamax, Ftrl, Lamb, Lion, LossScaleOptimizer, MultiOptimizer, Muon,
    Nadam, RMSprop, SGD, ScheduleFreeAdamW,
)  # fmt: skip
_BY_NAME = {
    **{cls.__name__: cls for cls in (*_CLASSES, OptimizerMap)},
    **{cls.__name__.lower(): cls for cls in (*_CLASSES, OptimizerMap)},
}

__all__ = [
    "SGD", "Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "Ftrl", "Lamb", "Lion", "LossScaleOptimizer",
    "MultiOptimizer", "Muon", "Nadam", "Optimizer", "OptimizerMap", "RMSprop", "ScheduleFreeAdamW", "deserialize",
    "get", "legacy", "schedules", "serialize",
]  # fmt: skip


def serialize(optimizer):
    """OPTIMIZER as a config."""
    from cnnpy.saving import serialize_keras_object

    return serialize_keras_object(optimizer)


def deserialize(config, custom_objects=None):
    """The optimizer that CONFIG describes, {"class_name": ..., "config": {...}}; names of ours in any case."""
    from cnnpy.saving import deserialize_keras_object

    name = str(config["class_name"])
    if name.lower() in _BY_NAME:
        config = {**config, "class_name": name.lower()}
    return deserialize_keras_object(config, custom_objects, module_objects=_BY_NAME)


def get(identifier):
    """The optimizer IDENTIFIER means: a name in any case, a config, a class, an object; None for None.

    Raises ValueError for a name nothing is known of, with the nearest spelling and all that are known.
    """
    if identifier is None or isinstance(identifier, Optimizer):
        return identifier
    if isinstance(identifier, dict):
        return get(deserialize(identifier))
    if isinstance(identifier, str):
        from cnnpy.saving import get_registered_object

        cls = get_registered_object(identifier, None, _BY_NAME) or _BY_NAME.get(identifier.lower())
        if cls is None:
            raise unknown("optimizer", identifier, [c.__name__ for c in _CLASSES])
        return get(cls)
    if isinstance(identifier, type) and issubclass(identifier, Optimizer):
        return identifier()
    raise ValueError(f"an optimizer is a name, a config or an Optimizer; got {identifier!r}")
