"""cnnpy.data.Dataset: what it gives, in which order, and that what runs ahead ends."""

import gc
import threading
import time

import numpy as np
import pytest

import cnnpy
from cnnpy import layers
from cnnpy.data import AUTOTUNE, INFINITE_CARDINALITY, UNKNOWN_CARDINALITY, Dataset


def values(dataset):
    return [np.asarray(element).tolist() for element in dataset]


def ten():
    return Dataset.range(10)


@pytest.fixture(autouse=True)
def no_thread_is_left():
    before = set(threading.enumerate())
    yield
    gc.collect()
    left = [t for t in threading.enumerate() if t not in before and t.name.startswith("cnnpy-data")]
    for thread in left:
        thread.join(5)
    assert not [t for t in left if t.is_alive()]


# ---- sources ----


def test_rows_of_arrays():
    x, y = np.arange(6.0).reshape(3, 2), np.array([7, 8, 9], np.int32)
    dataset = Dataset.from_tensor_slices({"x": x, "y": (y, x)})
    assert len(dataset) == 3
    elements = list(dataset)
    assert elements[1]["x"].numpy().tolist() == [2.0, 3.0]
    assert elements[2]["y"][0].dtype == "int32" and int(elements[2]["y"][0]) == 9
    assert elements[0]["x"].dtype == "float64"


def test_lists_of_python_numbers_have_the_usual_dtypes():
    assert [e.dtype for e in Dataset.from_tensor_slices([1, 2])] == ["int32", "int32"]
    assert next(iter(Dataset.from_tensor_slices([1.5]))).dtype == "float32"
    assert next(iter(Dataset.from_tensors([[1, 2], [3, 4]]))).shape == (2, 2)


def test_text_stays_text():
    dataset = Dataset.from_tensor_slices((["a.png", "b.png"], [0, 1]))
    assert [(name, int(label)) for name, label in dataset] == [("a.png", 0), ("b.png", 1)]
    assert [len(name) for name, _ in dataset.batch(2)] == [2]


def test_generators_begin_anew():
    dataset = Dataset.from_generator(lambda n: iter(range(n)), output_types="float32", args=(3,))
    assert dataset.cardinality() == UNKNOWN_CARDINALITY
    for _ in range(2):
        elements = list(dataset)
        assert [e.dtype for e in elements] == ["float32"] * 3
    with pytest.raises(TypeError, match="unknown until it has been read"):
        len(dataset)


def test_zip_ends_with_the_shortest():
    dataset = Dataset.zip((ten(), ten().skip(7)))
    assert [(int(a), int(b)) for a, b in dataset] == [(0, 7), (1, 8), (2, 9)]
    assert len(dataset) == 3
    assert len(Dataset.zip(ten().repeat(), ten())) == 10


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: Dataset.from_tensor_slices((np.zeros(3), np.zeros(4))), "numbers of samples differ"),
        (lambda: Dataset.from_tensor_slices(np.float32(1)), "no rows"),
        (lambda: Dataset.from_generator([1, 2]), "a function that returns"),
        (lambda: ten().batch(0), "batch_size must be at least 1"),
        (lambda: ten().shuffle(0), "buffer_size must be at least 1"),
        (lambda: ten().shard(2, 2), "index must be below"),
        (lambda: ten().prefetch(-3), "buffer_size must be"),
        (lambda: ten().map(3), "must be a function"),
        (lambda: ten().map(abs, num_parallel_calls=0), "num_parallel_calls must be"),
        (lambda: ten().concatenate(3), "takes a Dataset"),
        (lambda: list(ten().map(lambda x: None)), "an element is None"),
        (lambda: list(Dataset.from_generator(lambda: (np.zeros(n) for n in (2, 3))).batch(2)), "cannot be stacked"),
        (lambda: ten().cache("file"), "in memory alone"),
    ],
)
def test_mistakes(make, message):
    with pytest.raises((ValueError, TypeError, NotImplementedError), match=message):
        make()


# ---- order ----


def test_shuffling_is_fixed_by_its_seed_and_differs_by_pass():
    one, two = (ten().shuffle(10, seed=3) for _ in range(2))
    first, second = values(one), values(one)
    assert sorted(first) == list(range(10)) and first != list(range(10))
    assert first != second
    assert [values(two), values(two)] == [first, second]
    same = ten().shuffle(10, seed=3, reshuffle_each_iteration=False)
    assert values(same) == values(same)


def test_shuffling_without_a_seed_follows_numpy():
    orders = []
    for _ in range(2):
        cnnpy.utils.set_random_seed(5)
        orders.append(values(ten().shuffle(4)))
    assert orders[0] == orders[1]


def test_a_small_buffer_moves_elements_a_little():
    order = values(Dataset.range(100).shuffle(5, seed=0))
    assert sorted(order) == list(range(100))
    assert all(element <= place + 5 for place, element in enumerate(order))


def test_shuffling_mixes_evenly():
    firsts = [values(ten().shuffle(10, seed=s).take(1))[0] for s in range(2000)]
    counts = np.bincount(firsts, minlength=10)
    assert counts.min() > 140 and counts.max() < 260


def test_parts_and_repetitions():
    assert values(ten().take(2)) == [0, 1]
    assert values(ten().take(-1)) == list(range(10))
    assert values(ten().skip(8)) == [8, 9]
    assert values(ten().skip(-1)) == []
    assert values(ten().shard(3, 1)) == [1, 4, 7]
    assert values(ten().take(2).repeat(2)) == [0, 1, 0, 1]
    assert values(ten().repeat().skip(8).take(4)) == [8, 9, 0, 1]
    assert values(ten().take(0).repeat()) == []
    assert values(ten().filter(lambda x: x % 4 == 0)) == [0, 4, 8]
    assert values(ten().take(1).concatenate(ten().skip(9))) == [0, 9]
    assert [(int(i), int(x)) for i, x in ten().skip(8).enumerate(5)] == [(5, 8), (6, 9)]


@pytest.mark.parametrize(
    "make",
    [
        lambda d: d,
        lambda d: d.take(3),
        lambda d: d.take(30),
        lambda d: d.skip(4),
        lambda d: d.skip(40),
        lambda d: d.shard(4, 2),
        lambda d: d.repeat(3),
        lambda d: d.repeat(0),
        lambda d: d.batch(3),
        lambda d: d.batch(3, drop_remainder=True),
        lambda d: d.batch(4).take(2).repeat(2),
        lambda d: d.concatenate(d),
        lambda d: d.map(lambda x: x).shuffle(3).cache().prefetch(2),
        lambda d: d.enumerate(),
    ],
)
def test_lengths_are_true(make):
    dataset = make(ten())
    assert len(dataset) == dataset.cardinality() == len(list(dataset))


def test_endless_ones_have_no_length():
    endless = ten().repeat()
    assert endless.cardinality() == endless.batch(2).cardinality() == INFINITE_CARDINALITY
    assert endless.take(15).cardinality() == 15
    assert bool(endless)
    with pytest.raises(TypeError, match="infinite"):
        len(endless)


# ---- elements ----


def test_functions_take_the_parts_of_a_tuple():
    dataset = Dataset.from_tensor_slices((np.arange(3), np.arange(3) * 10)).map(lambda a, b: a + b)
    assert values(dataset) == [0, 11, 22]
    assert values(dataset.flat_map(lambda x: Dataset.from_tensors(x).repeat(2))) == [0, 0, 11, 11, 22, 22]


def test_batches_of_rows_and_of_elements_are_alike():
    x = np.random.default_rng(0).random((7, 3)).astype("float32")
    rows = Dataset.from_tensor_slices((x, np.arange(7)))
    for (a, i), (b, j) in zip(rows.batch(3), rows.map(lambda a, i: (a, i)).batch(3), strict=True):
        assert np.array_equal(a, b) and np.array_equal(i, j)
    assert values(rows.batch(3).unbatch().map(lambda a, i: i)) == list(range(7))


def test_rows_that_do_not_lie_side_by_side():
    x = np.arange(12).reshape(3, 4)[:, ::2]
    assert values(Dataset.from_tensor_slices(x).batch(3)) == [[[0, 2], [4, 6], [8, 10]]]


def test_numpy_iterator_and_reduce():
    assert list(ten().take(3).as_numpy_iterator()) == [0, 1, 2]
    assert int(ten().reduce(0, lambda state, x: state + x)) == 45


# ---- ahead ----


@pytest.mark.parametrize("parallel", [None, 1, 3, AUTOTUNE])
@pytest.mark.parametrize("deterministic", [None, True, False])
def test_threads_keep_the_order(parallel, deterministic):
    def slow_at_first(x):
        time.sleep(0.002 if int(x) < 3 else 0)
        return x * 2

    dataset = ten().map(slow_at_first, num_parallel_calls=parallel, deterministic=deterministic)
    assert values(dataset.batch(4).prefetch(1)) == [[0, 2, 4, 6], [8, 10, 12, 14], [16, 18]]


def test_random_layers_ahead_draw_as_in_turn():
    """With threads racing for the numbers, two runs with one seed would differ."""
    x = np.random.default_rng(0).random((12, 8, 8, 1)).astype("float32")

    def run(parallel):
        augment = layers.RandomRotation(0.2, seed=4)
        dataset = Dataset.from_tensor_slices(x).map(lambda i: augment(i, training=True), num_parallel_calls=parallel)
        return np.concatenate([np.asarray(b) for b in dataset.batch(5).prefetch(2)])

    assert np.array_equal(run(None), run(AUTOTUNE))


@pytest.mark.parametrize("deterministic", [True, False])
def test_errors_come_where_their_element_would(deterministic):
    def fail(x):
        if int(x) == 5:
            raise RuntimeError("five")
        return x

    dataset = ten().map(fail, num_parallel_calls=2, deterministic=deterministic).prefetch(3)
    seen = []
    with pytest.raises(RuntimeError, match="five"):
        for x in dataset:
            seen.append(int(x))
    assert seen == [0, 1, 2, 3, 4]


def test_no_more_is_made_than_has_room():
    made = []

    def note(x):
        made.append(int(x))
        return x

    source = iter(Dataset.range(1000).map(note).prefetch(3))
    next(source)
    time.sleep(0.05)
    assert len(made) <= 5  # one given out, three waiting, one in the making
    source.close()


def test_breaking_off_ends_the_threads():
    for _ in ten().repeat().map(lambda x: x, num_parallel_calls=2, deterministic=False).batch(2).prefetch(2):
        break


def test_threads_of_data_leave_the_cores_to_training():
    threads = Dataset.range(1).map(lambda x: cnnpy._core.get_threads())
    assert values(threads.prefetch(1)) == [1]
    before = cnnpy._core.get_threads()
    try:
        cnnpy._core.set_threads(3)
        assert values(threads.prefetch(1)) == [1] and values(threads) == [3 if cnnpy._core.has_openmp else 1]
    finally:
        cnnpy._core.set_threads(None)
    assert cnnpy._core.get_threads() == before


def test_limits_of_threads_are_checked():
    for wrong in (0, -1, 2000):
        with pytest.raises(ValueError, match=r"must be None or 1\.\.1024"):
            cnnpy._core.limit_threads(wrong)


def test_a_cache_keeps_what_a_whole_pass_gave():
    calls = []

    def note(x):
        calls.append(int(x))
        return x

    dataset = ten().map(note).cache()
    next(iter(dataset))
    calls.clear()
    assert values(dataset) == values(dataset) == list(range(10))
    assert calls == list(range(10))


# ---- models ----


def test_models_take_data_sets():
    x, y = np.random.default_rng(0).random((20, 4)).astype("float32"), np.arange(20) % 3
    model = cnnpy.Sequential([cnnpy.Input((4,)), layers.Dense(3, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    dataset = Dataset.from_tensor_slices((x, y)).shuffle(20).batch(8).prefetch(AUTOTUNE)
    history = model.fit(dataset, epochs=2, validation_data=dataset, verbose=0)
    assert len(history.history["val_loss"]) == 2
    endless = model.fit(dataset.repeat(), epochs=2, steps_per_epoch=4, verbose=0)
    assert len(endless.history["loss"]) == 2
    assert np.allclose(model.predict(Dataset.from_tensor_slices(x).batch(8), verbose=0), model.predict(x, verbose=0))
    weighted = Dataset.from_tensor_slices((x, y, np.ones(20, "float32"))).batch(5)
    assert np.isclose(model.evaluate(weighted, verbose=0)[0], model.evaluate(x, y, verbose=0)[0])


def test_training_on_rows_in_order_equals_training_on_arrays():
    x, y = np.random.default_rng(0).random((20, 4)).astype("float32"), np.arange(20) % 3
    weights = []
    for data in (
        {"x": x, "y": y, "batch_size": 8, "shuffle": False},
        {"x": Dataset.from_tensor_slices((x, y)).batch(8)},
    ):
        cnnpy.utils.set_random_seed(1)
        model = cnnpy.Sequential([cnnpy.Input((4,)), layers.Dense(3, activation="softmax")])
        model.compile("adam", "sparse_categorical_crossentropy")
        model.fit(**data, epochs=3, verbose=0)
        weights.append(model.get_weights()[0])
    assert np.array_equal(*weights)
