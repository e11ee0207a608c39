"""Training from equal weights gives Keras's histories, weights, logs and return values."""

import numpy as np
import pytest

import cnnpy

keras = pytest.importorskip("keras")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(45, 8, 8, 2)).astype("float32")
Y = RNG.integers(0, 4, 45)
WEIGHTS = RNG.uniform(0.2, 2.0, 45).astype("float32")


def network(k, units=4, activation="softmax", regularized=False):
    regularizer = k.regularizers.L2(0.01) if regularized else None
    return k.Sequential(
        [
            k.layers.Input((8, 8, 2)),
            k.layers.Conv2D(5, 3, padding="same", activation="relu", kernel_regularizer=regularizer),
            k.layers.MaxPooling2D(),
            k.layers.Conv2D(6, 3, strides=2, activation="tanh"),
            k.layers.Flatten(),
            k.layers.Dense(7, activation="relu", activity_regularizer=k.regularizers.L1(0.01) if regularized else None),
            k.layers.Dense(units, activation=activation),
        ]
    )


def pair(make, **compiled):
    """The same network in Keras and here, with the same weights; settings that are functions take the module."""
    models = []
    for k in (keras, cnnpy):
        model = make(k)
        model.compile(**{name: v(k) if callable(v) else v for name, v in compiled.items()})
        models.append(model)
    models[1].set_weights(models[0].get_weights())
    return models


def same_logs(theirs, ours, tolerance=1e-4):
    assert list(ours) == list(theirs)
    for name in theirs:
        np.testing.assert_allclose(ours[name], theirs[name], rtol=tolerance, atol=tolerance, err_msg=name)


def same_weights(theirs, ours, tolerance=1e-4):
    for a, b in zip(theirs.get_weights(), ours.get_weights()):
        np.testing.assert_allclose(b, a, rtol=tolerance, atol=tolerance)


def compare_fit(models, x, y, **arguments):
    arguments = {"epochs": 2, "batch_size": 16, "shuffle": False, "verbose": 0, **arguments}
    theirs, ours = (m.fit(x, y, **arguments).history for m in models)
    same_logs(theirs, ours)
    same_weights(*models)
    return ours


@pytest.mark.parametrize("optimizer", ["sgd", "rmsprop", "adam"])
def test_fit(optimizer):
    models = pair(network, optimizer=optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    compare_fit(models, X, Y, epochs=3)


def test_fit_with_validation_and_many_metrics():
    models = pair(
        network,
        optimizer="sgd",
        loss="categorical_crossentropy",
        metrics=lambda k: ["acc", "mse", k.metrics.CategoricalCrossentropy(), k.metrics.MeanAbsoluteError(name="mine")],
        weighted_metrics=lambda k: ["accuracy", "acc"],
    )
    one_hot = np.eye(4, dtype="float32")[Y]
    logs = compare_fit(models, X, one_hot, sample_weight=WEIGHTS, validation_split=0.25)
    assert "val_mine" in logs and "weighted_acc" in logs
    theirs, ours = (m.evaluate(X, one_hot, batch_size=7, verbose=0, return_dict=True) for m in models)
    same_logs(theirs, ours)


def test_fit_with_weights_of_classes():
    models = pair(
        network, optimizer="sgd", loss="sparse_categorical_crossentropy", metrics=["accuracy"], weighted_metrics=["acc"]
    )
    compare_fit(models, X, Y, class_weight={0: 2.0, 2: 0.1}, validation_data=(X[:10], Y[:10], WEIGHTS[:10]))


def test_fit_with_regularisation():
    models = pair(
        lambda k: network(k, regularized=True), optimizer="sgd", loss="ce", metrics=["sparse_categorical_crossentropy"]
    )
    logs = compare_fit(models, X, Y, validation_split=0.2)
    assert logs["loss"][0] > logs["sparse_categorical_crossentropy"][0]


@pytest.mark.parametrize("shape", [(45,), (45, 1)])
def test_fit_binary(shape):
    models = pair(lambda k: network(k, 1, "sigmoid"), optimizer="sgd", loss="crossentropy", metrics=["accuracy"])
    compare_fit(models, X, (Y > 1).astype("float32").reshape(shape))


def test_fit_in_steps():
    models = pair(network, optimizer="sgd", loss="sparse_categorical_crossentropy")
    compare_fit(models, X, Y, epochs=2, batch_size=15, steps_per_epoch=1, validation_data=(X, Y), validation_steps=2)
    compare_fit(models, X, Y, epochs=4, validation_data=(X, Y), validation_freq=2, initial_epoch=1)


def two_heads(k):
    a, b = k.layers.Input((8, 8, 2), name="a"), k.layers.Input((3,), name="b")
    hidden = k.layers.Concatenate()([k.layers.GlobalAveragePooling2D()(k.layers.Conv2D(4, 3)(a)), b])
    kind = k.layers.Dense(4, activation="softmax", name="kind")(hidden)
    return k.Model([a, b], [kind, k.layers.Dense(2, name="size")(hidden)])


def test_fit_of_several_outputs():
    models = pair(
        two_heads,
        optimizer="sgd",
        loss={"kind": "sparse_categorical_crossentropy", "size": "mse"},
        loss_weights={"kind": 0.7, "size": 0.3},
        metrics={"kind": ["accuracy"], "size": ["mae", "mse"]},
        weighted_metrics=lambda k: [["acc"], []],
    )
    b, size = RNG.normal(size=(45, 3)).astype("float32"), RNG.normal(size=(45, 2)).astype("float32")
    x, y = [X, b], [Y, size]
    weights = [WEIGHTS, WEIGHTS[::-1].copy()]
    whole = {"batch_size": 15, "validation_batch_size": 9}  # Keras weighs ragged batches wrongly in single losses
    compare_fit(models, x, y, sample_weight=weights, validation_data=(x, y), **whole)
    theirs, ours = (m.evaluate(x, y, batch_size=9, verbose=0) for m in models)
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
    theirs, ours = (m.evaluate({"a": X, "b": b}, y, batch_size=9, verbose=0, return_dict=True) for m in models)
    same_logs(theirs, ours)
    for t, o in zip(*(m.predict([X, b], batch_size=7, verbose=0) for m in models)):
        np.testing.assert_allclose(o, t, rtol=1e-4, atol=1e-5)


def test_batch_by_batch():
    models = pair(network, optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    for step in range(3):
        part = slice(step * 10, step * 10 + 10)
        for call, more in (("train_on_batch", {"sample_weight": WEIGHTS[part]}), ("test_on_batch", {})):
            theirs, ours = (getattr(m, call)(X[part], Y[part], **more) for m in models)
            np.testing.assert_allclose(ours, np.asarray(theirs), rtol=1e-4, atol=1e-5)
    theirs, ours = (m.train_on_batch(X, Y, class_weight={0: 3.0}, return_dict=True) for m in models)
    same_logs(dict(sorted(theirs.items())), ours)
    np.testing.assert_allclose(*(m.predict_on_batch(X) for m in models), rtol=1e-3, atol=1e-4)


class Recorder:
    """Every hook with its arguments."""

    HOOKS = [
        n for n in dir(keras.callbacks.Callback) if n.startswith("on_") and n not in ("on_batch_begin", "on_batch_end")
    ]

    def __init__(self):
        self.calls = []

    def made_of(self, k):
        def note(name):
            def hook(*args, logs=None):
                args = list(args)
                if args and isinstance(args[-1], dict):
                    logs = args.pop()
                self.calls.append((name, args, sorted(logs or {})))

            return hook

        return k.callbacks.LambdaCallback(**{name: note(name) for name in self.HOOKS})


def test_hooks_and_logs():
    models = pair(network, optimizer="sgd", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    records = []
    for k, model in zip((keras, cnnpy), models):
        recorder = Recorder()
        callback = recorder.made_of(k)
        arguments = {"epochs": 2, "batch_size": 20, "verbose": 0, "callbacks": [callback]}
        model.fit(X, Y, validation_data=(X, Y), validation_batch_size=30, **arguments)
        model.evaluate(X, Y, batch_size=20, verbose=0, callbacks=[callback])
        model.predict(X, batch_size=20, verbose=0, callbacks=[callback])
        records.append(recorder.calls)
    assert records[1] == records[0]


@pytest.mark.filterwarnings("ignore:__array__ implementation")
def test_callbacks_in_training():
    models = pair(network, optimizer="sgd", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    histories = []
    for k, model in zip((keras, cnnpy), models):
        stop = k.callbacks.EarlyStopping("loss", patience=1, min_delta=5.0, restore_best_weights=True)
        plateau = k.callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=5.0)
        history = model.fit(X, Y, epochs=6, batch_size=16, shuffle=False, verbose=0, callbacks=[plateau, stop])
        histories.append(history.history)
    same_logs(*histories)
    same_weights(*models)


def test_predictions_of_each_batch_size():
    models = pair(network, optimizer="sgd", loss="mse")
    for size in (None, 1, 7, 45, 100):
        theirs, ours = (m.predict(X, batch_size=size, verbose=0) for m in models)
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
        assert type(ours) is type(theirs) and ours.dtype == theirs.dtype
