"""Images side by side."""

from cnnpy.visualize.figure import as_pictures, draw, new_figure


def plot_images(images, titles=None, columns=8):
    """Images in a grid.

    Arguments:
        images: array, Tensor or list, (count, height, width[, channels]), grey, RGB or RGBA, in [0, 1] or [0, 255].
        titles: one text (or number) per image.
        columns: images in a row.

    Returns a matplotlib Figure. Raises ValueError for other shapes and values.
    """
    pictures = as_pictures(images)
    titles = None if titles is None else [str(t) for t in titles]
    if titles is not None and len(titles) != len(pictures):
        raise ValueError(f"plot_images: {len(titles)} titles for {len(pictures)} images")
    if not isinstance(columns, int) or columns < 1:
        raise ValueError(f"plot_images: columns must be a positive integer, got {columns!r}")
    columns = min(columns, len(pictures))
    rows = -(-len(pictures) // columns)
    side = max(0.75, min(1.5, 12 / columns))
    ratio = pictures.shape[1] / pictures.shape[2]
    figure = new_figure(side * columns, rows * (side * ratio + (0.25 if titles else 0.05)))
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in grid:
        axes.set_axis_off()
    # A title wider than its image would run into the next one.
    letters = max((len(t) for t in titles or ()), default=1)
    size = max(5, min(10, side * 72 / (0.6 * letters)))
    for i, picture in enumerate(pictures):
        draw(grid[i], picture)
        if titles:
            grid[i].set_title(titles[i], fontsize=size, pad=2)
    return figure


def plot_image_rows(rows, titles=None):
    """Rows of images one under the other, such as disturbed, restored and true ones.

    Arguments:
        rows: list of batches of images as in `plot_images`; each row is scaled by itself and may have its own size.
        titles: one text per row, written on its left.

    Returns a matplotlib Figure.
    """
    rows = [as_pictures(row, f"row {i}") for i, row in enumerate(rows)]
    if not rows:
        raise ValueError("plot_image_rows: there are no rows")
    if titles is not None and len(titles) != len(rows):
        raise ValueError(f"plot_image_rows: {len(titles)} titles for {len(rows)} rows")
    columns = max(len(row) for row in rows)
    side = max(0.75, min(1.5, 12 / columns))
    margin = 0.0 if titles is None else 0.1 + 0.09 * max(len(str(t)) for t in titles)
    figure = new_figure(side * columns + margin, side * sum(row.shape[1] / row.shape[2] for row in rows) + 0.1)
    grid = figure.subplots(
        len(rows), columns, squeeze=False, height_ratios=[row.shape[1] / row.shape[2] for row in rows]
    )
    for i, row in enumerate(rows):
        for axes in grid[i]:
            axes.set_axis_off()
        for axes, picture in zip(grid[i], row):
            draw(axes, picture)
        if titles is not None:
            grid[i][0].text(-0.08, 0.5, str(titles[i]), ha="right", va="center", transform=grid[i][0].transAxes)
    return figure
