"""Learning-rate schedules."""

import numpy as np
import pytest

import cnnpy
from cnnpy.optimizers import SGD, schedules

ALL = [
    schedules.ExponentialDecay(0.1, 10, 0.5),
    schedules.ExponentialDecay(0.1, 10, 0.5, staircase=True),
    schedules.PiecewiseConstantDecay([3, 7], [1.0, 0.5, 0.1]),
    schedules.PolynomialDecay(0.1, 10, power=2.0),
    schedules.PolynomialDecay(0.1, 10, cycle=True),
    schedules.InverseTimeDecay(0.1, 10, 0.5),
    schedules.CosineDecay(0.1, 10, alpha=0.1),
    schedules.CosineDecay(0.0, 10, warmup_target=0.1, warmup_steps=5),
    schedules.CosineDecayRestarts(0.1, 5),
]


@pytest.mark.parametrize("schedule", ALL)
def test_contract(schedule):
    rates = [schedule(step) for step in range(30)]
    assert all(np.isfinite(rates)) and min(rates) >= 0
    assert schedule(cnnpy.Variable(np.int64(4))) == rates[4] and schedule(np.int64(4)) == rates[4]
    assert rates[4].numpy() == np.float32(rates[4])
    again = schedules.deserialize(schedules.serialize(schedule))
    assert type(again) is type(schedule) and [again(step) for step in range(30)] == rates
    optimizer = SGD(schedule)
    restored = SGD.from_config(optimizer.get_config())
    assert [restored._learning_rate(step) for step in range(30)] == rates


def test_values():
    assert schedules.ExponentialDecay(0.1, 10, 0.5)(10) == 0.05
    assert schedules.ExponentialDecay(0.1, 10, 0.5, staircase=True)(19) == 0.05
    piecewise = schedules.PiecewiseConstantDecay([3, 7], [1.0, 0.5, 0.1])
    assert [piecewise(s) for s in (0, 3, 4, 7, 8)] == [1.0, 1.0, 0.5, 0.5, 0.1]
    np.testing.assert_allclose(schedules.PolynomialDecay(0.1, 10, 0.0)(5), 0.05)
    np.testing.assert_allclose(schedules.PolynomialDecay(0.1, 10, 0.0, cycle=True)(15), 0.025)
    np.testing.assert_allclose(schedules.InverseTimeDecay(0.1, 10, 1.0)(10), 0.05)
    np.testing.assert_allclose(schedules.CosineDecay(0.1, 10)([5, 10, 20][0]), 0.05)
    assert schedules.CosineDecay(0.1, 10)(20) == 0
    restarts = schedules.CosineDecayRestarts(0.1, 5, m_mul=0.5)
    np.testing.assert_allclose([restarts(0), restarts(5), restarts(15)], [0.1, 0.05, 0.025])


def test_an_optimizer_follows_its_schedule():
    v = cnnpy.Variable(np.zeros(1))
    optimizer = SGD(schedules.PiecewiseConstantDecay([0, 1], [1.0, 10.0, 100.0]))
    for expected in (1.0, 11.0, 111.0):
        optimizer.apply([cnnpy.Tensor(np.array([-1.0]))], [v])
        assert v.numpy() == expected
    with pytest.raises(TypeError, match="follows PiecewiseConstantDecay"):
        optimizer.learning_rate = 0.1
    optimizer.learning_rate = schedules.ExponentialDecay(0.5, 1, 1.0)
    assert optimizer.learning_rate == 0.5


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: schedules.ExponentialDecay(0.1, 0, 0.5), "decay_steps must be above 0"),
        (lambda: schedules.CosineDecayRestarts(0.1, -1), "first_decay_steps"),
        (lambda: schedules.PiecewiseConstantDecay([1], [0.1]), "one value more"),
    ],
)
def test_bad_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_own_schedule():
    class Half(schedules.LearningRateSchedule):
        def __call__(self, step):
            return 0.5

    v = cnnpy.Variable(np.zeros(1))
    SGD(Half()).apply([cnnpy.Tensor(np.array([-1.0]))], [v])
    assert v.numpy() == 0.5
    with pytest.raises(NotImplementedError):
        schedules.LearningRateSchedule()(0)
