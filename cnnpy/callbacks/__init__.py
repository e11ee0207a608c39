"""Callbacks: what happens besides training, at its epochs and batches."""

from cnnpy.callbacks.callback import Callback
from cnnpy.callbacks.callback_list import CallbackList
from cnnpy.callbacks.csv_logger import CSVLogger
from cnnpy.callbacks.early_stopping import EarlyStopping
from cnnpy.callbacks.history import History
from cnnpy.callbacks.lambda_callback import LambdaCallback
from cnnpy.callbacks.learning_rate_scheduler import LearningRateScheduler
from cnnpy.callbacks.progbar_logger import ProgbarLogger
from cnnpy.callbacks.reduce_lr_on_plateau import ReduceLROnPlateau
from cnnpy.callbacks.terminate_on_nan import TerminateOnNaN

__all__ = [
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ProgbarLogger",
    "ReduceLROnPlateau",
    "TerminateOnNaN",
]
