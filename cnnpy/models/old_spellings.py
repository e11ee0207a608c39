"""Methods that Keras 2's models had. They work and say once what to write today."""

import contextlib

import numpy as np

from cnnpy.utils.deprecation import warn_once


def _say(old, new):
    warn_once(f"model.{old}", f"model.{old}() is Keras 2's; use model.{new}", stacklevel=3)


@contextlib.contextmanager
def _reading(source, max_queue_size, workers, use_multiprocessing):
    """Hands the settings of the queue on to a PyDataset; whatever else gives batches is read in the training thread,
    which gives the same batches in the same order."""
    if not hasattr(source, "workers"):
        yield
        return
    before = source.max_queue_size, source.workers, source.use_multiprocessing
    try:
        source.max_queue_size, source.workers, source.use_multiprocessing = max_queue_size, workers, use_multiprocessing
        yield
    finally:
        source.max_queue_size, source.workers, source.use_multiprocessing = before


class OldSpellings:
    """What Keras 2's Model had besides; part of every model."""

    def fit_generator(
        self,
        generator,
        steps_per_epoch=None,
        epochs=1,
        verbose=1,
        callbacks=None,
        validation_data=None,
        validation_steps=None,
        validation_freq=1,
        class_weight=None,
        max_queue_size=10,
        workers=1,
        use_multiprocessing=False,
        shuffle=True,
        initial_epoch=0,
    ):
        """`fit` for a generator or Sequence of batches."""
        _say("fit_generator", "fit(generator)")
        with _reading(generator, max_queue_size, workers, use_multiprocessing):
            return self.fit(
                generator,
                steps_per_epoch=steps_per_epoch,
                epochs=epochs,
                verbose=verbose,
                callbacks=callbacks,
                validation_data=validation_data,
                validation_steps=validation_steps,
                validation_freq=validation_freq,
                class_weight=class_weight,
                shuffle=shuffle,
                initial_epoch=initial_epoch,
            )

    def evaluate_generator(
        self,
        generator,
        steps=None,
        callbacks=None,
        max_queue_size=10,
        workers=1,
        use_multiprocessing=False,
        verbose=0,
    ):
        """`evaluate` for a generator or Sequence of batches."""
        _say("evaluate_generator", "evaluate(generator)")
        with _reading(generator, max_queue_size, workers, use_multiprocessing):
            return self.evaluate(generator, steps=steps, callbacks=callbacks, verbose=verbose)

    def predict_generator(
        self, generator, steps=None, callbacks=None, max_queue_size=10, workers=1, use_multiprocessing=False, verbose=0
    ):  # fmt: skip
        """`predict` for a generator or Sequence of batches."""
        _say("predict_generator", "predict(generator)")
        with _reading(generator, max_queue_size, workers, use_multiprocessing):
            return self.predict(generator, steps=steps, callbacks=callbacks, verbose=verbose)

    def predict_classes(self, x, batch_size=32, verbose=0):
        """The class of each sample: the place of the highest output, or with one output 1 if it is above 0.5."""
        _say("predict_classes", "predict(x).argmax(axis=-1), or (model.predict(x) > 0.5) with one output")
        scores = self.predict(x, batch_size=batch_size, verbose=verbose)
        if scores.shape[-1] > 1:
            return scores.argmax(axis=-1)
        return (scores > 0.5).astype(np.int32)

    def predict_proba(self, x, batch_size=32, verbose=0):
        """What `predict` gives."""
        _say("predict_proba", "predict(x)")
        return self.predict(x, batch_size=batch_size, verbose=verbose)
