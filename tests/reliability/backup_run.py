"""A training run to be killed at any moment: python backup_run.py FOLDER. Prints a digest of all it ends with."""

import hashlib
import sys

import numpy as np

import cnnpy
from cnnpy import callbacks, layers


def main(folder):
    cnnpy.utils.set_random_seed(5)
    model = cnnpy.Sequential(
        [
            layers.Input((8, 8, 1)),
            layers.Conv2D(4, 3, activation="relu"),
            layers.BatchNormalization(),
            layers.Dropout(0.3),
            layers.Flatten(),
            layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    rng = np.random.default_rng(0)
    x, y = rng.random((64, 8, 8, 1), dtype="float32"), rng.integers(0, 3, 64)
    kept = [
        callbacks.ModelCheckpoint(f"{folder}/last.keras", save_freq=5),
        callbacks.ReduceLROnPlateau("loss", patience=3, factor=0.7),
        callbacks.BackupAndRestore(f"{folder}/backup", save_freq=7, delete_checkpoint=False),
    ]
    print("begins", flush=True)
    model.fit(x, y, epochs=40, batch_size=8, verbose=0, validation_split=0.25, callbacks=kept)
    states = [v.numpy().tobytes() for v in (*model.variables, *model.optimizer.variables)]
    print(hashlib.sha256(b"".join(states)).hexdigest(), float(np.asarray(model.optimizer.learning_rate)))


if __name__ == "__main__":
    main(sys.argv[1])
