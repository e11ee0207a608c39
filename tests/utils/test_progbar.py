"""The progress bar in a terminal, in a log file and in Jupyter."""

import io
import re
import types

import pytest

from cnnpy.utils import progbar
from cnnpy.utils.progbar import Progbar, format_seconds, format_value


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    """A clock that the test sets."""
    now = types.SimpleNamespace(time=100.0)
    monkeypatch.setattr(progbar.time, "perf_counter", lambda: now.time)
    return now


def use(monkeypatch, stream, modules=()):
    """Makes STREAM what the bar prints to."""
    monkeypatch.setattr(progbar, "sys", types.SimpleNamespace(stdout=stream, modules=dict.fromkeys(modules)))


@pytest.fixture
def terminal(monkeypatch):
    stream = Terminal()
    use(monkeypatch, stream)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "100")
    return stream


@pytest.fixture
def log(monkeypatch):
    stream = io.StringIO()
    use(monkeypatch, stream)
    monkeypatch.delenv("PYCHARM_HOSTED", raising=False)
    return stream


def run(clock, steps, seconds, **arguments):
    bar = Progbar(steps, **arguments)
    for step in range(1, steps + 1):
        clock.time += seconds
        bar.update(step, [("loss", 0.5), ("accuracy", 0.25)], finalize=step == steps)
    return bar


def test_log_file_gets_one_line_without_control_characters(log, clock):
    run(clock, 469, 0.025, stateless_metrics=())
    text = log.getvalue()
    assert text.count("\n") == 1 and text.endswith("\n")
    assert not re.search(r"[\r\b\x1b]", text)
    assert text.strip() == "469/469 " + "━" * 20 + " 12s 25ms/step - loss: 0.5000 - accuracy: 0.2500"


def test_terminal_redraws_at_most_four_times_a_second(terminal, clock):
    run(clock, 1000, 0.01)
    text = terminal.getvalue()
    assert text.count("\n") == 1 and text.endswith("\n")
    draws = text.count("\r")
    assert 30 <= draws <= 42  # ten seconds
    lines = text.split("\r")[1:]
    assert all(len(line.rstrip("\n")) < 100 for line in lines)
    assert re.match(r" *\d+/1000 ━{20} \ds 10ms/step - loss: 0.5000", lines[5])


def test_terminal_lines_are_cut_to_the_window(terminal, clock, monkeypatch):
    monkeypatch.setenv("COLUMNS", "50")
    run(clock, 10, 1.0)
    lines = terminal.getvalue().split("\r")[1:]
    assert all(len(line) <= 50 for line in lines[:-1])
    assert lines[-1].rstrip().endswith("accuracy: 0.2500")


def test_a_shorter_line_covers_a_longer_one(terminal, clock):
    bar = Progbar(4, stateful_metrics=["loss"])
    for step, value in ((1, 123456.0), (2, 0.5)):
        clock.time += 1
        bar.update(step, [("loss", value)])
    first, second = terminal.getvalue().split("\r")[1:]
    assert len(second) == len(first)


def test_colours(terminal, clock, monkeypatch):
    monkeypatch.delenv("NO_COLOR")
    run(clock, 2, 1.0)
    assert "\x1b[32m━" in terminal.getvalue()


def test_jupyter_redraws_without_a_terminal(log, clock, monkeypatch):
    use(monkeypatch, log, ["ipykernel"])
    run(clock, 8, 0.3)
    assert log.getvalue().count("\r") == 8


def test_verbose_2_prints_a_line_at_the_end(terminal, clock):
    run(clock, 10, 1.0, verbose=2)
    assert terminal.getvalue() == "10/10 - 10s - 1s/step - loss: 0.5000 - accuracy: 0.2500\n"


def test_verbose_0_prints_nothing(terminal, clock):
    run(clock, 10, 1.0, verbose=0)
    assert terminal.getvalue() == ""


def test_unknown_target(terminal, clock):
    bar = Progbar(None, stateless_metrics=())
    for step in (1, 2, 3):
        clock.time += 1
        bar.update(step, [("loss", 1.0)])
    assert "      3/Unknown" in terminal.getvalue()
    bar.target = 3
    bar.update(3, [("loss", 2.0)], finalize=True)
    assert terminal.getvalue().endswith("3/3 " + "━" * 20 + " 3s 1s/step - loss: 2.0000\n")


def test_values_are_averaged_over_steps_unless_stateful(log, clock):
    bar = Progbar(4, stateful_metrics=["b"])
    bar.add(1, [("a", 1.0), ("b", 1.0)])
    bar.add(2, [("a", 4.0), ("b", 2.0)])
    bar.update(4, [("a", 7.0), ("b", 3.0)], finalize=False)
    assert bar._sums["a"] == [1.0 + 8.0 + 7.0, 4]
    assert bar._sums["b"] == [3.0, 1]


def test_both_kinds_of_metrics_are_refused():
    with pytest.raises(ValueError, match="not both"):
        Progbar(1, stateful_metrics=["a"], stateless_metrics=["b"])


def test_an_output_that_cannot_show_the_bar(monkeypatch, clock):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    use(monkeypatch, stream)
    run(clock, 2, 1.0)
    assert "2/2 " + "=" * 20 in stream.buffer.getvalue().decode("ascii")


def test_no_standard_output(monkeypatch, clock):
    use(monkeypatch, None)
    run(clock, 2, 1.0)


def test_close_ends_an_unfinished_line(terminal, clock):
    bar = Progbar(10)
    clock.time += 1
    bar.update(1)
    assert not terminal.getvalue().endswith("\n")
    bar.close()
    bar.close()
    assert terminal.getvalue().endswith("\n") and terminal.getvalue().count("\n") == 1


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0s"), (12.7, "12s"), (60, "60s"), (65, "1:05"), (3600, "1:00:00"), (3725, "1:02:05")]
)
def test_format_seconds(seconds, text):
    assert format_seconds(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.5, "0.5000"), (0.0005, "5.0000e-04"), (0, "0.0000e+00"), (-2, "-2.0000"), (float("nan"), "nan"), ("x", "x")],
)
def test_format_value(value, text):
    assert format_value(value) == text
