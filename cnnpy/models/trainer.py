"""The training loop: compile, fit, evaluate, predict and their one-batch forms, as Keras 3 has them.

A step is the model's call under a tape, the loss, one walk of the tape, one update of all variables and the metrics;
everything else (checks, callbacks, progress, logs) is settled before the loop or done only when somebody asks.
"""

import contextlib
import math
import warnings

import numpy as np

from cnnpy import _core, config
from cnnpy import metrics as metrics_module
from cnnpy import optimizers as optimizers_module
from cnnpy._core import GradientTape
from cnnpy.callbacks.callback_list import CallbackList, pythonify_logs
from cnnpy.models import numerics
from cnnpy.models.compile import CompileLoss, CompileMetrics
from cnnpy.models.data import (
    Epochs,
    check_batch_size,
    check_count,
    pack_x_y_sample_weight,
    split_for_validation,
    unpack_x_y_sample_weight,
)
from cnnpy.models.feeding import make_batch, make_data
from cnnpy.models.loops import Outputs, walk
from cnnpy.models.settled import settled_step
from cnnpy.models.trainer_metrics import TrainerMetrics
from cnnpy.models.trainer_state import TrainerState
from cnnpy.tree import flatten, map_structure


def _steps(value, name):
    """A number of steps; a float, which Keras 2 took, is rounded up with a warning."""
    if isinstance(value, (float, np.floating)) and math.isfinite(value):
        whole = math.ceil(value)
        warnings.warn(f"{name}={value} should be an integer; taking {whole}", stacklevel=4)
        value = whole
    return check_count(value, name, 1)


def _check_verbose(verbose):
    if verbose not in ("auto", 0, 1, 2):
        raise ValueError(f"verbose must be 'auto', 0, 1 or 2, got {verbose!r}")
    return verbose


def _samples(x):
    """Rows of a batch."""
    if not isinstance(x, (list, tuple, dict)):
        return x.shape[0]
    return next(leaf.shape[0] for leaf in flatten(x) if leaf is not None)


@contextlib.contextmanager
def _naming(where):
    """Puts WHERE before the messages of numbers that are not finite."""
    try:
        yield
    except FloatingPointError as error:
        raise FloatingPointError(f"{where}{error}") from None


class Trainer(TrainerMetrics, TrainerState):
    """What Model offers for training. A model calls `Trainer.__init__(self)` in its own."""

    # Attributes with metrics of the trainer's own, which are none of the model's.
    _trainer_state = frozenset(
        {
            *("_compile_arguments", "_compile_loss", "_compile_metrics", "_loss_tracker", "_settled"),
            *("history", "optimizer", "loss", "_fit_variables_cache"),
        }
    )

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        cls._untracked = getattr(cls, "_untracked", frozenset()) | Trainer._trainer_state

    def __init__(self):
        self._keep(
            compiled=False,
            optimizer=None,
            loss=None,
            history=None,
            run_eagerly=False,
            jit_compile=False,
            steps_per_execution=1,
            stop_training=False,
            stop_evaluating=False,
            stop_predicting=False,
            _compile_loss=None,
            _compile_metrics=None,
            _loss_tracker=None,
            _loss_takes_training=True,
            _compile_arguments=None,
            _fit_variables_cache=None,
            _running=None,
            _trouble=None,
            _initial_epoch=None,
            _going_on=None,
            _settled=None,
            train_function=None,
            test_function=None,
            predict_function=None,
        )

    def _keep(self, **attributes):
        """Sets attributes that are no part of the model, past what tracks layers and variables."""
        for name, value in attributes.items():
            object.__setattr__(self, name, value)

    def _overrides(self, name):
        """True if the model has its own function NAME instead of the Trainer's."""
        return getattr(getattr(self, name), "__func__", None) is not Trainer.__dict__[name]

    # ---- compile ----

    def compile(
        self,
        optimizer="rmsprop",
        loss=None,
        loss_weights=None,
        metrics=None,
        weighted_metrics=None,
        run_eagerly=False,
        steps_per_execution=1,
        jit_compile="auto",
        auto_scale_loss=True,
    ):
        """Settles how the model is trained.

        Which layers are trained (`layer.trainable`) is settled by the first step of `fit` or `train_on_batch` after it:
        later changes take effect when the model is compiled again, and until then `fit` warns of them. With
        `run_eagerly` they take effect at once.

        Arguments:
            optimizer: a name or an Optimizer.
            loss: a name, a function `(y_true, y_pred)` or a Loss; with several outputs a list or dict, one each.
                None trains on what layers add by `add_loss`.
            loss_weights: factors of the losses, a list or dict.
            metrics: a list of names, functions or Metrics; with several outputs a list or dict of them. 'accuracy' and
                'crossentropy' become binary, categorical or sparse by the shapes of labels and outputs.
            weighted_metrics: metrics that take `sample_weight` and `class_weight` into account.
            run_eagerly: every model runs eagerly; True lets changes of `layer.trainable` take effect at once.
            steps_per_execution: the batch hooks of callbacks are called every so many batches.
            jit_compile: accepted; there is nothing to compile, the core is compiled already.
            auto_scale_loss: accepted; no dtype here needs a scaled loss.

        Raises:
            ValueError: an unknown name. TypeError: something that is no optimizer, loss or metric.
        """
        arguments = {
            "optimizer": optimizer,
            "loss": loss,
            "loss_weights": loss_weights,
            "metrics": metrics,
            "weighted_metrics": weighted_metrics,
            "run_eagerly": run_eagerly,
            "steps_per_execution": steps_per_execution,
            "jit_compile": False if jit_compile == "auto" else jit_compile,
        }
        steps_per_execution = check_count(steps_per_execution, "steps_per_execution", 1)
        arguments["optimizer"] = optimizer = optimizers_module.get(optimizer)
        names = getattr(self, "output_names", None) or None
        compile_loss = None if loss is None else CompileLoss(loss, loss_weights, names)
        compile_metrics = None
        if metrics is not None or weighted_metrics is not None:
            compile_metrics = CompileMetrics(metrics, weighted_metrics, names)
        takes_training = True
        if self._overrides("compute_loss"):
            import inspect

            takes_training = "training" in inspect.signature(self.compute_loss).parameters
        self._keep(
            optimizer=optimizer,
            loss=loss,
            run_eagerly=bool(run_eagerly),
            jit_compile=bool(jit_compile) and jit_compile != "auto",
            steps_per_execution=steps_per_execution,
            stop_training=False,
            compiled=True,
            _compile_loss=compile_loss,
            _compile_metrics=compile_metrics,
            _loss_tracker=metrics_module.Mean(name="loss"),
            _loss_takes_training=takes_training,
            _compile_arguments=arguments,
            _settled=None,
            _fit_variables_cache=None,
        )

    def _require_compiled(self, what):
        if not self.compiled:
            raise ValueError(
                f'{type(self).__name__} "{self.name}": call compile() before {what}(), '
                "e.g. model.compile('adam', loss='mse')"
            )

    # ---- one step ----

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """The total loss of a batch: the compiled loss plus all that layers and regularizers add.

        Override it for a loss of your own. Returns a scalar Tensor.

        Raises:
            ValueError: there is no loss at all.
        """
        total = None
        if self._compile_loss is not None:
            total = self._compile_loss(y, y_pred, sample_weight)
        for extra in self.losses:
            if getattr(extra, "ndim", 0):
                extra = _core.sum(extra)
            total = extra if total is None else _core.add(total, extra)
        if total is None:
            raise ValueError(f"{self.name}: there is no loss to compute; pass loss=... to compile()")
        return total

    def _compute_loss(self, x, y, y_pred, sample_weight, training):
        if self._loss_takes_training:
            return self.compute_loss(x, y, y_pred, sample_weight, training=training)
        return self.compute_loss(x, y, y_pred, sample_weight)

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        """Takes a batch into the compiled metrics; returns the dict of all metrics' values.

        Override it for metrics of your own.
        """
        if self._compile_metrics is not None:
            self._compile_metrics.update_state(y, y_pred, sample_weight)
        return self.get_metrics_result()

    def train_step(self, data):
        """One step on one batch; override it for training of your own kind.

        Arguments:
            data: `x`, `(x, y)` or `(x, y, sample_weight)` as tensors: what was given to `fit`.

        Returns:
            dict of name to value.
        """
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        return self.compute_metrics(x, y, self._learn(x, y, sample_weight), sample_weight)

    def test_step(self, data):
        """Evaluates one batch; override it with `train_step`. Returns a dict of name to value."""
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        return self.compute_metrics(x, y, self._judge(x, y, sample_weight), sample_weight)

    def predict_step(self, data):
        """The model's output for one batch."""
        x, _, _ = unpack_x_y_sample_weight(data)
        return self(x, training=False)

    def _learn(self, x, y, sample_weight):
        """Forward, backward, update. Returns the output."""
        with GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self._compute_loss(x, y, y_pred, sample_weight, True)
            target = self.optimizer.scale_loss(loss)
        self._loss_tracker.update_state(loss, sample_weight=_samples(x))
        variables = self._fit_variables_cache or self.trainable_variables
        if config.is_check_numerics_enabled():
            numerics.check(self, x, loss, True, y)
        if self._trouble == "":  # TerminateOnNaN wants to know, while the weights are what they were
            self._keep(_trouble=numerics.explain(self, x, loss, True, y) or "")
        if variables:
            gradients = tape.gradient(target, variables)
            if config.is_check_numerics_enabled():
                numerics.check_gradients(gradients, variables)
            self.optimizer.apply(gradients, variables)
        else:
            warnings.warn("the model has no trainable weights: nothing is trained", stacklevel=2)
        return y_pred

    def _judge(self, x, y, sample_weight):
        """Forward and loss. Returns the output."""
        y_pred = self(x, training=False)
        loss = self._compute_loss(x, y, y_pred, sample_weight, False)
        self._loss_tracker.update_state(loss, sample_weight=_samples(x))
        if config.is_check_numerics_enabled():
            numerics.check(self, x, loss, False, y)
        return y_pred

    def _step_function(self, mode):
        """What the loop calls per batch, for MODE 'train' or 'test'."""
        step = self._one_step(mode)
        return settled_step(self, step) if mode == "train" and not self.run_eagerly else step

    def _one_step(self, mode):
        """A function that takes a batch and does a step of MODE.

        Returns the logs if the model has a step or metrics of its own. Else returns None, and the values of the metrics
        are only computed when somebody looks.
        """
        if self._overrides(f"{mode}_step") or self._overrides("compute_metrics"):
            own = getattr(self, f"{mode}_step")

            def packed(batch):
                logs = own(pack_x_y_sample_weight(*batch))
                if config.is_check_numerics_enabled() and isinstance(logs, dict) and "loss" in logs:
                    numerics.check(self, batch[0], logs["loss"], mode == "train", batch[1])
                return logs

            return packed
        run = self._learn if mode == "train" else self._judge
        compiled = self._compile_metrics
        update = None if compiled is None else compiled.update_state

        def step(data):
            x, y, sample_weight = data
            y_pred = run(x, y, sample_weight)
            if update is not None:
                update(y, y_pred, sample_weight)

        return step

    def _callbacks(self, callbacks, verbose, epochs, steps, history=False):
        if isinstance(callbacks, CallbackList):
            return callbacks
        _check_verbose(verbose)
        return CallbackList(
            callbacks,
            add_history=history,
            add_progbar=verbose != 0,
            model=self,
            verbose=verbose,
            epochs=epochs,
            steps=steps,
        )

    def _interrupted(self, callbacks, error, batch_size, training):
        callbacks.interrupt()
        if isinstance(error, MemoryError):
            from cnnpy.utils import memory

            memory.explain(error, self, batch_size, training)

    # ---- the loops ----

    def fit(
        self,
        x=None,
        y=None,
        batch_size=None,
        epochs=1,
        verbose="auto",
        callbacks=None,
        validation_split=0.0,
        validation_data=None,
        shuffle=True,
        class_weight=None,
        sample_weight=None,
        initial_epoch=0,
        steps_per_epoch=None,
        validation_steps=None,
        validation_batch_size=None,
        validation_freq=1,
    ):
        """Trains the model for a number of epochs.

        Arguments:
            x: inputs: an array `(samples, ...)`, a list or dict of arrays for several inputs, or a source of batches: a
                generator or other iterable, a `utils.PyDataset` (whose workers read ahead) or another object with
                `len()` and `[]`, giving `(x, y)` or `(x, y, weights)`.
                Arrays may have any number dtype and may be memory-mapped.
            y: labels, arrays; None if x gives batches.
            batch_size: samples per step, 32 if not given. Not for sources of batches.
            epochs: train until this epoch.
            verbose: 0 silent, 1 or 'auto' a progress bar, 2 a line per epoch.
            callbacks: a Callback or a list of them.
            validation_split: this last fraction of the arrays (before shuffling) is not trained on, but evaluated.
            validation_data: `(x, y)`, `(x, y, weights)` or a source of batches, evaluated after every epoch.
            shuffle: a new order in each epoch; 'batch': only within batches. The order follows NumPy's global
                generator, which `cnnpy.utils.set_random_seed` sets.
            class_weight: dict of class to weight.
            sample_weight: an array with a weight per sample (or one per output, as a list or dict).
            initial_epoch: the number of the first epoch.
            steps_per_epoch: batches per epoch; needed for endless sources.
            validation_steps: batches per validation.
            validation_batch_size: `batch_size` if not given.
            validation_freq: validate every so many epochs, or after the epochs of a list (counted from 1).

        Returns:
            The History; `history.history` is a dict of name to the values of all epochs. After an interruption
            `model.history` has the epochs done.

        Raises:
            ValueError: compile() is missing; arrays, labels and model do not fit; NaN; settings out of range.
            FloatingPointError: a loss or gradient is not finite, after `config.enable_check_numerics()`.
            TypeError: data that are no numbers; settings of a wrong type.
        """
        self._require_compiled("fit")
        if self.optimizer is None:
            raise ValueError(f"{self.name}: compile() got no optimizer, so fit() cannot train")
        epochs = check_count(epochs, "epochs", 0)
        if config.max_epochs() and config.max_epochs() < epochs:
            epochs = config.max_epochs()
            warnings.warn(f"config.set_max_epochs: training for only {epochs} epochs", stacklevel=2)
        initial_epoch = check_count(initial_epoch, "initial_epoch", 0)
        steps_per_epoch = _steps(steps_per_epoch, "steps_per_epoch")
        validation_steps = _steps(validation_steps, "validation_steps")
        check_batch_size(validation_batch_size, "validation_batch_size")
        check_batch_size(batch_size)
        validates = self._validation_epochs(validation_freq)
        if not 0 <= validation_split < 1:
            raise ValueError(f"validation_split must be at least 0 and under 1, got {validation_split}")
        if validation_split and validation_data is None:
            (x, y, sample_weight), validation_data = split_for_validation(x, y, sample_weight, validation_split)
        data = make_data(self, x, y, sample_weight, batch_size, steps_per_epoch, shuffle, class_weight, suspicious=True)
        training = Epochs(data, steps_per_epoch)
        validation = None
        if validation_data is not None:
            validation = self._validation(validation_data, validation_batch_size or batch_size, validation_steps)
        callbacks = self._callbacks(callbacks, verbose, epochs, training.num_batches, history=True)
        self._keep(stop_training=False, _running=callbacks)
        try:
            self._fit(training, validation, validates, callbacks, initial_epoch, epochs)
        except BaseException as error:
            self._interrupted(callbacks, error, batch_size, True)
            raise
        finally:
            self._keep(_fit_variables_cache=None, _running=None)
            training.close()
            if validation is not None:
                validation.close()
        return self.history

    def _validation(self, validation_data, batch_size, steps):
        """The Epochs of the validation data, which are `(x, y)`, `(x, y, weights)` or a source of batches."""
        if isinstance(validation_data, (tuple, list)):
            x, y, weight = unpack_x_y_sample_weight(validation_data)
        else:
            x, y, weight = validation_data, None, None
        try:
            return Epochs(make_data(self, x, y, weight, batch_size, steps), steps)
        except (ValueError, TypeError) as error:
            raise type(error)(f"validation_data: {error}") from None

    @staticmethod
    def _validation_epochs(frequency):
        """A function that tells whether the epoch of a number (from 0) is validated."""
        if isinstance(frequency, (list, tuple, set)):
            return lambda epoch: epoch + 1 in frequency
        every = check_count(frequency, "validation_freq", 1)
        return lambda epoch: (epoch + 1) % every == 0

    def _fit(self, training, validation, validates, callbacks, initial_epoch, epochs):
        step = self._step_function("train")
        cached = not self._overrides("train_step")
        self._keep(_initial_epoch=None, _going_on=None)
        callbacks.on_train_begin()
        if self._initial_epoch is not None:  # BackupAndRestore goes on from there
            initial_epoch = self._initial_epoch
        final_logs = None
        for epoch in range(initial_epoch, epochs):
            self.reset_metrics()
            callbacks.on_epoch_begin(epoch)
            if cached:  # callbacks may compile the model between epochs
                self._keep(_fit_variables_cache=self.trainable_variables if self.built else None)
            first, resumed = self._going_on if self._going_on and epoch == initial_epoch else (0, None)
            bars = callbacks.progbars
            with _naming(f"epoch {epoch + 1}, "):
                logs = walk(self, training, step, callbacks, "train", "stop_training", bars, first, resumed)
            logs = dict(self._epoch_logs(logs))
            if validation is not None and validates(epoch):
                logs.update((f"val_{name}", value) for name, value in self._evaluate(validation, callbacks, ()).items())
            final_logs = logs
            callbacks.on_epoch_end(epoch, logs)
            if training.exhausted and epoch + 1 < epochs:
                warnings.warn(
                    f"the data ended with epoch {epoch + 1} of {epochs}, training ends; a generator must give batches "
                    "for all epochs, or pass an object that can be iterated anew",
                    stacklevel=3,
                )
                break
            if self.stop_training:
                break
        finish = getattr(self.optimizer, "finalize_variable_values", None)
        if finish is not None and epochs > initial_epoch:
            finish(self.trainable_variables)
        callbacks.on_train_end(final_logs)

    def _evaluate(self, batches, callbacks, bars):
        """One pass over BATCHES; returns the dict of values."""
        self._keep(stop_evaluating=False)
        batches.restart()
        callbacks.on_test_begin()
        self.reset_metrics()
        logs = walk(self, batches, self._step_function("test"), callbacks, "test", "stop_evaluating", bars)
        logs = pythonify_logs(self._epoch_logs(logs))
        callbacks.on_test_end(logs)
        return logs

    def evaluate(
        self,
        x=None,
        y=None,
        batch_size=None,
        verbose="auto",
        sample_weight=None,
        steps=None,
        callbacks=None,
        return_dict=False,
    ):
        """Loss and metrics on data, in inference.

        Arguments are those of `fit`; `steps` is the number of batches.

        Returns:
            The loss, or `[loss, metrics...]` in the order of `metrics_names`; with `return_dict` a dict.
        """
        self._require_compiled("evaluate")
        steps = _steps(steps, "steps")
        batches = Epochs(make_data(self, x, y, sample_weight, batch_size, steps), steps)
        callbacks = self._callbacks(callbacks, verbose, 1, batches.num_batches)
        try:
            logs = self._evaluate(batches, callbacks, callbacks.progbars)
        except BaseException as error:
            self._interrupted(callbacks, error, batch_size, False)
            raise
        finally:
            batches.close()
        return logs if return_dict else self._as_list(logs)

    def predict(self, x, batch_size=None, verbose="auto", steps=None, callbacks=None):
        """The model's outputs for x, in inference.

        Arguments are those of `fit`; `steps` is the number of batches.

        Returns:
            A NumPy array with a row per sample, or the structure of the model's outputs filled with such arrays.
        """
        steps = _steps(steps, "steps")
        data = make_data(self, x, batch_size=batch_size, steps=steps, labels=False)
        batches = Epochs(data, steps)
        callbacks = self._callbacks(callbacks, verbose, 1, batches.num_batches)
        samples = data.samples if steps is None or data.samples is None else min(data.samples, steps * data.batch_size)
        outputs = Outputs(samples)
        step = self.predict_step
        wanted = bool(callbacks.listeners["on_predict_batch_end"])

        def run(batch):
            result = step(pack_x_y_sample_weight(*batch))
            outputs.add(result, _samples(batch[0]))
            return result if wanted else None

        self._keep(stop_predicting=False)
        try:
            callbacks.on_predict_begin()
            walk(self, batches, run, callbacks, "predict", "stop_predicting", callbacks.progbars)
            callbacks.on_predict_end()
        except BaseException as error:
            self._interrupted(callbacks, error, batch_size, False)
            raise
        finally:
            batches.close()
        return outputs.result()

    # ---- one batch ----

    def train_on_batch(self, x, y=None, sample_weight=None, class_weight=None, return_dict=False):
        """One step on one batch. Returns the loss (before the step) and metrics of this batch as `evaluate` does."""
        self._require_compiled("train_on_batch")
        batch = make_batch(self, x, y, sample_weight, class_weight)
        self.reset_metrics()
        return self._on_batch(self._step_function("train")(batch), return_dict)

    def test_on_batch(self, x, y=None, sample_weight=None, return_dict=False):
        """Loss and metrics of one batch, in inference, as `evaluate` returns them."""
        self._require_compiled("test_on_batch")
        batch = make_batch(self, x, y, sample_weight)
        self.reset_metrics()
        return self._on_batch(self._step_function("test")(batch), return_dict)

    def _on_batch(self, logs, return_dict):
        logs = pythonify_logs(self.get_metrics_result() if logs is None else logs)
        return logs if return_dict else self._as_list(logs)

    def predict_on_batch(self, x):
        """The model's outputs for one batch as NumPy arrays."""
        batch = make_batch(self, x, labels=False)
        return map_structure(lambda t: np.array(t), self.predict_step(pack_x_y_sample_weight(batch[0])))
