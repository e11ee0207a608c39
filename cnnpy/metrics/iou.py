"""Intersection over union of predicted and true classes."""

import numpy as np

from cnnpy import config
from cnnpy.metrics.confusion import aligned
from cnnpy.metrics.metric import Metric


def confusion_matrix(y_true, y_pred, weight, classes):
    """[true class, predicted class]: the sums of WEIGHT (None: 1). All three are flat; pairs with a class out of range
    are left out."""
    inside = (y_true >= 0) & (y_true < classes) & (y_pred >= 0) & (y_pred < classes)
    cells = y_true * classes + y_pred
    if not inside.all():
        cells, weight = cells[inside], None if weight is None else weight[inside]
    return np.bincount(cells, weight, classes * classes).reshape(classes, classes)


class IoU(Metric):
    """The mean of true positives / (true positives + false positives + false negatives) over the classes
    TARGET_CLASS_IDS, those left out that occur neither in labels nor in predictions.

    y_true and y_pred hold class numbers of one shape, or scores of which the largest along AXIS counts, for y_true if
    SPARSE_Y_TRUE is False, for y_pred if SPARSE_Y_PRED is False. Labels IGNORE_CLASS and numbers outside of [0,
    NUM_CLASSES) do not count. Sample weights count as they are (Keras makes integers of them unless DTYPE is a float
    type).
    """

    _direction = "up"

    def __init__(
        self,
        num_classes,
        target_class_ids,
        name=None,
        dtype=None,
        ignore_class=None,
        sparse_y_true=True,
        sparse_y_pred=True,
        axis=-1,
    ):
        super().__init__(name=name, dtype=dtype or "int64")
        self.num_classes, self.ignore_class = num_classes, ignore_class
        self.sparse_y_true, self.sparse_y_pred, self.axis = sparse_y_true, sparse_y_pred, axis
        self.target_class_ids = list(target_class_ids)
        wrong = [i for i in self.target_class_ids if not 0 <= i < num_classes]
        if wrong:
            raise ValueError(
                f"{type(self).__name__}: target class {wrong[0]} is out of range, there are {num_classes} classes from "
                f"0 to {num_classes - 1}"
            )
        self.total_cm = self._add_sum("total_confusion_matrix", (num_classes, num_classes))

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Adds a batch; SAMPLE_WEIGHT is aligned with the first axes of the class numbers."""
        y_true, y_pred = np.asarray(y_true), np.asarray(y_pred)
        if not self.sparse_y_true:
            y_true = y_true.argmax(self.axis)
        if not self.sparse_y_pred:
            y_pred = y_pred.argmax(self.axis)
        if y_true.size != y_pred.size:
            raise ValueError(
                f"{type(self).__name__}: y_true has {y_true.size} class numbers of shape {y_true.shape}, y_pred "
                f"{y_pred.size} of shape {y_pred.shape}; there must be as many. Scores need sparse_y_pred=False, "
                "one-hot labels sparse_y_true=False"
            )
        weight = aligned(sample_weight, y_true.shape)
        if weight is not None:
            weight = weight.ravel()
        y_true, y_pred = y_true.astype("int64").ravel(), y_pred.astype("int64").ravel()
        if self.ignore_class is not None:
            y_true = np.where(y_true == self.ignore_class, -1, y_true)
        self.total_cm.assign_add(confusion_matrix(y_true, y_pred, weight, self.num_classes))

    def result(self):
        counts = self.total_cm.numpy()
        true = counts.diagonal()
        union = (counts.sum(0) + counts.sum(1) - true)[self.target_class_ids]
        present = union > 1e-9
        shares = np.where(present, true[self.target_class_ids] / (union + config.epsilon()), 0)
        return self._answer(shares.sum() / (present.sum() + config.epsilon()))

    _told = ("num_classes", "target_class_ids", "ignore_class", "sparse_y_true", "sparse_y_pred", "axis")

    def get_config(self):
        return {**super().get_config(), **{name: getattr(self, name) for name in self._told}}


class BinaryIoU(IoU):
    """The mean intersection over union of the classes TARGET_CLASS_IDS (0, 1 or both), scores from THRESHOLD on being
    class 1."""

    _told = ("target_class_ids", "threshold")

    def __init__(self, target_class_ids=(0, 1), threshold=0.5, name=None, dtype=None):
        super().__init__(2, target_class_ids, name, dtype)
        self.threshold = threshold

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Adds labels (0 and 1) and scores of one shape; SAMPLE_WEIGHT is aligned with their first axes."""
        scores = np.asarray(y_pred).astype("float32", copy=False)
        super().update_state(y_true, scores >= np.float32(self.threshold), sample_weight)


class MeanIoU(IoU):
    """The mean intersection over union of all classes; see IoU for the arguments."""

    _told = ("num_classes", "ignore_class", "sparse_y_true", "sparse_y_pred", "axis")

    def __init__(
        self,
        num_classes,
        name=None,
        dtype=None,
        ignore_class=None,
        sparse_y_true=True,
        sparse_y_pred=True,
        axis=-1,
    ):
        every = range(num_classes)
        super().__init__(num_classes, every, name, dtype, ignore_class, sparse_y_true, sparse_y_pred, axis)


class OneHotIoU(IoU):
    """IoU for one-hot labels and, unless SPARSE_Y_PRED, scores, of which the largest along AXIS counts."""

    _told = ("num_classes", "target_class_ids", "ignore_class", "sparse_y_pred", "axis")

    def __init__(
        self,
        num_classes,
        target_class_ids,
        name=None,
        dtype=None,
        ignore_class=None,
        sparse_y_pred=False,
        axis=-1,
    ):
        super().__init__(num_classes, target_class_ids, name, dtype, ignore_class, False, sparse_y_pred, axis)


class OneHotMeanIoU(MeanIoU):
    """MeanIoU for one-hot labels and, unless SPARSE_Y_PRED, scores, of which the largest along AXIS counts."""

    _told = ("num_classes", "ignore_class", "sparse_y_pred", "axis")

    def __init__(self, num_classes, name=None, dtype=None, ignore_class=None, sparse_y_pred=False, axis=-1):
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)
