"""What models offer for files; the work is done in cnnpy/saving."""


class SavingMethods:
    """`save`, `save_weights`, `load_weights`, and the compile settings that a file keeps; part of every model."""

    def save(self, filepath, overwrite=True, zipped=None, **kwargs):
        """Saves the model whole to a `.keras` file; see `cnnpy.saving.save_model`."""
        from cnnpy.saving import save_model

        save_model(self, filepath, overwrite, zipped, **kwargs)

    def save_weights(self, filepath, overwrite=True):
        """Saves the weights, and the optimizer's state, to a `.weights.h5` file; see `cnnpy.saving.save_weights`."""
        from cnnpy.saving import save_weights

        save_weights(self, filepath, overwrite)

    def load_weights(self, filepath, skip_mismatch=False, **kwargs):
        """Reads weights from a `.weights.h5` or `.keras` file; see `cnnpy.saving.load_weights`."""
        from cnnpy.saving import load_weights

        load_weights(self, filepath, skip_mismatch, **kwargs)

    def export(self, filepath, format=None, **kwargs):
        """Not offered: TensorFlow's SavedModel and the like need their own runtimes."""
        raise NotImplementedError("export is not offered; use save('model.keras'), which Keras reads")

    def get_compile_config(self):
        """The arguments of `compile` as plain data, which a `.keras` file keeps.

        None before it was called, and for models with a `compile` of their own: these write this function and
        `compile_from_config` too, or are compiled again after loading.
        """
        from cnnpy.saving import serialize_keras_object

        if not self.compiled or self._compile_arguments is None or self._overrides("compile"):
            return None
        return serialize_keras_object(self._compile_arguments)

    def compile_from_config(self, config):
        """Compiles with what `get_compile_config` gave, and builds the optimizer for the model's weights."""
        from cnnpy.saving import deserialize_keras_object

        self.compile(**deserialize_keras_object(config))
        if self.optimizer is not None and self.built:
            self.optimizer.build(self.trainable_variables)
