"""A training run that may be stopped: python backup_program.py FOLDER SAVE_FREQ [STOP_EPOCH STOP_BATCH].

Prints a digest of the final weights and the learning rate; without a folder it runs without backups.
"""

import hashlib
import os
import sys

import numpy as np

import cnnpy
from cnnpy import callbacks, layers


class Stop(callbacks.Callback):
    """Ends the process as a power cut would."""

    def __init__(self, epoch, batch):
        super().__init__()
        self.at = epoch, batch

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if (self.epoch, batch) == self.at:
            os._exit(3)


def main(folder, save_freq, stop=()):
    cnnpy.utils.set_random_seed(3)
    model = cnnpy.Sequential(
        [
            layers.Input((6, 6, 1)),
            layers.Conv2D(3, 3, activation="relu"),
            layers.Dropout(0.3),
            layers.BatchNormalization(),
            layers.Flatten(),
            layers.GaussianNoise(0.1),
            layers.Dense(2),
        ]
    )
    model.compile("adam", "mse", metrics=["mae"])
    x = np.random.default_rng(0).normal(size=(40, 6, 6, 1)).astype("float32")
    y = x.mean((1, 2)) @ np.ones((1, 2), "float32")
    others = [
        callbacks.ReduceLROnPlateau("loss", patience=1, factor=0.5, min_delta=0.02),
        callbacks.EarlyStopping("val_loss", patience=20, restore_best_weights=True),
    ]
    if folder:
        others.insert(0, callbacks.BackupAndRestore(folder, int(save_freq) if save_freq.isdigit() else save_freq))
    if stop:
        others.append(Stop(*map(int, stop)))
    model.fit(x, y, epochs=6, batch_size=8, verbose=0, validation_split=0.2, callbacks=others)
    digest = hashlib.sha256(b"".join(w.tobytes() for w in model.get_weights())).hexdigest()
    print(digest, float(np.asarray(model.optimizer.learning_rate)))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
