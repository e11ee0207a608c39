"""Vectors for whole numbers."""

import warnings

from cnnpy import _core, constraints, initializers, regularizers
from cnnpy.layers import arguments
from cnnpy.layers.calling import label
from cnnpy.layers.layer import Layer


class Embedding(Layer):
    """Row x of the weight `embeddings`, [INPUT_DIM, OUTPUT_DIM], for every number of the input: [...] to
    [..., OUTPUT_DIM].

    Inputs of any dtype are taken as whole numbers from 0 to INPUT_DIM - 1; negative ones count from the end. With
    MASK_ZERO=True the entries that are 0 are masked, and INPUT_DIM counts that 0. WEIGHTS, a matrix, is the initial
    value of the embeddings. Raises ValueError for a number that is out of range.
    """

    _plain = True
    _casts = False

    def __init__(
        self,
        input_dim,
        output_dim,
        embeddings_initializer="uniform",
        embeddings_regularizer=None,
        embeddings_constraint=None,
        mask_zero=False,
        weights=None,
        lora_rank=None,
        lora_alpha=None,
        quantization_config=None,
        **kwargs,
    ):
        if kwargs.pop("input_length", None) is not None:
            warnings.warn("Embedding: input_length is not needed any more; leave it out", stacklevel=2)
        super().__init__(**kwargs)
        if lora_rank is not None or lora_alpha is not None or quantization_config is not None:
            raise NotImplementedError(
                "Embedding: lora_rank, lora_alpha and quantization_config are not offered; leave them None"
            )
        self.autocast = False
        self.input_dim = arguments.positive(type(self).__name__, "input_dim", input_dim)
        self.output_dim = arguments.positive(type(self).__name__, "output_dim", output_dim)
        self.embeddings_initializer = initializers.get(embeddings_initializer)
        self.embeddings_regularizer = regularizers.get(embeddings_regularizer)
        self.embeddings_constraint = constraints.get(embeddings_constraint)
        self.mask_zero = bool(mask_zero)
        self.supports_masking = self._makes_masks = self.mask_zero
        self.embeddings = None
        if weights is not None:
            self.build()
            self.set_weights(weights if isinstance(weights, list) and len(weights) == 1 else [weights])

    def build(self, input_shape=None):
        self.embeddings = self.add_weight(
            name="embeddings",
            shape=(self.input_dim, self.output_dim),
            initializer=self.embeddings_initializer,
            regularizer=self.embeddings_regularizer,
            constraint=self.embeddings_constraint,
        )

    def _bind_ops(self):
        self._op = _core.take.bind(label(self), axis=0)

    def call(self, inputs):
        if inputs.dtype not in ("int32", "int64", "uint8"):
            inputs = _core.cast(inputs, dtype="int32")
        try:
            y = self._op(self.embeddings, inputs)
        except IndexError as error:
            raise ValueError(f"{error}; its inputs must be below input_dim={self.input_dim}") from None
        return y if y.dtype == self._compute_dtype else _core.cast(y, dtype=self._compute_dtype)

    def compute_mask(self, inputs, mask=None):
        """Which entries of INPUTS are not 0, if mask_zero; else None."""
        if not self.mask_zero:
            return None
        from cnnpy import ops

        return ops.not_equal(inputs, 0)

    def compute_output_shape(self, input_shape):
        return (*input_shape, self.output_dim)

    def get_config(self):
        return {
            **super().get_config(),
            "input_dim": self.input_dim,
            "output_dim": self.output_dim,
            "embeddings_initializer": initializers.serialize(self.embeddings_initializer),
            "embeddings_regularizer": regularizers.serialize(self.embeddings_regularizer),
            "embeddings_constraint": constraints.serialize(self.embeddings_constraint),
            "mask_zero": self.mask_zero,
        }
