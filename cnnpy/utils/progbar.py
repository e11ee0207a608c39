"""Progress bars for training, evaluation and prediction.

Looks like Keras 3's. Where a line can be redrawn (a terminal, Jupyter) it is, a few times a second; in a log file or a
pipe one line is printed when the bar ends, without control characters, so that logs stay readable.
"""

import os
import shutil
import sys
import time

BOLD, GREEN, GREY, PLAIN = "\x1b[1m", "\x1b[32m", "\x1b[37m", "\x1b[0m"


def can_redraw():
    """True if standard output shows `\\r` as going back to the start of the line."""
    if "ipykernel" in sys.modules or "PYCHARM_HOSTED" in os.environ:
        return True
    try:
        return sys.stdout.isatty()
    except (AttributeError, ValueError):  # no standard output, or a closed one
        return False


def print_text(text):
    """Writes TEXT to standard output as it is now; without one nothing happens."""
    stream = sys.stdout
    if stream is None:
        return
    try:
        stream.write(text)
    except UnicodeEncodeError:
        stream.write(text.replace("━", "=").encode("ascii", "replace").decode("ascii"))
    stream.flush()


def format_seconds(seconds):
    """`12s`, `1:05` or `1:02:03`."""
    seconds = int(seconds)
    if seconds >= 3600:
        return f"{seconds // 3600}:{seconds % 3600 // 60:02d}:{seconds % 60:02d}"
    if seconds > 60:
        return f"{seconds // 60}:{seconds % 60:02d}"
    return f"{seconds}s"


def format_value(value):
    """A metric as Keras prints it: four decimals, or scientific when it is tiny."""
    try:
        value = float(value)
    except (TypeError, ValueError):
        return str(value)
    return f"{value:.4e}" if abs(value) <= 1e-3 else f"{value:.4f}"  # NaN prints as nan


class Progbar:
    """A progress bar on standard output.

    Arguments:
        target: number of steps, None if unknown.
        width: characters of the bar.
        verbose: 0 silent, 1 a bar, 2 one line when it ends.
        interval: least seconds between two drawings.
        stateful_metrics: names whose last value is shown; all others are averaged over steps.
        stateless_metrics: the other way round: names that are averaged; all others show their last value.
        unit_name: what a step is called.

    Raises:
        ValueError: both `stateful_metrics` and `stateless_metrics` were given.
    """

    def __init__(
        self,
        target,
        width=20,
        verbose=1,
        interval=0.25,
        stateful_metrics=None,
        stateless_metrics=None,
        unit_name="step",
    ):
        if stateful_metrics is not None and stateless_metrics is not None:
            raise ValueError("Progbar: pass stateful_metrics or stateless_metrics, not both")
        self.target = target
        self.width = width
        self.verbose = verbose
        self.interval = interval
        self.unit_name = unit_name
        self.stateful_metrics = None if stateless_metrics is not None else set(stateful_metrics or ())
        self.stateless_metrics = None if stateless_metrics is None else set(stateless_metrics)
        self.due = 0.0  # time.perf_counter() from which on the next drawing may happen
        self._redraw = can_redraw()
        self._colours = self._redraw and "NO_COLOR" not in os.environ
        self._seen = 0
        self._sums = {}  # name -> [sum, count], in the order first seen
        self._start = time.perf_counter()
        self._after_first_step = None
        self._drawn = 0  # characters of the line on screen that a redraw must cover
        if verbose != 1 or not self._redraw:
            self.due = float("inf")

    def update(self, current, values=None, finalize=None):
        """Shows that CURRENT steps are done.

        Arguments:
            current: number of steps done.
            values: pairs (name, value of the last step).
            finalize: True for the last call; None means when CURRENT reaches the target.
        """
        if finalize is None:
            finalize = self.target is not None and current >= self.target
        self._collect(current, values or (), finalize)
        self._seen = current
        now = time.perf_counter()
        if current == 1 and self._after_first_step is None:
            self._after_first_step = now
        if not self.verbose or not (finalize or now >= self.due):
            return
        if self.verbose == 1:
            self._draw(current, now, finalize)
        elif finalize:
            count = f"{current}/{self.target}" if self.target else str(current)
            elapsed = f"{now - self._start:.0f}s - {self._step_time(current, now)}"
            print_text(f"{count} - {elapsed}{self._metrics_text()}\n")

    def add(self, n, values=None):
        """Shows that N more steps are done."""
        self.update(self._seen + n, values)

    def close(self):
        """Ends a line that an interruption left unfinished, so that what is printed next starts on its own."""
        if self._drawn:
            print_text("\n")
            self._drawn = 0

    def _collect(self, current, values, finalize):
        for name, value in values:
            if self.stateful_metrics is not None:
                averaged = name not in self.stateful_metrics
            else:
                averaged = name in self.stateless_metrics
            if averaged and not finalize:
                steps = max(current - self._seen, 1)
                total = self._sums.setdefault(name, [0.0, 0])
                total[0] += value * steps
                total[1] += steps
            else:
                self._sums[name] = [value, 1]

    def _draw(self, current, now, finalize):
        if self.target:
            head, bar, rest = self._bar(current)
        else:
            head, bar, rest = f"{current:7d}/Unknown", "", ""
        if self.target and not finalize:
            clock = format_seconds(self._seconds_per_step(current, now) * max(self.target - current, 0))
        else:
            clock = f"{now - self._start:.0f}s"
        tail = f" {self._step_time(current, now)}{self._metrics_text()}"
        length = len(head) + 1 + len(bar) + len(rest) + 1 + len(clock) + len(tail)
        if self._redraw and not finalize:
            # A line that wraps could not be redrawn, so it is cut to the window.
            excess = length - (shutil.get_terminal_size().columns - 1)
            if excess > 0:
                tail = tail[: max(len(tail) - excess, 0)]
                length -= excess
        if self._colours:
            line = f"{BOLD}{head}{PLAIN} {GREEN}{bar}{PLAIN}{GREY}{rest}{PLAIN} {BOLD}{clock}{PLAIN}{tail}"
        else:
            line = f"{head} {bar}{rest} {clock}{tail}"
        if self._redraw:
            line = "\r" + line + " " * (self._drawn - length)
        if finalize:
            line += "\n"
        self._drawn = 0 if finalize else length
        self.due = now + self.interval if self._redraw else float("inf")
        print_text(line)

    def _bar(self, current):
        done = min(int(self.width * current / self.target), self.width)
        head = f"{current:{len(str(self.target))}d}/{self.target}"
        return head, "━" * done, "━" * (self.width - done)

    def _seconds_per_step(self, current, now):
        # The first step also pays for building and warming up: it is left out as soon as there is another.
        if self._after_first_step is not None and current > 1:
            return (now - self._after_first_step) / (current - 1)
        return (now - self._start) / current if current else 0.0

    def _step_time(self, current, now):
        seconds = self._seconds_per_step(current, now)
        if seconds >= 1 or seconds == 0:
            return f"{seconds:.0f}s/{self.unit_name}"
        if seconds >= 1e-3:
            return f"{seconds * 1e3:.0f}ms/{self.unit_name}"
        return f"{seconds * 1e6:.0f}us/{self.unit_name}"

    def _metrics_text(self):
        text = ""
        for name, (total, count) in self._sums.items():
            value = total / count if count > 1 else total
            text += f" - {name}: {format_value(value)}"
        return text
