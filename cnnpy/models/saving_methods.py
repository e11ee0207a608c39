"""What models offer for files; the work is done in cnnpy/saving."""


class SavingMethods:
    """`save`, `save_weights` and `load_weights`; part of every model."""

    def save(self, filepath, overwrite=True, zipped=None, **kwargs):
        """Saves the model whole to a `.keras` or `.h5` file; see `cnnpy.saving.save_model`."""
        from cnnpy.saving import save_model

        save_model(self, filepath, overwrite, zipped, **kwargs)

    def save_weights(self, filepath, overwrite=True):
        """Saves the weights, and the optimizer's state, to a `.weights.h5` file; see `cnnpy.saving.save_weights`."""
        from cnnpy.saving import save_weights

        save_weights(self, filepath, overwrite)

    def load_weights(self, filepath, skip_mismatch=False, **kwargs):
        """Reads weights from a `.weights.h5`, `.h5` or `.keras` file; see `cnnpy.saving.load_weights`."""
        from cnnpy.saving import load_weights

        load_weights(self, filepath, skip_mismatch, **kwargs)

    def export(self, filepath, format=None, **kwargs):
        """Not offered: TensorFlow's SavedModel and the like need their own runtimes."""
        raise NotImplementedError("export is not offered; use save('model.keras'), which Keras reads")
