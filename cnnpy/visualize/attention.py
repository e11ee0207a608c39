"""Which places of an image an answer rests on."""

import numpy as np

from cnnpy import ops
from cnnpy._core import GradientTape, Tensor
from cnnpy.layers import Activation, Dense, Softmax
from cnnpy.models import Model
from cnnpy.visualize.figure import draw, new_figure, one_picture
from cnnpy.visualize.inside import maps_of


def _class_of(scores, class_index):
    """The class meant, and the sign of its score: a single sigmoid's class 0 is the opposite of its class 1."""
    count = scores.shape[-1]
    if len(scores.shape) != 2:
        raise ValueError(f"The model must answer with (batch, classes), got {tuple(scores.shape)}")
    classes = max(count, 2)
    if class_index is None:
        class_index = int(np.asarray(scores)[0].argmax()) if count > 1 else int(np.asarray(scores)[0, 0] >= 0.5)
    if not 0 <= class_index < classes:
        raise ValueError(f"class_index must be 0 to {classes - 1}, got {class_index}")
    return (class_index, 1) if count > 1 else (0, 1 if class_index else -1)


def _logits(model):
    """A symbolic tensor and a function that makes the scores before the last activation of it.

    A softmax that is nearly sure has no gradient left in float32; what it is made of has.
    """
    last = model.layers[-1]
    if type(last) is Dense and last.activation.__name__ in ("softmax", "sigmoid"):
        return last.input, lambda x: ops.matmul(x, last.kernel) + (last.bias if last.use_bias else 0.0)
    if isinstance(last, Softmax) or (type(last) is Activation and last.activation.__name__ in ("softmax", "sigmoid")):
        return last.input, lambda x: x
    return last.output, lambda x: x


def _heat_figure(picture, heat, title, signed=False):
    figure = new_figure(7.4, 3.2 * picture.shape[0] / picture.shape[1] + 0.3)
    left, right = figure.subplots(1, 2)
    draw(left, picture)
    grey = picture[..., :3].mean(-1, keepdims=True)
    draw(right, grey)
    limit = max(float(np.abs(heat).max()), 1e-12)
    scale = dict(cmap="RdBu_r", vmin=-limit, vmax=limit) if signed else dict(cmap="inferno", vmin=0, vmax=limit)
    extent = (-0.5, picture.shape[1] - 0.5, picture.shape[0] - 0.5, -0.5)
    drawn = right.imshow(heat, alpha=0.6, extent=extent, interpolation="bilinear", **scale)
    right.set_title(title, fontsize=9)
    figure.colorbar(drawn, ax=right, shrink=0.85)
    return figure


def grad_cam(model, image, class_index=None, layer=None):
    """Grad-CAM: the maps of a layer, weighted by how much each one raises the score of a class.

    Arguments:
        model: a built classifier with one input of images; softmax and sigmoid at its end are looked behind.
        image: (height, width, channels), or a batch of one, as the model takes it.
        class_index: the class; None for the model's own answer. With a single sigmoid 1 is what it stands for, 0 the
            opposite.
        layer: name of a layer with maps (or the layer); None for the last one.

    Returns (heat, figure): a float32 array of the layer's height and width from 0 to 1, and a matplotlib Figure that
    lays it over the image. Source: Selvaraju et al., Grad-CAM, 2017.
    """
    batch, picture = one_picture(image)
    layer = maps_of(model, [layer])[0] if layer is not None else _last_maps(model)
    before, finish = _logits(model)
    inner = Model(model.inputs, [layer.output, before, model.outputs[0]])
    with GradientTape() as tape:
        maps, x, answer = inner(Tensor(batch.astype("float32")), training=False)
        scores = finish(x)
        index, sign = _class_of(answer, class_index)
        score = scores[0, index] * float(sign)
    gradient = tape.gradient(score, maps)
    if gradient is None:
        raise ValueError(f"grad_cam: the answer does not depend on the output of layer {layer.name!r}")
    weights = np.asarray(gradient)[0].mean((0, 1))
    heat = np.maximum((np.asarray(maps)[0] * weights).sum(-1), 0)
    heat = heat / max(float(heat.max()), 1e-12)
    return heat, _heat_figure(picture, heat, f"Grad-CAM at {layer.name}")


def _last_maps(model):
    found = [x for x in model.layers if x._inbound_nodes and len(x.output.shape) == 4 and x.output.shape[1:3] != (1, 1)]
    if not found:
        raise ValueError("grad_cam: the model has no layer whose output is maps")
    return found[-1]


def occlusion(model, image, class_index=None, window=None, stride=None, fill=None, batch_size=32):
    """How far the model's confidence falls when a square of the image is covered, for every place of the square.

    Arguments:
        model, image, class_index: as in `grad_cam`.
        window: side of the square in pixels; None for a fifth of the shorter side.
        stride: pixels from one place to the next; None for half the window.
        fill: value (or one per channel) in the square; None for the image's mean colour.
        batch_size: images per step of the prediction.

    Returns (drops, figure): a float32 array (rows, columns) of confidence lost, one value per place, and a matplotlib
    Figure with the losses laid over the image (red: this place spoke for the class; blue: against it).
    """
    batch, picture = one_picture(image)
    height, width, channels = batch.shape[1:]
    window = max(2, min(height, width) // 5) if window is None else window
    stride = max(1, window // 2) if stride is None else stride
    if not 0 < window <= min(height, width) or stride < 1:
        raise ValueError(
            f"occlusion: window must be 1 to {min(height, width)} and stride positive, got {window}, {stride}"
        )
    colour = batch.mean((0, 1, 2)) if fill is None else np.broadcast_to(np.asarray(fill, "float32"), (channels,))
    # Squares are centred on a regular grid and cut at the border, so that every pixel is covered at some place.
    centres = [(y, x) for y in range(stride // 2, height, stride) for x in range(stride // 2, width, stride)]
    base = model.predict(batch.astype("float32"), verbose=0)
    index, sign = _class_of(base, class_index)
    drops = []
    for start in range(0, len(centres), batch_size):
        part = centres[start : start + batch_size]
        covered = np.repeat(batch.astype("float32"), len(part), 0)
        for one, (y, x) in zip(covered, part):
            top, left = y - window // 2, x - window // 2
            one[max(0, top) : top + window, max(0, left) : left + window] = colour
        drops.append(sign * (base[0, index] - model.predict(covered, verbose=0, batch_size=batch_size)[:, index]))
    rows = len(range(stride // 2, height, stride))
    drops = np.concatenate(drops).reshape(rows, -1).astype("float32")
    return drops, _heat_figure(picture, drops, f"confidence lost, square of {window} pixels", signed=True)
