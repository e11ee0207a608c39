"""Digits: 1,797 handwritten digits of 8x8 pixels, shipped inside cnnpy.

The test part of "Optical Recognition of Handwritten Digits" by E. Alpaydin and C. Kaynak (1998), UCI Machine Learning
Repository, https://doi.org/10.24432/C50P49, licence CC BY 4.0; the same images as scikit-learn's `load_digits`. Kept
here as they are but for the file format.
"""

from pathlib import Path

import numpy as np

from cnnpy.datasets import _npz

PATH = Path(__file__).with_name("digits.npz")


def load_data():
    """Loads the digits; needs no network.

    Of each digit's images every fifth in the file (its 5th, 10th, ...) is in the test part, the others in the training
    part, both in the file's order. So both parts have images by each of the writers.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: images uint8 of shape (1442, 8, 8) and (355, 8, 8), from 0 (paper) to 16
        (ink), the number of inked pixels of 4x4 in the original bitmap; labels uint8 of shape (1442,) and (355,), 0 to
        9. Divide the images by 16 for values from 0 to 1.
    """
    with open(PATH, "rb") as file:
        arrays = _npz.read_arrays(file, PATH, {"images": _expect(1797, 8, 8), "labels": _expect(1797)})
    images, labels = arrays["images"], arrays["labels"]
    nth_of_its_digit = (labels[:, None] == np.arange(10)).cumsum(axis=0)[np.arange(len(labels)), labels]
    test = nth_of_its_digit % 5 == 0
    return (images[~test], labels[~test]), (images[test], labels[test])


def _expect(*expected):
    def check(shape, dtype):
        return None if (shape, dtype) == (expected, np.uint8) else f"is {dtype} {shape}, expected uint8 {expected}"

    return check
