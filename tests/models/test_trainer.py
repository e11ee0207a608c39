"""fit, evaluate, predict and their one-batch forms: semantics, callbacks, custom steps, interruption, memory."""

import numpy as np
import pytest

import cnnpy
from cnnpy import _core, callbacks, layers, losses, metrics

RNG = np.random.default_rng(0)
X = RNG.normal(size=(50, 6, 6, 1)).astype("float32")
Y = RNG.integers(0, 3, 50)


def net(units=3, activation="softmax", inputs=(6, 6, 1), **settings):
    cnnpy.utils.set_random_seed(1)
    stack = [
        layers.Conv2D(4, 3, activation="relu", kernel_regularizer=settings.pop("regularizer", None)),
        layers.Flatten(),
        layers.Dense(units, activation=activation),
    ]
    model = cnnpy.Sequential([layers.Input(inputs), *stack] if inputs else stack)
    settings = {"optimizer": "sgd", "loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"], **settings}
    model.compile(**settings)
    return model


def weights_of(model):
    return np.concatenate([w.ravel() for w in model.get_weights()])


# ---- what fit computes ----


def test_history():
    model = net()
    history = model.fit(X, Y, epochs=3, batch_size=16, validation_split=0.2, verbose=0)
    assert history is model.history and history.epoch == [0, 1, 2]
    assert list(history.history) == ["accuracy", "loss", "val_accuracy", "val_loss"]
    assert all(len(v) == 3 and all(type(x) is float for x in v) for v in history.history.values())
    assert history.params == {"verbose": 0, "epochs": 3, "steps": 3}
    assert history.history["loss"][2] < history.history["loss"][0]
    later = model.fit(X, Y, initial_epoch=3, epochs=5, verbose=0)
    assert later.epoch == [3, 4] and len(later.history["loss"]) == 2
    assert model.fit(X, Y, epochs=0, verbose=0).history == {}


def test_loss_weighs_the_ragged_batch_and_has_the_regularisation():
    model = net(regularizer=cnnpy.regularizers.L2(0.1))
    kernel = model.layers[0].get_weights()[0]
    bare = float(np.asarray(losses.SparseCategoricalCrossentropy()(Y, model.predict(X, verbose=0))))
    expected = bare + 0.1 * float((kernel**2).sum())
    for size in (50, 7, 1, 1000):
        loss, accuracy = model.evaluate(X, Y, batch_size=size, verbose=0)
        assert loss == pytest.approx(expected, rel=1e-5)
        assert accuracy == pytest.approx(np.mean(model.predict(X, verbose=0).argmax(-1) == Y))
    history = model.fit(X, Y, batch_size=50, verbose=0)  # one batch: the loss before the step
    assert history.history["loss"][0] == pytest.approx(expected, rel=1e-5)


def test_predictions_are_the_same_for_every_batch_size():
    model = net()
    whole = model.predict(X, batch_size=50, verbose=0)
    assert type(whole) is np.ndarray and whole.shape == (50, 3) and whole.dtype == np.float32
    for size in (1, 7, 32, 64):
        np.testing.assert_allclose(model.predict(X, batch_size=size, verbose=0), whole, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(model.predict_on_batch(X), whole, rtol=1e-5, atol=1e-6)
    whole[:] = 0  # it is the caller's own
    assert model.predict(X[:3], steps=1, batch_size=2, verbose=0).shape == (2, 3)


def test_validation_split_takes_the_last_rows():
    a, b = net(), net()
    first = a.fit(X, Y, epochs=2, validation_split=0.3, shuffle=False, verbose=0)
    second = b.fit(X[:35], Y[:35], epochs=2, validation_data=(X[35:], Y[35:]), shuffle=False, verbose=0)
    assert first.history == second.history
    np.testing.assert_array_equal(weights_of(a), weights_of(b))


def test_shuffling_follows_the_seed():
    def run(shuffle=True):
        model = net()
        cnnpy.utils.set_random_seed(5)
        model.fit(X, Y, epochs=2, batch_size=8, shuffle=shuffle, verbose=0)
        return weights_of(model)

    np.testing.assert_array_equal(run(), run())
    assert (run() != run(False)).any() and (run() != run("batch")).any()


def test_every_dtype_and_container_trains_alike():
    pixels, expected = (np.abs(X) * 20).astype("uint8"), None
    for x in (
        pixels,
        pixels.astype("float64"),
        pixels.astype("int64"),
        cnnpy.Tensor(pixels),
        pixels.tolist(),
        [pixels],
    ):
        model = net()
        model.fit(x, Y, shuffle=False, verbose=0)
        got = weights_of(model)
        expected = got if expected is None else expected
        np.testing.assert_allclose(got, expected, rtol=1e-6)


def test_sample_and_class_weights():
    table = {0: 1.0, 1: 3.0, 2: 0.5}
    weights = np.array([table[int(y)] for y in Y], "float32")
    a, b = net(weighted_metrics=["accuracy"]), net(weighted_metrics=["accuracy"])
    first = a.fit(X, Y, class_weight=table, shuffle=False, verbose=0).history
    second = b.fit(X, Y, sample_weight=weights, shuffle=False, verbose=0).history
    assert first == second and list(first) == ["accuracy", "loss", "weighted_accuracy"]
    np.testing.assert_array_equal(weights_of(a), weights_of(b))
    hits = a.predict(X, verbose=0).argmax(-1) == Y
    result = a.evaluate(X, Y, sample_weight=weights, verbose=0, return_dict=True)
    assert result["accuracy"] == pytest.approx(hits.mean())
    assert result["weighted_accuracy"] == pytest.approx((hits * weights).sum() / weights.sum())


def test_on_batch_calls_report_their_own_batch():
    model = net()
    expected = model.evaluate(X[:8], Y[:8], verbose=0)
    assert model.test_on_batch(X[:8], Y[:8]) == pytest.approx(expected)
    assert model.train_on_batch(X[:8], Y[:8]) == pytest.approx(expected)
    again = model.train_on_batch(X[:8], Y[:8], return_dict=True)
    assert list(again) == ["accuracy", "loss"] and again["loss"] < expected[0]
    other = net(metrics=None)
    assert type(other.train_on_batch(X, Y)) is float
    assert type(other.evaluate(X, Y, verbose=0)) is float


def test_deferred_models_build_themselves():
    model = net(inputs=None)
    assert model.fit(X, Y, verbose=0).history["loss"][0] > 0 and model.built
    assert net(inputs=None).predict(X, verbose=0).shape == (50, 3)
    assert len(net(inputs=None).train_on_batch(X, Y)) == 2


@pytest.mark.parametrize("shape", [(50,), (50, 1)])
def test_binary_labels(shape):
    model = net(1, "sigmoid", loss="binary_crossentropy")
    history = model.fit(X, (Y > 0).reshape(shape), epochs=2, verbose=0)
    assert type(model._compile_metrics.metrics[0]).__name__ == "BinaryAccuracy"
    assert history.history["loss"][1] < history.history["loss"][0]


def test_frozen_layers_stay():
    model = net()
    model.layers[0].trainable = False
    model.compile("sgd", loss="sparse_categorical_crossentropy")
    before = [w.copy() for w in model.get_weights()]
    model.fit(X, Y, verbose=0)
    after = model.get_weights()
    np.testing.assert_array_equal(before[0], after[0])
    assert (before[2] != after[2]).any()
    model.trainable = False
    model.compile("sgd", loss="sparse_categorical_crossentropy")
    with pytest.warns(UserWarning, match="no trainable weights"):
        model.fit(X, Y, epochs=1, batch_size=50, verbose=0)


def test_averages_take_the_place_of_weights_at_the_end():
    model = net(optimizer=cnnpy.optimizers.SGD(0.5, use_ema=True, ema_momentum=0.5))
    model.fit(X, Y, batch_size=25, shuffle=False, verbose=0)
    for v in model.trainable_variables:
        np.testing.assert_array_equal(v.numpy(), model.optimizer._averages[model.optimizer._index[id(v)]].numpy())


def test_optimizers_scale_of_the_loss_leaves_the_training_alone():
    a, b = net(optimizer=cnnpy.optimizers.SGD()), net(optimizer=cnnpy.optimizers.SGD(loss_scale_factor=8.0))
    first, second = (m.fit(X, Y, shuffle=False, verbose=0).history["loss"] for m in (a, b))
    assert first == pytest.approx(second)
    np.testing.assert_allclose(weights_of(a), weights_of(b), rtol=1e-5)


# ---- several inputs and outputs ----


def two_by_two():
    cnnpy.utils.set_random_seed(1)
    a, b = layers.Input((4,), name="a"), layers.Input((2,), name="b")
    hidden = layers.Concatenate()([layers.Dense(3, activation="relu")(a), b])
    return cnnpy.Model(
        [a, b], [layers.Dense(3, activation="softmax", name="kind")(hidden), layers.Dense(1, name="size")(hidden)]
    )


A, B = RNG.normal(size=(20, 4)).astype("float32"), RNG.normal(size=(20, 2)).astype("float32")
KIND, SIZE = RNG.integers(0, 3, 20), RNG.normal(size=(20, 1)).astype("float32")


@pytest.mark.parametrize(
    ("x", "y"),
    [([A, B], [KIND, SIZE]), ((A, B), (KIND, SIZE)), ({"b": B, "a": A}, {"size": SIZE, "kind": KIND})],
    ids=["lists", "tuples", "dicts"],
)
def test_several_inputs_and_outputs(x, y):
    model = two_by_two()
    model.compile(
        "sgd",
        loss={"kind": "sparse_categorical_crossentropy", "size": "mse"},
        loss_weights={"kind": 1.0, "size": 0.5},
        metrics={"kind": ["accuracy"], "size": ["mae"]},
    )
    history = model.fit(x, y, epochs=2, batch_size=8, shuffle=False, verbose=0).history
    assert list(history) == ["kind_accuracy", "kind_loss", "loss", "size_loss", "size_mae"]
    for total, kind, size in zip(history["loss"], history["kind_loss"], history["size_loss"]):
        assert total == pytest.approx(kind + 0.5 * size, rel=1e-5)
    values = model.evaluate(x, y, verbose=0)
    assert model.metrics_names == ["loss", "kind_loss", "size_loss", "kind_accuracy", "size_mae"]
    assert values[0] == pytest.approx(values[1] + 0.5 * values[2], rel=1e-5)
    kind, size = model.predict(x, batch_size=6, verbose=0)
    assert kind.shape == (20, 3) and size.shape == (20, 1)
    assert isinstance(model.predict_on_batch(x), list)
    assert len(model.train_on_batch(x, y)) == 5


def test_outputs_as_a_dict():
    x = layers.Input((4,))
    model = cnnpy.Model(x, {"kind": layers.Dense(3, activation="softmax")(x), "size": layers.Dense(1)(x)})
    model.compile("sgd", loss={"kind": "ce", "size": "mse"}, metrics={"kind": ["accuracy"]})
    history = model.fit(A, {"kind": KIND, "size": SIZE}, verbose=0).history
    assert sorted(history) == ["kind_accuracy", "kind_loss", "loss", "size_loss"]
    predicted = model.predict(A, batch_size=7, verbose=0)
    assert {k: v.shape for k, v in predicted.items()} == {"kind": (20, 3), "size": (20, 1)}


# ---- sources of batches ----


class Batches:
    def __init__(self, size=8):
        self.size = size

    def __len__(self):
        return -(-50 // self.size)

    def __getitem__(self, i):
        return X[i * self.size : (i + 1) * self.size], Y[i * self.size : (i + 1) * self.size]


def endless():
    while True:
        yield from (Batches()[i] for i in range(7))


@pytest.mark.parametrize("kind", ["sequence", "generator", "iterable", "three parts"])
def test_sources_of_batches_train_as_arrays_do(kind):
    expected = net()
    first = expected.fit(X, Y, batch_size=8, epochs=2, shuffle=False, validation_data=(X, Y), verbose=0).history
    model, batches = net(), Batches()
    source = {
        "sequence": batches,
        "generator": endless(),
        "iterable": type("Loader", (), {"__iter__": lambda self: (batches[i] for i in range(7))})(),
        "three parts": type("Loader", (), {"__iter__": lambda self: ((*batches[i], None) for i in range(7))})(),
    }[kind]
    steps = 7 if kind == "generator" else None
    history = model.fit(
        source, epochs=2, shuffle=False, steps_per_epoch=steps, validation_data=batches, verbose=0
    ).history
    for name, values in first.items():
        assert history[name] == pytest.approx(values, rel=1e-5)
    np.testing.assert_allclose(weights_of(model), weights_of(expected), rtol=1e-6)
    assert model.predict(batches, verbose=0).shape == (50, 3)
    assert model.evaluate(batches, verbose=0) == pytest.approx(expected.evaluate(X, Y, verbose=0), rel=1e-5)


def test_a_generator_that_ends_early_says_so():
    def twice():
        yield X[:8], Y[:8]
        yield X[8:16], Y[8:16]

    model = net()
    with pytest.warns(UserWarning, match="the data ended with epoch 1 of 3"):
        history = model.fit(twice(), epochs=3, verbose=0)
    assert history.epoch == [0]
    with pytest.warns(UserWarning, match="ended after 2 of 5 steps"):
        model.fit(twice(), steps_per_epoch=5, verbose=0)
    with pytest.warns(UserWarning, match=r"steps_per_epoch=1.5 should be an integer; taking 2"):
        model.fit(Batches(), steps_per_epoch=1.5, verbose=0)


def test_validation_frequency_and_steps():
    model = net()
    history = model.fit(X, Y, epochs=5, validation_data=(X, Y), validation_freq=2, verbose=0).history
    assert len(history["loss"]) == 5 and len(history["val_loss"]) == 2
    history = model.fit(X, Y, epochs=5, validation_data=(X, Y), validation_freq=[1, 4, 5], verbose=0).history
    assert len(history["val_loss"]) == 3
    one = model.evaluate(X[:10], Y[:10], verbose=0)[0]
    history = net().fit(X, Y, validation_data=(X, Y), validation_steps=1, validation_batch_size=10, verbose=0)
    assert history.history["val_loss"][0] > 0 and one > 0


def test_memory_mapped_data(tmp_path):
    np.save(tmp_path / "x.npy", X)
    np.save(tmp_path / "y.npy", Y)
    x, y = (np.load(tmp_path / name, mmap_mode="r") for name in ("x.npy", "y.npy"))
    a, b = net(), net()
    a.fit(x, y, shuffle=False, validation_split=0.2, verbose=0)
    b.fit(X, Y, shuffle=False, validation_split=0.2, verbose=0)
    np.testing.assert_array_equal(weights_of(a), weights_of(b))


# ---- callbacks ----


class Recorder(callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.calls = []

    def on_train_begin(self, logs=None):
        self.calls.append("train begin")

    def on_train_end(self, logs=None):
        self.calls.append(("train end", sorted(logs)))

    def on_epoch_begin(self, epoch, logs=None):
        self.calls.append(("epoch begin", epoch))

    def on_epoch_end(self, epoch, logs=None):
        self.calls.append(("epoch end", epoch, list(logs)))

    def on_train_batch_begin(self, batch, logs=None):
        self.calls.append(("batch begin", batch))

    def on_train_batch_end(self, batch, logs=None):
        self.calls.append(("batch end", batch, list(logs)))

    def on_test_begin(self, logs=None):
        self.calls.append("test begin")

    def on_test_batch_begin(self, batch, logs=None):
        self.calls.append(("test batch begin", batch))

    def on_test_batch_end(self, batch, logs=None):
        self.calls.append(("test batch end", batch, list(logs)))

    def on_test_end(self, logs=None):
        self.calls.append(("test end", list(logs)))


def test_order_of_hooks():
    recorder, keys = Recorder(), ["accuracy", "loss"]
    net().fit(X, Y, batch_size=25, validation_data=(X[:5], Y[:5]), callbacks=recorder, verbose=0)
    assert recorder.calls == [
        "train begin",
        ("epoch begin", 0),
        ("batch begin", 0),
        ("batch end", 0, keys),
        ("batch begin", 1),
        ("batch end", 1, keys),
        "test begin",
        ("test batch begin", 0),
        ("test batch end", 0, keys),
        ("test end", keys),
        ("epoch end", 0, [*keys, "val_accuracy", "val_loss"]),
        ("train end", [*keys, "val_accuracy", "val_loss"]),
    ]


def test_steps_per_execution_groups_the_hooks():
    recorder = Recorder()
    net(steps_per_execution=3).fit(X, Y, batch_size=10, callbacks=[recorder], verbose=0)
    assert [c[:2] for c in recorder.calls if c[0].startswith("batch")] == [
        ("batch begin", 0),
        ("batch end", 2),
        ("batch begin", 3),
        ("batch end", 4),
    ]


def test_batch_logs_are_running_means():
    seen = []
    note = callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(logs["loss"]))
    model = net(optimizer=cnnpy.optimizers.SGD(0.0))
    model.fit(X, Y, batch_size=20, shuffle=False, callbacks=[note], verbose=0)
    parts = [model.evaluate(X[a:b], Y[a:b], verbose=0)[0] for a, b in ((0, 20), (20, 40), (40, 50))]
    assert seen == pytest.approx([parts[0], np.mean(parts[:2]), np.average(parts, weights=[20, 20, 10])], rel=1e-5)


def test_callbacks_in_a_real_run(tmp_path):
    model = net()
    history = model.fit(
        X,
        Y,
        epochs=6,
        validation_split=0.2,
        verbose=0,
        callbacks=[
            callbacks.EarlyStopping("loss", patience=1, min_delta=10, restore_best_weights=True),
            callbacks.ReduceLROnPlateau("val_loss", patience=1),
            callbacks.CSVLogger(tmp_path / "log.csv"),
            callbacks.LearningRateScheduler(lambda epoch, lr: 0.01),
        ],
    ).history
    assert len(history["loss"]) == 2 and history["learning_rate"] == pytest.approx([0.01, 0.01])
    lines = (tmp_path / "log.csv").read_text().splitlines()
    # Logged before the scheduler adds its value, but after ReduceLROnPlateau has.
    assert lines[0] == "epoch,accuracy,learning_rate,loss,val_accuracy,val_loss" and len(lines) == 3
    early = callbacks.EarlyStopping("val_accuracy", restore_best_weights=True)
    assert net().fit(X, Y, validation_split=0.5, epochs=30, verbose=0, callbacks=early).epoch[-1] <= 29


def test_nan_ends_training(capsys):
    x = X.copy()
    x[20:] = np.inf
    history = net().fit(x, Y, batch_size=10, shuffle=False, epochs=3, verbose=0, callbacks=callbacks.TerminateOnNaN())
    assert history.epoch == [0] and np.isnan(history.history["loss"][0])
    assert "Batch 2: Invalid loss" in capsys.readouterr().out


def test_progress_in_a_log(capsys):
    model = net()
    model.fit(X, Y, epochs=2, validation_split=0.2)
    lines = capsys.readouterr().out.splitlines()
    assert [lines[0], lines[2]] == ["Epoch 1/2", "Epoch 2/2"]
    assert lines[1].startswith("2/2 ━━━") and lines[1].count(" - ") == 4 and "val_loss: " in lines[1]
    model.fit(X, Y, verbose=2)
    assert capsys.readouterr().out.startswith("2/2 - 0s - ")
    model.evaluate(X, Y)
    assert "accuracy: " in capsys.readouterr().out
    model.predict(X)
    assert capsys.readouterr().out.startswith("2/2 ━━━")
    model.fit(endless(), steps_per_epoch=3, verbose=True)
    assert capsys.readouterr().out.startswith("3/3 ━━━")
    model.fit((Batches()[i] for i in range(7)), verbose=1)
    assert capsys.readouterr().out.startswith("7/7 ━━━")
    model.fit(X, Y, verbose=0)
    assert capsys.readouterr().out == ""


# ---- models of one's own ----


class Own(cnnpy.Model):
    def __init__(self):
        super().__init__()
        self.flatten = layers.Flatten()
        self.dense = layers.Dense(3, activation="softmax")

    def call(self, x, training=None):
        return self.dense(self.flatten(x))


def test_subclassed_model():
    model = Own()
    model.compile("adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(X, Y, epochs=3, validation_split=0.2, verbose=0).history
    assert history["loss"][2] < history["loss"][0]
    assert model.predict(X, verbose=0).shape == (50, 3)


def test_own_train_step():
    class Step(Own):
        def train_step(self, data):
            x, y = data[0], data[1]
            with cnnpy.GradientTape() as tape:
                y_pred = self(x, training=True)
                loss = self.compute_loss(y=y, y_pred=y_pred)
            gradients = tape.gradient(loss, self.trainable_variables)
            self.optimizer.apply_gradients(zip(gradients, self.trainable_variables))
            for metric in self.metrics:
                if metric.name == "loss":
                    metric.update_state(loss)
                else:
                    metric.update_state(y, y_pred)
            return {**{m.name: m.result() for m in self.metrics}, "extra": 7}

    model = Step()
    model.compile("sgd", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(X, Y, epochs=2, batch_size=50, verbose=0).history
    assert history["extra"] == [7.0, 7.0] and history["loss"][1] < history["loss"][0]
    assert "accuracy" in history


def test_own_step_that_calls_ours():
    class Step(Own):
        def train_step(self, data):
            logs = super().train_step(data)
            assert set(logs) == {"loss", "accuracy"}
            return logs

        def test_step(self, data):
            return {"mine": 3}

    model = Step()
    model.compile("sgd", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(X, Y, validation_data=(X, Y), verbose=0).history
    assert list(history) == ["accuracy", "loss", "val_mine"]
    with pytest.raises(ValueError, match="must return a dict"):
        wrong = type("Wrong", (Own,), {"train_step": lambda self, data: 3})()
        wrong.compile("sgd", loss="mse")
        wrong.fit(X, Y, verbose=0)


def test_own_loss_and_metrics():
    class Mine(Own):
        def __init__(self):
            super().__init__()
            self.seen = metrics.Mean(name="seen")

        def compute_loss(self, x, y, y_pred, sample_weight):
            loss = super().compute_loss(x, y, y_pred, sample_weight)
            return _core.multiply(loss, 2.0)

        def compute_metrics(self, x, y, y_pred, sample_weight):
            self.seen.update_state(float(x.shape[0]))
            return super().compute_metrics(x, y, y_pred, sample_weight)

    model, plain = Mine(), Own()
    for m in (model, plain):
        m.compile(cnnpy.optimizers.SGD(0.0), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(X, Y, batch_size=20, shuffle=False, verbose=0).history
    assert list(history) == ["accuracy", "loss", "seen"]
    assert history["seen"] == pytest.approx([50 / 3])
    plain.fit(X, Y, verbose=0)
    plain.set_weights(model.get_weights())
    assert history["loss"][0] == pytest.approx(2 * plain.evaluate(X, Y, verbose=0)[0], rel=1e-5)


def test_models_whose_layers_add_the_loss():
    class Adds(layers.Layer):
        def call(self, x):
            self.add_loss(_core.mean(_core.square(x)))
            return x

    inputs = layers.Input((6,))
    model = cnnpy.Model(inputs, Adds()(layers.Dense(2)(inputs)))
    model.compile("sgd")
    history = model.fit(X[:, 0, :, 0], epochs=3, verbose=0).history
    assert list(history) == ["loss"] and history["loss"][2] < history["loss"][0]
    empty = cnnpy.Sequential([layers.Input((6,)), layers.Dense(2)])
    empty.compile("sgd")
    with pytest.raises(ValueError, match="no loss to compute"):
        empty.fit(X[:, 0, :, 0], verbose=0)


def test_nan_labels_may_mean_something_to_ones_own_loss():
    def known_only(y_true, y_pred):
        known = _core.isfinite(y_true)
        error = _core.square(_core.subtract(y_pred, _core.cast(np.nan_to_num(np.asarray(y_true)), dtype="float32")))
        return _core.multiply(error, _core.cast(known, dtype="float32"))

    model = cnnpy.Sequential([layers.Input((6,)), layers.Dense(1)])
    model.compile("sgd", loss=known_only)
    y = np.ones((50, 1), "float32")
    y[::2] = np.nan
    assert np.isfinite(model.fit(X[:, 0, :, 0], y, verbose=0).history["loss"][0])
