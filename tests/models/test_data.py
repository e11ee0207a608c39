"""Sources of batches: arrays of any dtype, sequences, generators; splitting, weights, refusals."""

import threading

import numpy as np
import pytest

import cnnpy
from cnnpy import _core
from cnnpy.models.data import (
    ArrayData,
    Column,
    Epochs,
    IterableData,
    SequenceData,
    arrays_in,
    check_batch_size,
    class_weights_to_sample_weights,
    count_samples,
    is_array_structure,
    is_mapped,
    pack_x_y_sample_weight,
    split_for_validation,
    unpack_x_y_sample_weight,
)

Tensor = cnnpy.Tensor
FLOAT = {"class_weight": None, "convert_x": lambda x: Tensor(x, "float32")}


def array_data(x, y=None, weight=None, batch_size=4, shuffle=False):
    dtypes = ["float32"] * 9
    return ArrayData(x, y, weight, batch_size, shuffle, dtypes)


def x_of(batches):
    return [np.asarray(x) for x, _, _ in batches]


# ---- arrays ----


@pytest.mark.parametrize(
    "dtype",
    ["float32", "float64", "float16", "uint8", "int8", "int16", "uint16", "int32", "uint32", "int64", "bool", ">f4"],
)
@pytest.mark.parametrize("layout", ["plain", "fortran", "strided", "readonly"])
@pytest.mark.parametrize("shuffle", [False, True, "batch"])
def test_arrays_of_all_dtypes_and_layouts(dtype, layout, shuffle):
    values = np.arange(10 * 3 * 2).reshape(10, 3, 2) % 2 if dtype == "bool" else np.arange(60).reshape(10, 3, 2)
    x = values.astype(dtype)
    if layout == "fortran":
        x = np.asfortranarray(x)
    elif layout == "strided":
        x = np.repeat(x, 2, axis=2)[:, :, ::2]
    elif layout == "readonly":
        x.flags.writeable = False
    np.random.seed(3)
    data = array_data(x, np.arange(10), shuffle=shuffle)
    assert data.num_batches == 3
    seen = []
    for tensor, y, weight in data.epoch():
        assert tensor.dtype == "float32" and y.dtype == "int64" and weight is None
        np.testing.assert_array_equal(np.asarray(tensor), values[np.asarray(y)].astype("float32"))
        seen.append(np.asarray(y).tolist())
    assert [len(s) for s in seen] == [4, 4, 2]
    flat = [i for batch in seen for i in batch]
    assert sorted(flat) == list(range(10))
    assert (flat == list(range(10))) == (shuffle is False)
    if shuffle == "batch":
        assert all(set(s) <= set(range(i * 4, i * 4 + 4)) for i, s in enumerate(seen))


def test_memory_mapped_arrays_are_read_batch_by_batch(tmp_path):
    path = tmp_path / "x.npy"
    np.save(path, np.arange(4000, dtype="uint8").reshape(1000, 4))
    x = np.load(path, mmap_mode="r")
    checked = arrays_in(x, "x")
    assert checked is x
    data = array_data(checked, batch_size=300, shuffle=True)
    rows = np.concatenate(x_of(data.epoch()))
    assert sorted(map(tuple, rows)) == sorted(map(tuple, np.asarray(x, "float32")))


@pytest.mark.parametrize("shuffle", [True, False, "batch"])
def test_mapped_arrays_are_read_ahead_in_the_same_order(tmp_path, shuffle):
    plain = np.arange(160, dtype="float32").reshape(40, 4)
    np.save(tmp_path / "x.npy", plain)
    x = np.load(tmp_path / "x.npy", mmap_mode="r")
    assert is_mapped(x) and is_mapped(x[3:]) and is_mapped(np.asarray(x)) and not is_mapped(plain)
    results = []
    for array in (plain, x, np.asarray(x)):
        np.random.seed(4)
        results.append(x_of(array_data(array, np.arange(40), batch_size=7, shuffle=shuffle).epoch()))
    for other in results[1:]:
        assert all(np.array_equal(a, b) for a, b in zip(results[0], other, strict=True))
    before = threading.active_count()
    batches = array_data(x, batch_size=7, shuffle=shuffle).epoch()
    next(batches)
    assert threading.active_count() == before + 1
    batches.close()
    assert threading.active_count() == before


def test_no_copy_of_the_whole_array():
    x = np.zeros((4096, 256), "float64")
    before = _core.memory_stats()["in_use"]
    _core.memory_reset_peak()
    for _ in array_data(x, batch_size=8, shuffle=True).epoch():
        pass
    for _ in array_data(np.asfortranarray(x), batch_size=8).epoch():
        pass
    assert _core.memory_stats()["peak"] - before < 16 * 8 * 256 * 8


def test_column_converts():
    column = Column(np.arange(6, dtype="uint8").reshape(3, 2), "float64")
    assert column.rows(np.array([2, 0])).dtype == "float64"
    np.testing.assert_array_equal(np.asarray(column.rows(np.array([2, 0]))), [[4, 5], [0, 1]])
    np.testing.assert_array_equal(np.asarray(column.span(1, 3)), [[2, 3], [4, 5]])


def test_structures_of_arrays():
    x = {"b": np.arange(5.0), "a": (np.ones((5, 2)), np.zeros((5, 1)))}
    y = [np.arange(5), None]
    batches = list(array_data(arrays_in(x, "x"), arrays_in(y, "y"), batch_size=3, shuffle=True).epoch())
    first, labels, weight = batches[0]
    assert list(first) == ["b", "a"] and isinstance(first["a"], tuple) and isinstance(labels, list)
    assert first["a"][0].shape == (3, 2) and batches[1][0]["b"].shape == (2,)
    np.testing.assert_array_equal(np.asarray(first["b"]), np.asarray(labels[0]))
    assert labels[1] is None and weight is None


def test_order_of_shuffling_follows_the_seed():
    x = np.arange(50.0)

    def order():
        np.random.seed(7)
        data = array_data(x, shuffle=True)
        return [np.concatenate(x_of(data.epoch())) for _ in range(2)]

    (a1, a2), (b1, b2) = order(), order()
    np.testing.assert_array_equal(a1, b1)
    np.testing.assert_array_equal(a2, b2)
    assert (a1 != a2).any()


def test_tensors_lists_and_foreign_arrays():
    class Foreign:
        shape, dtype = (3,), "float32"

        def __array__(self, dtype=None, copy=None):
            return np.arange(3.0)

    for value in (Tensor(np.arange(3.0)), [0, 1, 2], [[0], [1], [2]], Foreign(), (0.0, 1.0, 2.0)):
        assert is_array_structure(value)
        np.testing.assert_array_equal(np.ravel(arrays_in(value, "x")), [0, 1, 2])
    assert [a.shape for a in arrays_in([np.zeros(3), [1, 2, 3]], "x")] == [(3,), (3,)]
    assert not is_array_structure(iter([1])) and not is_array_structure([iter([1])])


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (np.array(["a", "b"]), TypeError, "x: has dtype <U1, shape .* strings are not numbers"),
        (["a", "b"], TypeError, "strings are not numbers"),
        (np.array([[1], [2, 3]], dtype=object), TypeError, "x: has dtype object, .*rows of unequal length"),
        ([[1], [2, 3]], ValueError, "x: cannot become an array"),
        (np.zeros(3, complex), TypeError, "complex"),
        (np.zeros(3, "M8[s]"), TypeError, "has dtype datetime64"),
        (np.zeros((0, 28, 28, 1)), ValueError, r"x: is empty, its shape is \(0, 28, 28, 1\)"),
        (np.zeros((3, 0)), ValueError, "is empty"),
        (np.array(3.0), ValueError, "single number"),
        ([], ValueError, "x: is an empty list"),
        ([np.zeros(3), np.zeros(0)], ValueError, r"x\[1\]: is empty"),
        ({"a": np.array(["b"])}, TypeError, r"x\['a'\]: has dtype"),
    ],
)
def test_what_is_no_data(value, error, message):
    with pytest.raises(error, match=message):
        arrays_in(value, "x")


def test_numbers_of_samples_must_agree():
    assert count_samples([("x", [np.zeros(3), np.zeros((3, 2))]), ("y", None)]) == 3
    with pytest.raises(ValueError, match="x has 100; y has 90"):
        count_samples([("x", np.zeros((100, 2))), ("y", np.zeros(90)), ("sample_weight", None)])
    with pytest.raises(ValueError, match="x has 4, 5"):
        count_samples([("x", [np.zeros(4), np.zeros(5)])])


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (0, ValueError, "batch_size must be at least 1, got 0"),
        (-3, ValueError, "at least 1, got -3"),
        (32.0, TypeError, r"must be an integer, got 32.0 of type float; use int\(32.0\)"),
        (float("nan"), TypeError, "must be an integer"),
        ("32", TypeError, "must be an integer, got '32'"),
        (True, TypeError, "must be an integer, got True"),
    ],
)
def test_batch_sizes(value, error, message):
    with pytest.raises(error, match=message):
        check_batch_size(value)


def test_good_batch_sizes():
    assert [check_batch_size(v) for v in (None, 1, np.int64(7))] == [None, 1, 7]


# ---- packing, splitting, weights ----


def test_pack_and_unpack():
    assert unpack_x_y_sample_weight(1) == (1, None, None)
    assert unpack_x_y_sample_weight((1,)) == (1, None, None)
    assert unpack_x_y_sample_weight([1, 2]) == (1, 2, None)
    assert unpack_x_y_sample_weight((1, 2, 3)) == (1, 2, 3)
    with pytest.raises(ValueError, match="got 4 parts"):
        unpack_x_y_sample_weight((1, 2, 3, 4))
    assert pack_x_y_sample_weight(1) == 1 and pack_x_y_sample_weight([1]) == ([1],)
    assert pack_x_y_sample_weight(1, 2) == (1, 2) and pack_x_y_sample_weight(1, 2, 3) == (1, 2, 3)


def test_split_takes_the_last_rows_without_copying():
    x, y = np.arange(10).reshape(10, 1), np.arange(10)
    (a, b, w), (c, d, v) = split_for_validation(x, [y, y], None, 0.25)
    assert a.base is not None and np.shares_memory(a, x)
    np.testing.assert_array_equal(b[1], np.arange(7))
    np.testing.assert_array_equal(d[0], [7, 8, 9])
    assert w is None and v is None and len(c) == 3
    with pytest.raises(ValueError, match=r"validation_split=0\.9 of 1 samples"):
        split_for_validation(x[:1], y[:1], None, 0.9)
    with pytest.raises(TypeError, match="validation_split works with arrays"):
        split_for_validation(iter([x]), None, None, 0.5)


def test_class_weights():
    weights = {0: 2.0, 2: 0.5}
    for y in ([0, 1, 2, 0], [[0], [1], [2], [0]], np.eye(3)[[0, 1, 2, 0]], [0.0, 1.0, 2.0, 0.0]):
        result = class_weights_to_sample_weights(y, weights)
        assert result.dtype == "float32"
        np.testing.assert_array_equal(result, [2, 1, 0.5, 2])
    with pytest.raises(TypeError, match="must be a dict"):
        class_weights_to_sample_weights([0, 1], [1.0, 2.0])
    with pytest.raises(ValueError, match=r"one label per sample, y has shape \(2, 3, 3\)"):
        class_weights_to_sample_weights(np.zeros((2, 3, 3)), weights)
    with pytest.raises(ValueError, match="y has -1"):
        class_weights_to_sample_weights([0, -1], weights)


# ---- sequences and iterables ----


class Sequence:
    def __init__(self, batches=3):
        self.batches = batches
        self.events = []

    def __len__(self):
        return self.batches

    def __getitem__(self, index):
        return np.full((2, 1), index), np.full(2, index)

    def on_epoch_begin(self):
        self.events.append("begin")

    def on_epoch_end(self):
        self.events.append("end")


def labels(batches):
    return [int(np.asarray(y)[0]) for _, y, _ in batches]


def test_sequences():
    source = Sequence()
    data = SequenceData(source, shuffle=False, **FLOAT)
    epochs = Epochs(data)
    assert epochs.num_batches == 3
    assert labels(epochs) == [0, 1, 2] and labels(epochs) == [0, 1, 2]
    assert source.events == ["begin", "end"] * 2 and not epochs.exhausted
    x, y, weight = next(iter(epochs))
    assert x.dtype == "float32" and y.dtype == "int64" and weight is None
    source.batches = 2
    assert labels(epochs) == [0, 1]
    with pytest.raises(ValueError, match="Sequence has no batches"):
        SequenceData(Sequence(0), False, **FLOAT)


def test_sequences_are_shuffled_by_pythons_generator():
    import random

    def order():
        random.seed(5)
        return labels(Epochs(SequenceData(Sequence(20), True, **FLOAT)))

    assert order() == order() and sorted(order()) == list(range(20)) and order() != list(range(20))


def test_sequence_in_steps_goes_on_in_the_next_epoch():
    epochs = Epochs(SequenceData(Sequence(6), False, **FLOAT), steps=3)
    assert [labels(epochs) for _ in range(3)] == [[0, 1, 2], [3, 4, 5], [0, 1, 2]]
    epochs = Epochs(SequenceData(Sequence(3), False, **FLOAT), steps=2)
    assert labels(epochs) == [0, 1]
    with pytest.warns(UserWarning, match="ended after 1 of 2 steps"):
        assert labels(epochs) == [2]
    assert labels(epochs) == [0, 1] and not epochs.exhausted


def generator(count):
    for i in range(count):
        yield np.full((2, 1), i), np.full(2, i)


def test_generators_end_once():
    epochs = Epochs(IterableData(generator(3), **FLOAT))
    assert epochs.num_batches is None
    assert labels(epochs) == [0, 1, 2] and epochs.exhausted


def test_generators_in_steps():
    epochs = Epochs(IterableData(generator(5), **FLOAT), steps=2)
    assert epochs.num_batches == 2
    assert labels(epochs) == [0, 1] and labels(epochs) == [2, 3] and not epochs.exhausted
    with pytest.warns(UserWarning, match="ended after 1 of 2 steps"):
        assert labels(epochs) == [4]
    assert epochs.exhausted


def test_a_first_look_takes_nothing_away():
    data = IterableData(generator(2), **FLOAT)
    assert data.first_row().shape == (1, 1)
    assert labels(Epochs(data)) == [0, 1]
    with pytest.raises(ValueError, match="gives no batches"):
        IterableData(generator(0), **FLOAT).first_row()


def test_iterables_start_anew():
    class Loader:
        def __len__(self):
            return 2

        def __iter__(self):
            return generator(2)

    epochs = Epochs(IterableData(Loader(), **FLOAT))
    assert epochs.num_batches == 2
    assert labels(epochs) == [0, 1] and labels(epochs) == [0, 1] and not epochs.exhausted


def test_batches_are_checked_and_weighed():
    data = IterableData([], class_weight={1: 3.0}, convert_x=lambda x: Tensor(x, "float32"))
    x, _, weight = data.convert(([[1.0], [2.0]], [0, 1]))
    assert x.shape == (2, 1)
    np.testing.assert_array_equal(np.asarray(weight), [1, 3])
    with pytest.raises(ValueError, match="cannot be combined"):
        data.convert(([[1.0]], [0], [1.0]))
    with pytest.raises(ValueError, match="x has 2; y has 1"):
        data.convert((np.zeros((2, 1)), np.zeros(1)))
    with pytest.raises(ValueError, match="has no x"):
        data.convert((None, [1]))
    assert data.convert(np.zeros((2, 1)))[1] is None


def test_torch_loaders():
    torch = pytest.importorskip("torch")
    x, y = torch.arange(10.0).reshape(5, 2), torch.arange(5)
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), batch_size=2)
    batches = list(Epochs(IterableData(loader, **FLOAT)))
    assert labels(batches) == [0, 2, 4] and batches[0][0].shape == (2, 2)
    assert is_array_structure(x)
    np.testing.assert_array_equal(arrays_in(x, "x"), x.numpy())
