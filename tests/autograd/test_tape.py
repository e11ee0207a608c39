"""GradientTape: what it follows, what it gives back, and what it refuses."""

import collections
import gc
import threading

import numpy as np
import pytest

import cnnpy
from cnnpy import _core


def variable(*values, **options):
    return cnnpy.Variable(np.array(values, "float64"), **options)


def test_gradient_of_a_sum_of_squares():
    v = variable(1, 2, 3)
    with cnnpy.GradientTape() as tape:
        y = (v * v).sum()
    np.testing.assert_allclose(tape.gradient(y, v), [2, 4, 6])


def test_target_that_is_no_scalar_is_summed_or_weighed():
    v = variable(1, 2)
    with cnnpy.GradientTape(persistent=True) as tape:
        y = v * 3.0
    np.testing.assert_allclose(tape.gradient(y, v), [3, 3])
    np.testing.assert_allclose(tape.gradient(y, v, output_gradients=cnnpy.array([1.0, 10.0], "float64")), [3, 30])
    with pytest.raises(ValueError, match=r"output gradient 0 is float64 \(3,\) but its target is float64 \(2,\)"):
        tape.gradient(y, v, output_gradients=cnnpy.array(np.ones(3)))
    np.testing.assert_allclose(tape.gradient(y, v), [3, 3])


def test_several_targets_add_up():
    v = variable(2)
    with cnnpy.GradientTape() as tape:
        a, b = v * 3.0, v * v
    np.testing.assert_allclose(tape.gradient([a, b], v), [7])


def test_gradient_of_an_inner_tensor_and_of_its_source():
    v = variable(1, 2)
    with cnnpy.GradientTape() as tape:
        inner = v * 2.0
        y = (inner * inner).sum()
    gradients = tape.gradient(y, [inner, v, inner])
    np.testing.assert_allclose(gradients[0], [4, 8])
    np.testing.assert_allclose(gradients[1], [8, 16])
    np.testing.assert_allclose(gradients[2], [4, 8])


def test_structure_of_sources_is_mirrored():
    Pair = collections.namedtuple("Pair", "x y")
    a, b, c = variable(1), variable(2), variable(3)
    with cnnpy.GradientTape(persistent=True) as tape:
        y = a * 1.0 + b * 2.0 + c * 3.0
    got = tape.gradient(y, {"first": a, "rest": [b, (c,)], "pair": Pair(a, c)})
    assert list(got) == ["first", "rest", "pair"]
    assert isinstance(got["rest"], list) and isinstance(got["rest"][1], tuple) and isinstance(got["pair"], Pair)
    assert [float(g) for g in (got["first"], got["rest"][0], got["rest"][1][0], got["pair"].y)] == [1, 2, 3, 3]
    assert tape.gradient(y, []) == [] and tape.gradient(y, ()) == () and tape.gradient(y, {}) == {}
    assert isinstance(tape.gradient(y, (a, b)), tuple)


def test_a_structure_that_holds_itself():
    v, nested = variable(1), []
    nested.append(nested)
    with cnnpy.GradientTape() as tape:
        y = v * 2.0
    with pytest.raises(RecursionError):
        tape.gradient(y, nested)


def test_unconnected():
    a, b = variable(1), variable(2, 3)
    with cnnpy.GradientTape(persistent=True) as tape:
        y = a * 2.0
    assert tape.gradient(y, b) is None
    np.testing.assert_array_equal(tape.gradient(y, [a, b], unconnected_gradients="zero")[1], [0, 0])
    with pytest.raises(ValueError, match="unconnected_gradients must be 'none' or 'zero', got 'nil'"):
        tape.gradient(y, b, unconnected_gradients="nil")


def test_tape_is_used_up_by_gradient_and_starts_afresh():
    v = variable(1)
    tape = cnnpy.GradientTape()
    for _ in range(3):
        with tape:
            y = v * 5.0
        assert float(tape.gradient(y, v)) == 5
        with pytest.raises(RuntimeError, match="persistent=True"):
            tape.gradient(y, v)


def test_gradient_inside_the_with_block():
    v = variable(3)
    with cnnpy.GradientTape() as tape:
        y = v * v
        assert float(tape.gradient(y, v)) == 6
        v * 2.0  # recorded by nobody
    with cnnpy.GradientTape(persistent=True) as tape:
        y = v * v
        assert float(tape.gradient(y, v)) == 6
        z = y * v
        assert float(tape.gradient(z, v)) == 27
    assert float(tape.gradient(z, v)) == 27


def test_watch():
    x = cnnpy.array(np.array([1.0, 2.0]))
    with cnnpy.GradientTape() as tape:
        y = x * 2.0
    assert tape.gradient(y, x) is None
    with cnnpy.GradientTape() as tape:
        tape.watch({"x": [x]})
        y = x * 2.0
    np.testing.assert_allclose(tape.gradient(y, x), [2, 2])
    with pytest.raises(TypeError, match="only float tensors can be watched, got int32"):
        tape.watch(cnnpy.array([1], "int32"))
    with pytest.raises(TypeError, match=r"must be a Tensor or Variable, .* of type numpy\.ndarray"):
        tape.watch(np.ones(2))
    with pytest.raises(TypeError, match="sources must be a Tensor or Variable"):
        tape.gradient(y, np.ones(2))


def test_variables_that_are_not_watched():
    frozen, live = variable(2, trainable=False), variable(3)
    with cnnpy.GradientTape() as tape:
        y = frozen * live
    assert [g if g is None else float(g) for g in tape.gradient(y, [frozen, live])] == [None, 2]
    with cnnpy.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(frozen)
        y = frozen * live
    assert [g if g is None else float(g) for g in tape.gradient(y, [frozen, live])] == [3, None]


def test_watched_variables_are_the_very_objects():
    a, b, c = variable(1), variable(2), variable(3, trainable=False)
    with cnnpy.GradientTape() as tape:
        tape.watch(x := cnnpy.array([1.0]))
        y = b * a * c * b + x.sum()
    assert [id(v) for v in tape.watched_variables()] == [id(b), id(a)]
    assert y is not None


def test_a_watched_variable_that_died_comes_back_whole():
    tape = cnnpy.GradientTape()
    with tape:
        variable(4) * 2.0
    gc.collect()
    (back,) = tape.watched_variables()
    assert isinstance(back, cnnpy.Variable) and back.trainable and float(back) == 4
    assert tape.watched_variables()[0] is back


def test_stop_recording():
    v = variable(3)
    with cnnpy.GradientTape() as tape:
        y = v * v
        with tape.stop_recording():
            aside = v * 100.0
        y = y * v + aside
    np.testing.assert_allclose(tape.gradient(y, v), [27])
    with pytest.raises(RuntimeError, match="not recording"), tape.stop_recording():
        pass


def test_stop_recording_goes_on_after_an_exception():
    v = variable(3)
    with cnnpy.GradientTape() as tape:
        with pytest.raises(KeyError), tape.stop_recording():
            raise KeyError
        y = v * 2.0
    assert float(tape.gradient(y, v)) == 2


def test_reset():
    v = variable(3)
    with cnnpy.GradientTape() as tape:
        y = v * v
        tape.reset()
        z = v * 2.0
    assert tape.gradient([y, z], v).item() == 2


def test_two_tapes_at_once_give_the_gradients_of_each():
    """Both halves of a GAN are recorded by two tapes in one `with`; this was refused as nesting."""
    v, w = variable(2), variable(5)
    with cnnpy.GradientTape() as first, cnnpy.GradientTape() as second:
        shared = v * w
        one, two = shared * v, shared * w
    assert [g.item() for g in first.gradient(one, [v, w])] == [20, 4]
    assert [g.item() for g in second.gradient(two, [v, w])] == [25, 20]


def test_an_inner_tape_leaves_the_outer_one_whole():
    v = variable(2)
    with cnnpy.GradientTape(persistent=True) as outer:
        before = v * v
        with cnnpy.GradientTape(watch_accessed_variables=False) as inner:
            inner.watch(before)
            within = before * v
        with pytest.raises(RuntimeError, match="already recording"):
            outer.__enter__()
        after = within * 2.0
    assert inner.gradient(within, before).item() == 2
    assert outer.gradient(after, v).item() == 24
    assert outer.gradient(after, before).item() == 4


def test_tapes_may_end_in_any_order():
    v = variable(3)
    first, second = cnnpy.GradientTape(), cnnpy.GradientTape()
    first.__enter__()
    second.__enter__()
    y = v * v
    first.__exit__(None, None, None)
    z = y * v
    second.__exit__(None, None, None)
    assert first.gradient(z, v) is None
    assert second.gradient(z, v).item() == 27
    with cnnpy.GradientTape() as tape:
        assert tape.gradient(v * v, v).item() == 6


def test_second_derivatives_are_refused_where_they_matter():
    v = variable(3)
    with cnnpy.GradientTape(persistent=True) as outer:
        with cnnpy.GradientTape() as inner:
            y = v * v * v
        slope = inner.gradient(y, v)
        through = slope * v
        past = cnnpy.ops.stop_gradient(slope) * v
    assert slope.item() == 27
    assert outer.gradient(y, v).item() == 27
    assert outer.gradient(past, v).item() == 27
    with pytest.raises(RuntimeError, match=r"second derivatives are not offered.*stop_gradient"):
        outer.gradient(through, v)


def test_an_exception_inside_leaves_the_thread_clean():
    v = variable(2)
    with pytest.raises(ZeroDivisionError), cnnpy.GradientTape():
        raise ZeroDivisionError
    with cnnpy.GradientTape() as tape:
        y = v * 3.0
    assert float(tape.gradient(y, v)) == 3


def test_jacobians_are_refused():
    tape = cnnpy.GradientTape()
    for method in (tape.jacobian, tape.batch_jacobian):
        with pytest.raises(NotImplementedError, match="only gradients of scalars"):
            method(1, 2)


def test_a_variable_assigned_between_forward_and_backward():
    v, frozen = variable(2), variable(5, trainable=False)
    with cnnpy.GradientTape() as tape:
        y = v * v * frozen
    v.assign([100.0])
    frozen.assign([100.0])
    assert float(tape.gradient(y, v)) == 20


def test_value_is_followed():
    v = variable(3)
    with cnnpy.GradientTape() as tape:
        y = v.value * v.value
    v.assign([50.0])
    assert float(tape.gradient(y, v)) == 6


def run_in_thread(function):
    result = []

    def target():
        try:
            result.append(function())
        except Exception as error:
            result.append(error)

    thread = threading.Thread(target=target)
    thread.start()
    thread.join()
    return result[0]


def test_a_recording_tape_belongs_to_its_thread():
    v = variable(2)
    with cnnpy.GradientTape() as tape:
        y = v * 3.0
        calls = (
            lambda: tape.gradient(y, v),
            lambda: tape.watch(y),
            tape.reset,
            tape.watched_variables,
            lambda: tape.__exit__(None, None, None),
            lambda: tape.__enter__(),
        )
        for call in calls:
            error = run_in_thread(call)
            assert isinstance(error, RuntimeError) and "recording in another thread" in str(error)
        assert run_in_thread(lambda: float(v * 2.0)) == 4  # its ops are not recorded here
    assert float(run_in_thread(lambda: tape.gradient(y, v))) == 3


def test_each_thread_has_its_own_tape():
    shared, errors = variable(*range(1, 50)), []

    def work(k):
        try:
            for _ in range(100):
                with cnnpy.GradientTape() as tape:
                    y = (shared * shared * float(k)).sum()
                np.testing.assert_allclose(tape.gradient(y, shared), 2.0 * k * np.arange(1, 50))
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors


def test_a_tape_dropped_while_it_records_in_another_thread():
    v = variable(2)
    entered, leave, results = threading.Event(), threading.Event(), []

    def work():
        box[0].__enter__()
        entered.set()
        leave.wait()
        results.append(float(v * 3.0))
        with cnnpy.GradientTape() as tape:
            y = v * v
        results.append(float(tape.gradient(y, v)))

    box = [cnnpy.GradientTape()]
    thread = threading.Thread(target=work)
    thread.start()
    entered.wait()
    box.clear()
    gc.collect()
    leave.set()
    thread.join()
    assert results == [6, 4]


def test_ten_thousand_steps_grow_no_memory():
    v = cnnpy.Variable(np.zeros((50, 40), "float32"))
    x = cnnpy.array(np.ones((8, 50), "float32"))

    def step():
        with cnnpy.GradientTape() as tape:
            y = ((x @ v - 1.0) ** 2).mean()
        v.assign_sub(tape.gradient(y, v) * 0.1)

    for _ in range(20):
        step()
    before = _core.memory_stats()
    for _ in range(10_000):
        step()
    after = _core.memory_stats()
    assert after["in_use"] == before["in_use"]
    if after["cached"]:  # nothing is cached under AddressSanitizer
        assert after["system_calls"] == before["system_calls"]
    assert abs(float((x @ v).mean()) - 1) < 1e-3


def test_variadic_and_long_chains():
    v = variable(1)
    with cnnpy.GradientTape() as tape:
        y = v
        for _ in range(5000):
            y = y + 1e-3
        y = _core.concatenate([y * float(k) for k in range(100)], axis=0).sum()
    assert float(tape.gradient(y, v)) == 4950


def test_is_followed():
    v, frozen, x = variable(1), variable(2, trainable=False), cnnpy.array([3.0])
    assert not _core.is_followed(v, x)
    with cnnpy.GradientTape() as tape:
        assert _core.is_followed(v) and _core.is_followed(None, x, v * 2.0)
        assert not _core.is_followed(frozen, frozen * 2.0, x, None) and not _core.is_followed()
        tape.watch(x)
        assert _core.is_followed(x)
        with tape.stop_recording():
            assert not _core.is_followed(v, x)
    assert not _core.is_followed(v, x)
    with pytest.raises(TypeError, match="takes Tensors and None, got 3"):
        _core.is_followed(v, 3)
