"""CSVLogger: header, rows, appending."""

import csv

import numpy as np

from cnnpy.callbacks import CSVLogger


def write(callback, rows):
    callback.on_train_begin()
    for epoch, logs in rows:
        callback.on_epoch_end(epoch, logs)
    callback.on_train_end()


def read(path, separator=","):
    with open(path, newline="") as file:
        return list(csv.reader(file, delimiter=separator))


def test_columns_are_sorted_and_validation_is_kept_ready(tmp_path):
    path = tmp_path / "a.csv"
    write(CSVLogger(path), [(0, {"loss": 1.0, "accuracy": 0.5}), (1, {"accuracy": 0.6, "loss": 0.9, "val_loss": 2.0})])
    assert read(path) == [
        ["epoch", "accuracy", "loss", "val_accuracy", "val_loss"],
        ["0", "0.5", "1.0", "NA", "NA"],
        ["1", "0.6", "0.9", "NA", "2.0"],
    ]


def test_separator_and_values(tmp_path):
    path = tmp_path / "a.csv"
    logs = {"val_a": np.array([1, 2]), "b": "text", "c": np.array(3)}
    write(CSVLogger(str(path), separator=";"), [(0, logs)])
    assert read(path, ";") == [["epoch", "b", "c", "val_a"], ["0", "text", "3", '"[1, 2]"']]


def test_append(tmp_path):
    path = tmp_path / "a.csv"
    logger = CSVLogger(path, append=True)
    write(logger, [(0, {"val_x": 1.0})])
    write(logger, [(1, {"val_x": 2.0})])
    assert read(path) == [["epoch", "val_x"], ["0", "1.0"], ["1", "2.0"]]
    write(CSVLogger(path), [(0, {"val_x": 3.0})])
    assert read(path) == [["epoch", "val_x"], ["0", "3.0"]]


def test_rows_are_on_disk_at_once(tmp_path):
    path = tmp_path / "a.csv"
    logger = CSVLogger(path)
    logger.on_train_begin()
    logger.on_epoch_end(0, {"val_x": 1.0})
    assert len(read(path)) == 2
    logger.on_interrupt()
    assert logger.csv_file is None
