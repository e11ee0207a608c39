"""Losses, by class, by function and by name ('mse', 'categorical_crossentropy', 'MeanSquaredError' ...)."""

from cnnpy.losses.functions import (
    binary_crossentropy,
    binary_focal_crossentropy,
    categorical_crossentropy,
    categorical_focal_crossentropy,
    categorical_generalized_cross_entropy,
    categorical_hinge,
    circle,
    cosine_similarity,
    ctc,
    dice,
    hinge,
    huber,
    kl_divergence,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
    poisson,
    sparse_categorical_crossentropy,
    squared_hinge,
    tversky,
)
from cnnpy.losses.loss import Loss, LossFunctionWrapper
from cnnpy.losses.losses import (
    CTC,
    BinaryCrossentropy,
    BinaryFocalCrossentropy,
    CategoricalCrossentropy,
    CategoricalFocalCrossentropy,
    CategoricalGeneralizedCrossEntropy,
    CategoricalHinge,
    Circle,
    CosineSimilarity,
    Dice,
    Hinge,
    Huber,
    KLDivergence,
    LogCosh,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    Poisson,
    SparseCategoricalCrossentropy,
    SquaredHinge,
    Tversky,
)

_CLASSES = (
    CTC, BinaryCrossentropy, BinaryFocalCrossentropy, CategoricalCrossentropy, CategoricalFocalCrossentropy,
    CategoricalGeneralizedCrossEntropy, CategoricalHinge, Circle, CosineSimilarity, Dice, Hinge, Huber, KLDivergence,
    LogCosh, LossFunctionWrapper, MeanAbsoluteError, MeanAbsolutePercentageError, MeanSquaredError,
    MeanSquaredLogarithmicError, Poisson, SparseCategoricalCrossentropy, SquaredHinge, Tversky,
)  # fmt: skip
FUNCTIONS = (
    binary_crossentropy, binary_focal_crossentropy, categorical_crossentropy, categorical_focal_crossentropy,
    categorical_generalized_cross_entropy, categorical_hinge, circle, cosine_similarity, ctc, dice, hinge, huber,
    kl_divergence, log_cosh, mean_absolute_error, mean_absolute_percentage_error, mean_squared_error,
    mean_squared_logarithmic_error, poisson, sparse_categorical_crossentropy, squared_hinge, tversky,
)  # fmt: skip
_ALIASES = {
    "bce": binary_crossentropy,
    "BCE": binary_crossentropy,
    "kld": kl_divergence,
    "KLD": kl_divergence,
    "kullback_leibler_divergence": kl_divergence,
    "logcosh": log_cosh,
    "mae": mean_absolute_error,
    "MAE": mean_absolute_error,
    "mape": mean_absolute_percentage_error,
    "MAPE": mean_absolute_percentage_error,
    "mse": mean_squared_error,
    "MSE": mean_squared_error,
    "msle": mean_squared_logarithmic_error,
    "MSLE": mean_squared_logarithmic_error,
}
_BY_NAME = {
    **{cls.__name__: cls for cls in _CLASSES},
    **{function.__name__: function for function in FUNCTIONS},
    **_ALIASES,
}
globals().update(_ALIASES)

__all__ = ["Loss", "deserialize", "get", "serialize", *sorted(_BY_NAME)]


def serialize(loss):
    """LOSS (an object or a function) as a config."""
    from cnnpy.saving import serialize_keras_object

    return serialize_keras_object(loss)


def deserialize(name, custom_objects=None):
    """The loss that a config (or a name) describes."""
    from cnnpy.saving import deserialize_keras_object

    return deserialize_keras_object(name, custom_objects, module_objects=_BY_NAME)


def get(identifier):
    """The loss IDENTIFIER means: a function for its name or alias, an object for a class, its name or a config; None
    for None.

    Raises ValueError for a name nothing is known of, with the nearest spelling and all that are known.
    """
    from cnnpy.saving.identifiers import from_identifier

    return from_identifier(identifier, "loss", _BY_NAME, "a name, a Loss or a function of (y_true, y_pred)")
