"""The picture that `cnnpy demo` saves: curves of loss and accuracy, and test images with what the network says of them.

Drawn with Pillow alone, at twice the size and then shrunk, which smooths the lines. Lengths are in units of which the
picture is 1,200 wide.
"""

import math
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

SCALE, FINAL_SCALE = 3, 1.5  # pixels a unit, while drawing and in the finished picture
WIDTH, MARGIN = 1200, 40
INK, GREY, GRID, PAPER = "#1f2933", "#6b7785", "#e3e7ec", "#ffffff"
BLUE, ORANGE, GREEN, RED = "#2f6fdb", "#e07b1a", "#1b7f4b", "#c62f2f"
COLUMNS = 10
CELL, LABEL = (WIDTH - 2 * MARGIN) // COLUMNS, 44


class Curve(NamedTuple):
    """One line of a chart; `dots` marks its points, for curves that have few."""

    name: str
    x: list
    y: list
    color: str
    dots: bool = False


class Sample(NamedTuple):
    """A test image (uint8, any square size, 255 is ink), its digit, and the probabilities the network gives."""

    image: np.ndarray
    label: int
    probabilities: np.ndarray


class Pen:
    """Draws on an image in units."""

    def __init__(self, image):
        self.image = image
        self.draw = ImageDraw.Draw(image)

    def line(self, points, color, width=1.0):
        self.draw.line([(x * SCALE, y * SCALE) for x, y in points], color, round(width * SCALE), joint="curve")

    def dot(self, x, y, radius, color):
        box = [(x - radius) * SCALE, (y - radius) * SCALE, (x + radius) * SCALE, (y + radius) * SCALE]
        self.draw.ellipse(box, fill=color)

    def box(self, x0, y0, x1, y1, outline=None, fill=None, width=1.0):
        box = [x0 * SCALE, y0 * SCALE, x1 * SCALE - 1, y1 * SCALE - 1]
        self.draw.rectangle(box, fill, outline, round(width * SCALE))

    def text(self, x, y, text, size=15, color=INK, anchor="lm", bold=False):
        """ANCHOR as Pillow's: left, middle or right; ascender, middle or baseline."""
        stroke = {"stroke_width": 1, "stroke_fill": color} if bold else {}
        self.draw.text((x * SCALE, y * SCALE), text, color, _font(size), anchor, **stroke)


def _font(size):
    return ImageFont.load_default(size * SCALE)


def draw(title, subtitle, charts, groups):
    """The picture, as a PIL image.

    Args:
        title, subtitle: text.
        charts: list of `(name, curves, scale)`, side by side; `scale` is "log" or "percent".
        groups: list of `(name, samples)`, each with as many samples as there are to show, in rows of ten.
    """
    heights = [50 + -(-len(samples) // COLUMNS) * (CELL + LABEL) for _, samples in groups]
    height = 470 + sum(heights) + MARGIN // 2
    pen = Pen(Image.new("RGB", (WIDTH * SCALE, height * SCALE), PAPER))
    pen.text(MARGIN, 46, title, 28, bold=True)
    pen.text(MARGIN, 82, subtitle, 16, GREY)
    width = (WIDTH - 2 * MARGIN - 40) / len(charts)
    for i, (name, curves, scale) in enumerate(charts):
        _draw_chart(pen, (MARGIN + i * (width + 40), 118, width, 330), name, curves, scale)
    top = 470
    for (name, samples), group_height in zip(groups, heights):
        _draw_group(pen, top, name, samples)
        top += group_height
    return pen.image.resize((round(WIDTH * FINAL_SCALE), round(height * FINAL_SCALE)), Image.Resampling.LANCZOS)


def _draw_chart(pen, area, name, curves, scale):
    left, top, width, height = area
    pen.text(left, top + 12, name, 18, bold=True)
    x0, x1, y0, y1 = left + 56, left + width - 8, top + 36, top + height - 44
    values = np.concatenate([curve.y for curve in curves])
    low, high, ticks = (_log_axis if scale == "log" else _percent_axis)(values[np.isfinite(values)])
    last = max(curve.x[-1] for curve in curves)

    def place(x, y):
        if scale == "log":
            y = math.log10(max(y, low * 1e-3))
            return x0 + x / last * (x1 - x0), y1 - (y - math.log10(low)) / math.log10(high / low) * (y1 - y0)
        return x0 + x / last * (x1 - x0), y1 - (y - low) / (high - low) * (y1 - y0)

    for value, text in ticks:
        y = place(0, value)[1]
        pen.line([(x0, y), (x1, y)], GRID)
        pen.text(x0 - 10, y, text, 14, GREY, "rm")
    for value in _epoch_ticks(last):
        x = place(value, high)[0]
        pen.line([(x, y1), (x, y1 + 5)], GREY)
        pen.text(x, y1 + 16, f"{value:g}", 14, GREY, "mm")
    pen.text((x0 + x1) / 2, y1 + 37, "epoch", 14, GREY, "mm")
    _draw_curves(pen, (x0, y0, x1, y1), curves, place)
    pen.line([(x0, y0), (x0, y1), (x1, y1)], GREY)
    _draw_legend(pen, x1, top + 12, curves)


def _draw_curves(pen, area, curves, place):
    """Draws on a copy and pastes the part inside AREA, so that a curve that leaves the axes is cut at them."""
    clipped = Pen(pen.image.copy())
    for curve in curves:
        points = [place(x, y) for x, y in zip(curve.x, curve.y) if math.isfinite(y)]
        if len(points) > 1:
            clipped.line(points, curve.color, 2)
        for point in points if curve.dots or len(points) == 1 else ():
            clipped.dot(*point, 4.5, curve.color)
    x0, y0, x1, y1 = (round(value * SCALE) for value in area)
    box = (x0, y0 - 6 * SCALE, x1 + 6 * SCALE, y1)
    pen.image.paste(clipped.image.crop(box), box[:2])


def _draw_legend(pen, right, y, curves):
    for curve in reversed(curves):
        right -= _font(14).getlength(curve.name) / SCALE
        pen.text(right, y, curve.name, 14, INK)
        pen.line([(right - 28, y), (right - 8, y)], curve.color, 2.5)
        if curve.dots:
            pen.dot(right - 18, y, 4.5, curve.color)
        right -= 48


def _log_axis(values):
    """(low, high, ticks) of a logarithmic axis: ticks at 1, 2, 5 times powers of ten, at powers alone if many."""
    values = values[values > 0]
    low, high = (max(values.min(), 1e-6), values.max()) if len(values) else (0.1, 1.0)
    low, high = low / 1.15, max(high * 1.15, low * 2)
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [step * 10.0**power for power in powers for step in ((1, 2, 5) if high / low < 2000 else (1,))]
    return low, high, [(tick, f"{tick:.7f}".rstrip("0").rstrip(".")) for tick in ticks if low <= tick <= high]


def _percent_axis(values):
    """(low, high, ticks) of an axis up to 100 %, from below nearly all values: the first few may start far lower."""
    floor = np.quantile(values, 0.1) if len(values) else 0.0
    step, low = next(
        (step, low)
        for step, low in ((0.01, 0.94), (0.02, 0.88), (0.05, 0.7), (0.1, 0.4), (0.2, 0.0))
        if floor > low + step / 2 or low == 0
    )
    count = round((1 - low) / step)
    return low, 1.0, [(low + i * step, f"{100 * (low + i * step):.0f} %") for i in range(count + 1)]


def _epoch_ticks(last):
    step = next(step for step in (0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000) if last / step <= 8)
    return [i * step for i in range(int(last / step + 1e-9) + 1)]


def _draw_group(pen, top, name, samples):
    pen.text(MARGIN, top + 22, name, 18, bold=True)
    for i, sample in enumerate(samples):
        _draw_sample(pen, MARGIN + i % COLUMNS * CELL, top + 50 + i // COLUMNS * (CELL + LABEL), sample)


def _draw_sample(pen, left, top, sample):
    """The image, dark on white, with the network's answer below: green if right, red and framed if wrong."""
    size = CELL - 14
    answer = int(sample.probabilities.argmax())
    right = answer == sample.label
    color = GREEN if right else RED
    image = Image.fromarray(255 - sample.image).resize((size * SCALE, size * SCALE), Image.Resampling.BICUBIC)
    pen.image.paste(image.convert("RGB"), (left * SCALE, top * SCALE))
    pen.box(left, top, left + size, top + size, outline=GRID if right else RED, width=1 if right else 3)
    pen.text(left + 2, top + size + 16, str(answer), 19, color, "lm", bold=True)
    pen.text(left + 20, top + size + 16, f"{100 * sample.probabilities[answer]:.1f} %", 14, GREY, "lm")
    if not right:
        pen.text(left + size, top + size + 16, f"is {sample.label}", 14, RED, "rm")
