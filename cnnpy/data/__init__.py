"""Data sets that are read, changed, shuffled and batched on their way to a model: `cnnpy.data.Dataset`.

The names and meanings are those of TensorFlow's `tf.data`, which Keras notebooks use.
"""

from cnnpy.data.dataset import AUTOTUNE, INFINITE_CARDINALITY, UNKNOWN_CARDINALITY, Dataset

__all__ = ["AUTOTUNE", "INFINITE_CARDINALITY", "UNKNOWN_CARDINALITY", "Dataset"]
