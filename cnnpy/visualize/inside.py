"""What layers make of a photograph, what their filters look like, and what would excite them most."""

import math

import numpy as np

from cnnpy._core import GradientTape, Tensor
from cnnpy.models import Model
from cnnpy.visualize.figure import as_pictures, mosaic, new_figure, one_picture


def maps_of(model, layers=None):
    """The layers of MODEL by name (or as given) whose outputs are maps (batch, height, width, channels)."""
    if layers is None:
        return [layer for layer in model.layers if layer._inbound_nodes and len(layer.output.shape) == 4][:12]
    found = [model.get_layer(layer) if isinstance(layer, str) else layer for layer in layers]
    for layer in found:
        if len(getattr(layer.output, "shape", ())) != 4:
            raise ValueError(f"The output of layer {layer.name!r} has no maps (batch, height, width, channels)")
    return found


def plot_feature_maps(model, image, layers=None, max_maps=16):
    """What each layer makes of one image: a block of maps per layer, with one scale of colours for the block.

    Arguments:
        model: a built model with one input of images.
        image: (height, width, channels), or a batch of one, as the model takes it.
        layers: names or layers; None for the first twelve whose outputs are maps, from the input on.
        max_maps: how many of a layer's channels are drawn.

    Returns a matplotlib Figure. Raises ValueError for unknown layers and for outputs that are no maps.
    """
    chosen = maps_of(model, layers)
    if not chosen:
        raise ValueError("plot_feature_maps: the model has no layer whose output is maps")
    batch, _ = one_picture(image)
    outputs = Model(model.inputs, [layer.output for layer in chosen])(Tensor(batch.astype("float32")), training=False)
    columns = min(8, max_maps)
    outputs = outputs if isinstance(outputs, list) else [outputs]  # a list of one output comes as that output
    blocks = []
    for output in outputs:
        maps = np.moveaxis(np.asarray(output)[0], -1, 0)
        blocks.append((mosaic(maps[:max_maps], min(columns, len(maps))), len(maps)))
    heights = [
        0.35 + 9.0 * sheet.shape[0] / (sheet.shape[1] * columns / min(columns, count)) for sheet, count in blocks
    ]
    figure = new_figure(9.8, sum(heights) + 0.1)
    for axes, layer, (sheet, count), output in zip(
        figure.subplots(len(blocks), 1, squeeze=False, height_ratios=heights)[:, 0], chosen, blocks, outputs
    ):
        drawn = axes.imshow(sheet, cmap="viridis", interpolation="nearest")
        axes.set_axis_off()
        size = f"{output.shape[1]}x{output.shape[2]}"
        shown = f"{count} maps" if count <= max_maps else f"{max_maps} of {count} maps"
        axes.set_title(f"{layer.name}: {shown}, {size}", fontsize=9, loc="left")
        figure.colorbar(drawn, ax=axes, fraction=0.02, pad=0.01)
    return figure


def plot_filters(layer, max_filters=64):
    """The weights of a convolution as pictures.

    Filters over three channels are drawn in colour, where mid-grey is 0; others plane by plane, negative weights blue
    and positive ones red, one row per filter and one column per input channel (the first sixteen of each).

    Arguments:
        layer: a built Conv2D or DepthwiseConv2D.
        max_filters: how many of its filters are drawn.

    Returns a matplotlib Figure.
    """
    kernel = getattr(layer, "kernel", None)
    if kernel is None or len(kernel.shape) != 4:
        raise ValueError(f"plot_filters: needs a built two-dimensional convolution, got {layer!r}")
    kernel = np.moveaxis(np.asarray(kernel, "float32"), -1, 0)  # filters, height, width, channels
    limit = float(np.abs(kernel).max()) or 1.0
    count, _, _, channels = kernel.shape
    if channels == 3:
        planes = 0.5 + kernel[:max_filters] / (2 * limit)
        sheet, note = mosaic(planes, min(8, len(planes))), f"{len(planes)} of {count} filters, mid-grey is 0"
        sheet = np.where(np.isnan(sheet), 1, sheet)
    elif channels == 1:
        planes = kernel[:max_filters, :, :, 0]
        sheet, note = mosaic(planes, min(8, len(planes))), f"{len(planes)} of {count} filters"
    else:
        part = kernel[: min(16, max_filters), :, :, :16]
        sheet = mosaic(np.moveaxis(part, -1, 1).reshape(-1, *part.shape[1:3]), part.shape[-1])
        note = f"{len(part)} of {count} filters (rows), {part.shape[-1]} of {channels} channels (columns)"
    width = min(9.0, 0.16 * sheet.shape[1] + 1.5)
    figure = new_figure(width + 0.8, width * sheet.shape[0] / sheet.shape[1] + 0.5)
    axes = figure.add_subplot()
    drawn = axes.imshow(sheet, cmap="RdBu_r", vmin=-limit, vmax=limit, interpolation="nearest")
    axes.set_axis_off()
    axes.set_title(f"{layer.name}: {note}", fontsize=9, loc="left")
    if channels != 3:
        figure.colorbar(drawn, ax=axes, fraction=0.03, pad=0.02)
    return figure


def _source(x):
    """The Input from which the symbolic tensor X comes, followed through every layer's first input."""
    while True:
        layer, node, _ = x._keras_history
        tensors = layer._inbound_nodes[node].input_tensors
        if not tensors:
            return x
        x = tensors[0]


def maximize_filter(layer, i, steps=60, size=None, rate=0.08, seed=0):
    """A picture that excites filter I of a layer most, found by gradient ascent from faint noise.

    Every step follows the gradient of the mean of the filter's map, scaled to unit deviation; the picture is moved by a
    pixel between the steps, so that it cannot hang on single pixels.

    Arguments:
        layer: a layer of a functional or Sequential model, or (model, name).
        i: the filter, 0 to channels - 1.
        steps, rate: how often and how far to go.
        size: (height, width) for models that leave it open.
        seed: of the noise.

    Returns a float32 array (height, width, channels) in [0, 1], to be drawn by `plot_images`.
    """
    if isinstance(layer, tuple):
        layer = layer[0].get_layer(layer[1])
    output = maps_of(None, [layer])[0].output
    if not 0 <= i < output.shape[-1]:
        raise ValueError(f"maximize_filter: layer {layer.name!r} has the filters 0 to {output.shape[-1] - 1}, got {i}")
    source = _source(output)
    height, width, channels = source.shape[1:]
    if size is not None:
        height, width = size
    if height is None or width is None:
        raise ValueError("maximize_filter: the model leaves the size of its images open; give size=(height, width)")
    model = Model(source, output)
    rng = np.random.default_rng(seed)
    picture = rng.uniform(0.4, 0.6, (1, height, width, channels)).astype("float32")
    for step in range(steps):
        shift = rng.integers(-1, 2, 2)
        picture = np.roll(picture, shift, (1, 2))
        x = Tensor(picture)
        with GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(x)
            score = model(x, training=False)[..., i].mean()
        gradient = np.asarray(tape.gradient(score, x))
        scale = float(gradient.std())
        if not math.isfinite(scale):
            raise ValueError(f"maximize_filter: the gradient became NaN at step {step}")
        if scale > 0:
            picture = picture + np.float32(rate) * gradient / scale
        else:  # a dead place of a ReLU: look elsewhere
            picture = rng.uniform(0, 1, picture.shape).astype("float32")
        picture = np.roll(picture, -shift, (1, 2))
    deviation = max(float(picture.std()), 1e-6)
    picture = np.clip((picture[0] - picture.mean()) / deviation * 0.2 + 0.5, 0, 1)
    return as_pictures(picture[None])[0] if channels in (1, 3, 4) else picture
