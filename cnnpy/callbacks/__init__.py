"""Callbacks: what happens besides training, at its epochs and batches."""

from cnnpy.callbacks.backup_and_restore import BackupAndRestore
from cnnpy.callbacks.callback import Callback
from cnnpy.callbacks.callback_list import CallbackList
from cnnpy.callbacks.csv_logger import CSVLogger
from cnnpy.callbacks.early_stopping import EarlyStopping
from cnnpy.callbacks.history import History
from cnnpy.callbacks.lambda_callback import LambdaCallback
from cnnpy.callbacks.learning_rate_scheduler import LearningRateScheduler
from cnnpy.callbacks.live_plot import LivePlot
from cnnpy.callbacks.model_checkpoint import ModelCheckpoint
from cnnpy.callbacks.progbar_logger import ProgbarLogger
from cnnpy.callbacks.reduce_lr_on_plateau import ReduceLROnPlateau
from cnnpy.callbacks.remote_monitor import RemoteMonitor
from cnnpy.callbacks.swap_ema_weights import SwapEMAWeights
from cnnpy.callbacks.tensor_board import TensorBoard
from cnnpy.callbacks.terminate_on_nan import TerminateOnNaN

__all__ = [
    "BackupAndRestore",
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "LivePlot",
    "ModelCheckpoint",
    "ProgbarLogger",
    "ReduceLROnPlateau",
    "RemoteMonitor",
    "SwapEMAWeights",
    "TensorBoard",
    "TerminateOnNaN",
]


def __getattr__(name):
    if name == "OrbaxCheckpoint":
        from cnnpy.utils.suggest import no_attribute

        raise no_attribute(
            "cnnpy.callbacks",
            name,
            "cnnpy.callbacks.OrbaxCheckpoint is not offered: Orbax stores JAX's arrays; use ModelCheckpoint",
        )
    raise AttributeError(f"module 'cnnpy.callbacks' has no attribute {name!r}")
