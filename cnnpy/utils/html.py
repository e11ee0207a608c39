"""Tables in HTML: how Jupyter shows models, histories and tensors."""

from html import escape

_STYLE = "border-collapse: collapse; margin: 0.3em 0"
_LARGEST_TABLE = 12  # rows and columns of a tensor that are shown


def table(header, rows, caption="", numeric_from=1):
    """A table of texts with a CAPTION above; columns from NUMERIC_FROM on are aligned to the right."""

    def row(cells, tag):
        aligned = (
            f'<{tag} style="text-align: {"left" if i < numeric_from else "right"}">{escape(str(cell))}</{tag}>'
            for i, cell in enumerate(cells)
        )
        return f"<tr>{''.join(aligned)}</tr>"

    head = f"<thead>{row(header, 'th')}</thead>" if header else ""
    title = f"<div><b>{escape(caption)}</b></div>" if caption else ""
    return f'{title}<table style="{_STYLE}">{head}<tbody>{"".join(row(cells, "td") for cells in rows)}</tbody></table>'


def cut(values, most=_LARGEST_TABLE):
    """VALUES, a list, with an ellipsis in place of its middle if it is longer than MOST."""
    if len(values) <= most:
        return list(values)
    return [*values[: most // 2], "…", *values[-(most // 2) :]]


def of_tensor(tensor):
    """TENSOR's shape, dtype and range, and of one or two dimensions its values."""
    import numpy as np

    from cnnpy.utils.progbar import format_value

    values = tensor.numpy()
    caption = f"Tensor, shape {tensor.shape}, {tensor.dtype}"
    if values.dtype.kind == "f" and values.size:
        bad = int(np.count_nonzero(~np.isfinite(values)))
        good = values[np.isfinite(values)] if bad else values
        if good.size:
            low, mean, high = (format_value(v) for v in (good.min(), good.mean(dtype="float64"), good.max()))
            caption += f", from {low} to {high}, mean {mean}"
        caption += f", {bad} not finite" if bad else ""
    if values.ndim not in (1, 2) or not values.size:
        text = np.array2string(values, threshold=100, edgeitems=2, precision=4)
        return f"<div><b>{escape(caption)}</b></div><pre>{escape(text)}</pre>"
    grid = values.reshape(-1, values.shape[-1])
    rows, columns = cut(range(len(grid))), cut(range(grid.shape[1]))

    def cell(i, j):
        if "…" in (i, j):
            return "…"
        return f"{grid[i, j]:.4g}" if values.dtype.kind == "f" else str(grid[i, j])

    body = [[i if values.ndim == 2 else "", *(cell(i, j) for j in columns)] for i in rows]
    return table(["", *columns], body, caption)
