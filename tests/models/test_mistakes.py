"""Mistakes that are named before the first batch, by what came, what was expected and what to do."""

import numpy as np
import pytest

import cnnpy
from cnnpy import layers

X = np.random.default_rng(0).normal(size=(20, 6, 6, 1)).astype("float32")
Y = np.arange(20) % 3
ONE_HOT = np.eye(3, dtype="float32")[Y]


def net(units=3, loss="sparse_categorical_crossentropy", activation="softmax", deferred=False, **settings):
    activation = "sigmoid" if units == 1 and activation == "softmax" else activation
    stack = [layers.Flatten(), layers.Dense(units, activation=activation)]
    model = cnnpy.Sequential(stack if deferred else [layers.Input((6, 6, 1)), *stack])
    model.compile("sgd", loss=loss, **settings)
    return model


class Untouched(cnnpy.callbacks.Callback):
    def on_train_batch_begin(self, batch, logs=None):
        raise AssertionError("a batch was begun")


def refused(model, error, message, x=X, y=Y, **arguments):
    arguments.setdefault("verbose", 0)
    with pytest.raises(error, match=message):
        model.fit(x, y, callbacks=[Untouched()], **arguments)


def with_nan(y, *indices):
    y = np.array(y, "float32")
    for index in indices:
        y[index] = np.nan
    return y


@pytest.mark.parametrize("deferred", [False, True])
@pytest.mark.parametrize(
    ("units", "loss", "y", "message"),
    [
        (3, "sparse_categorical_crossentropy", ONE_HOT, r"look one-hot.*\(None, 3\).*'categorical_crossentropy'"),
        (4, "sparse_categorical_crossentropy", ONE_HOT, "one-hot over 3 classes.*give the last layer 3 units"),
        (3, "categorical_crossentropy", Y, r"look like class numbers.*to_categorical\(y, 3\)"),
        (3, "categorical_crossentropy", Y[:, None], "look like class numbers.*'sparse_categorical_crossentropy'"),
        (4, "categorical_crossentropy", ONE_HOT, "labels have 3 classes, the last layer has 4 units"),
        (1, "sparse_categorical_crossentropy", Y, "last layer has 1 unit.*'binary_crossentropy'"),
        (
            2,
            "sparse_categorical_crossentropy",
            Y,
            "label 2 at index 2 is out of range.*2 units.*give the last layer 3 units",
        ),
        (3, "sparse_categorical_crossentropy", Y - 1, "label -1 at index 0 is out of range"),
        (3, "sparse_categorical_crossentropy", Y + 1, "label 3 at index 2 is out of range.*count from 1: use y - 1"),
        (3, "sparse_categorical_crossentropy", Y + 0.5, "takes class numbers, the labels have 0.5"),
        (1, "binary_crossentropy", ONE_HOT, "labels have 3 columns: give the last layer 3 units"),
        (3, "binary_crossentropy", Y, "'sparse_categorical_crossentropy', or give the last layer 1 unit instead of 3"),
        (1, "binary_crossentropy", Y * 127, "labels from 0 to 1, these go from 0 to 254.*y / 255"),
        (1, "binary_crossentropy", Y - 1, "labels from 0 to 1, these go from -1 to 1"),
        (3, "mse", Y, r"labels of shape \(None,\), output of shape \(None, 3\) do not fit"),
        (3, "mse", np.ones((20, 4)), r"\(None, 4\), output of shape \(None, 3\)"),
        (3, "categorical_crossentropy", ONE_HOT * 255, "categorical_crossentropy' takes labels from 0 to 1.*to 255"),
        (1, "mse", with_nan(Y, 4, 9), "labels have 2 NaN values, the first at index 4"),
        (3, "categorical_crossentropy", with_nan(ONE_HOT, (7, 1)), r"1 NaN values, the first at index \(7, 1\)"),
        (3, "sparse_categorical_crossentropy", with_nan(Y, 3), "1 NaN values, the first at index 3"),
    ],
)
def test_labels(units, loss, y, message, deferred):
    refused(net(units, loss, None if loss == "mse" else "softmax", deferred), ValueError, message, y=y)
    with pytest.raises(ValueError, match=message):
        net(units, loss, deferred=deferred).evaluate(X, y, verbose=0)
    with pytest.raises(ValueError, match=message):
        net(units, loss, deferred=deferred).train_on_batch(X, y)
    refused(
        net(units, loss, deferred=deferred),
        ValueError,
        f"validation_data: .*{message}",
        y=fitting(units, loss),
        validation_data=(X, y),
    )


def fitting(units, loss):
    if loss == "sparse_categorical_crossentropy":
        return np.zeros(20) if units > 1 else pytest.skip("no labels fit")
    return np.zeros((20, units)) + (loss == "categorical_crossentropy") * np.eye(units)[0]


def test_labels_that_are_right_after_all():
    net(1, "binary_crossentropy", "sigmoid").fit(X, Y[:, None] * 0.5 + 0.1, verbose=0)  # a little overshoot
    net(3, cnnpy.losses.SparseCategoricalCrossentropy(ignore_class=255)).fit(X, np.where(Y, Y, 255), verbose=0)
    net(3, "sparse_categorical_crossentropy").fit(X, Y[:, None].astype("float64"), verbose=0)


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (
            X[:, :, :, 0][:, None],
            ValueError,
            r"x has shape \(20, 1, 6, 6\), the model takes \(None, 6, 6, 1\).*transpose",
        ),
        (np.repeat(X, 3, axis=3), ValueError, "has 3 channel.*the model 1; build the model with input shape"),
        (X[:, :5], ValueError, "resize the data, or build the model"),
        (X.reshape(20, 36), ValueError, "must have 4 dimensions"),
        (X[0], ValueError, r"one sample without the batch dimension: use x\[None\]|numbers of samples differ"),
        (X.astype(str), TypeError, "strings are not numbers"),
        (X.astype(object), TypeError, "dtype object"),
        (X[:0], ValueError, "x: is empty"),
        ([X, X], ValueError, r"2 arrays for a model with 1 input\(s\)"),
        (list(X), ValueError, "numbers of samples differ|20 arrays for a model with 1 input"),
        (None, ValueError, "x is None"),
        (3, ValueError, "single number"),
        (object(), TypeError, "cannot take batches from a object|has dtype object"),
    ],
)
def test_inputs(x, error, message):
    refused(net(), error, message, x=x, y=None if type(x) is object else Y)
    if not (isinstance(x, list) and len(x) == 20):
        with pytest.raises(error):
            net().predict(x, verbose=0)
        with pytest.raises(error):
            net().predict_on_batch(x)


def test_a_missing_last_dimension_of_one_is_understood():
    assert net().predict(X[..., 0], verbose=0).shape == (20, 3)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"y": Y[:15]}, ValueError, "x has 20; y has 15"),
        ({"y": None}, ValueError, "y is None, but the loss 'sparse_categorical_crossentropy' needs labels"),
        ({"y": Y.astype(str)}, TypeError, "y: has dtype"),
        ({"sample_weight": np.ones(19)}, ValueError, "x has 20; y has 20; sample_weight has 19"),
        ({"sample_weight": np.ones(20), "class_weight": {0: 1}}, ValueError, "cannot be combined"),
        ({"class_weight": [1, 2]}, TypeError, "class_weight must be a dict"),
        ({"batch_size": 0}, ValueError, "batch_size must be at least 1, got 0"),
        ({"batch_size": -1}, ValueError, "batch_size must be at least 1, got -1"),
        ({"batch_size": 2.5}, TypeError, "batch_size must be an integer, got 2.5"),
        ({"batch_size": "8"}, TypeError, "batch_size must be an integer"),
        ({"epochs": -1}, ValueError, "epochs must be at least 0, got -1"),
        ({"epochs": 1.5}, TypeError, "epochs must be an integer, got 1.5"),
        ({"initial_epoch": -1}, ValueError, "initial_epoch must be at least 0"),
        ({"validation_split": 1.0}, ValueError, "validation_split must be at least 0 and under 1, got 1.0"),
        ({"validation_split": -0.1}, ValueError, "validation_split must be"),
        ({"validation_split": 0.99999}, ValueError, "leaves one part empty"),
        ({"validation_data": (X[:5], Y[:4])}, ValueError, "validation_data: .*x has 5; y has 4"),
        ({"validation_data": (X, Y, None, None)}, ValueError, "got 4 parts"),
        ({"validation_freq": 0}, ValueError, "validation_freq must be at least 1"),
        ({"validation_batch_size": 0}, ValueError, "validation_batch_size must be at least 1"),
        ({"steps_per_epoch": 0}, ValueError, "steps_per_epoch must be at least 1"),
        ({"verbose": 3}, ValueError, "verbose must be 'auto', 0, 1 or 2, got 3"),
        ({"shuffle": "yes"}, ValueError, "shuffle must be True, False or 'batch'"),
        ({"x": iter([(X, Y)])}, ValueError, "y must be None when x is a list_iterator"),
    ],
)
def test_arguments_of_fit(arguments, error, message):
    refused(net(), error, message, **arguments)


def test_before_compile():
    model = cnnpy.Sequential([layers.Input((6,)), layers.Dense(1)], name="mine")
    for call in (model.fit, model.evaluate, model.train_on_batch, model.test_on_batch):
        with pytest.raises(ValueError, match=r'Sequential "mine": call compile\(\) before'):
            call(X[:, 0, :, 0], Y)
    assert model.predict(X[:, 0, :, 0], verbose=0).shape == (20, 1)


def test_labels_of_several_outputs_are_named():
    x = layers.Input((6,))
    model = cnnpy.Model(x, [layers.Dense(3, activation="softmax", name="kind")(x), layers.Dense(1, name="size")(x)])
    model.compile("sgd", loss=["sparse_categorical_crossentropy", "mse"])
    flat = X[:, 0, :, 0]
    refused(model, ValueError, 'output "kind": label 3 at index', x=flat, y=[Y + 1, Y])
    refused(model, ValueError, 'output "size": .* do not fit', x=flat, y=[Y, ONE_HOT])
    refused(model, ValueError, "y: 1 given for 2 outputs", x=flat, y=[Y])
    refused(model, ValueError, r"keys \['kind', 'sise'\], the outputs are", x=flat, y={"kind": Y, "sise": Y})


def test_inputs_by_name():
    a, b = layers.Input((2,), name="a"), layers.Input((2,), name="b")
    model = cnnpy.Model([a, b], layers.Dense(1)(layers.Add()([a, b])))
    model.compile("sgd", loss="mse")
    half = X[:, 0, :2, 0]
    refused(model, ValueError, r"inputs are \['a', 'b'\]; \['b'\] are missing", x={"a": half, "c": half})
    refused(
        model,
        ValueError,
        r"x\['b'\] has shape \(20, 6\), the model takes \(None, 2\)",
        x={"a": half, "b": X[:, 0, :, 0]},
    )
    refused(model, ValueError, "1 arrays for a model with 2 input", x=half)


def test_batches_from_outside_are_checked_as_they_come():
    def batches(y):
        yield X[:10], Y[:10]
        yield X[10:], y

    for y, message in ((Y[:10] + 1, "label 3 at index"), (Y[:9], "x has 10; y has 9"), (ONE_HOT[:10], "look one-hot")):
        with pytest.raises(ValueError, match=message):
            net().fit(batches(y), verbose=0)


def test_a_pytorch_data_set_needs_a_loader():
    torch = pytest.importorskip("torch")
    data = torch.utils.data.TensorDataset(torch.zeros(4, 6, 6, 1), torch.zeros(4))
    refused(net(), TypeError, "wrap it in torch.utils.data.DataLoader", x=data, y=None)


def test_a_refusal_leaves_the_model_trainable():
    model = net()
    before = model.get_weights()
    refused(model, ValueError, "one-hot", y=ONE_HOT)
    for a, b in zip(before, model.get_weights()):
        np.testing.assert_array_equal(a, b)
    assert len(model.fit(X, Y, verbose=0).history["loss"]) == 1


# ---- what is warned of ----


def warned(message, run):
    with pytest.warns(UserWarning, match=message) as said:
        run()
    assert len(said) == 1


@pytest.mark.parametrize(
    ("units", "activation", "loss", "message"),
    [
        (3, None, "sparse_categorical_crossentropy", "'dense' has no activation: give it activation='softmax'"),
        (3, "relu", "categorical_crossentropy", "'dense' ends with 'relu': give it activation='softmax'"),
        (1, None, "binary_crossentropy", "'dense' has no activation: give it activation='sigmoid', or .*from_logits"),
        (
            3,
            "softmax",
            cnnpy.losses.SparseCategoricalCrossentropy(from_logits=True),
            "from_logits=True, but y_pred went through a softmax or sigmoid: leave out one of the two",
        ),
        (1, "sigmoid", cnnpy.losses.BinaryCrossentropy(from_logits=True), "y_pred went through a softmax or sigmoid"),
    ],
)
def test_logits_and_probabilities(units, activation, loss, message):
    cnnpy.utils.clear_session()
    model = net(units, loss, activation)
    y = ONE_HOT if loss == "categorical_crossentropy" else Y if units == 3 else Y > 0
    warned(message, lambda: model.fit(X, y, verbose=0))
    model.fit(X, y, verbose=0)  # once is enough


def test_a_softmax_over_one_unit():
    model = cnnpy.Sequential([layers.Input((6, 6, 1)), layers.Flatten(), layers.Dense(1), layers.Softmax()])
    model.compile("sgd", "binary_crossentropy")
    warned("a softmax over 1 unit is always 1", lambda: model.fit(X, Y > 0, verbose=0))


def test_logits_of_a_model_written_as_a_class():
    class Own(cnnpy.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(3, kernel_initializer="ones")

        def call(self, x):
            return self.dense(x[:, 0, :, 0])

    model = Own()
    model.compile("sgd", "sparse_categorical_crossentropy")
    warned(
        "outputs leave the range from 0 to 1: end the model with activation='softmax'",
        lambda: model.fit(10 * X, Y, verbose=0),
    )


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_raw_pixels(dtype):
    pixels = np.arange(20 * 36).reshape(20, 6, 6, 1) % 256
    model = net()
    warned(
        r"pixels from 0 to 255, and Dense 'dense\w*' takes them as they are.*x / 255",
        lambda: model.fit(pixels.astype(dtype), Y, verbose=0),
    )
    model.fit(pixels.astype(dtype), Y, verbose=0)
    scaled = [layers.Rescaling(1 / 255), layers.BatchNormalization(), layers.Lambda(lambda x: x / 255.0)]
    for first in scaled:
        model = cnnpy.Sequential(
            [layers.Input((6, 6, 1)), first, layers.Flatten(), layers.Dense(3, activation="softmax")]
        )
        model.compile("sgd", "sparse_categorical_crossentropy")
        model.fit(pixels.astype(dtype), Y, verbose=0)
    net().fit(pixels / 255, Y, verbose=0)
    after = [layers.Conv2D(2, 3), layers.BatchNormalization(), layers.Flatten(), layers.Dense(3, activation="softmax")]
    model = cnnpy.Sequential([layers.Input((6, 6, 1)), *after])
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(pixels.astype(dtype), Y, verbose=0)


def test_nan_among_the_inputs():
    x = with_nan(X, (4, 2, 2, 0))
    refused(net(), ValueError, r"x has 1 NaN values, the first at index \(4, 2, 2, 0\)", x=x)
    own = cnnpy.Sequential(
        [layers.Input((6, 6, 1)), layers.Lambda(cnnpy.ops.nan_to_num), layers.Flatten(), layers.Dense(1)]
    )
    own.compile("sgd", "mse")
    assert np.isfinite(own.fit(x, Y, verbose=0).history["loss"][0])


# ---- numbers that are not finite ----


@pytest.fixture
def checked_numerics():
    cnnpy.config.enable_check_numerics()
    yield
    cnnpy.config.disable_check_numerics()


def test_the_first_layer_with_nan_is_named(checked_numerics):
    model = cnnpy.Sequential(
        [
            layers.Input((6, 6, 1)),
            layers.Flatten(),
            layers.Lambda(lambda x: cnnpy.ops.log(x), name="logarithm"),
            layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    before = model.get_weights()
    x = np.abs(X) + 0.1
    x[13] = -1
    where = 'the loss is NaN: NaN first appeared in the outputs of Lambda "logarithm"'
    with pytest.raises(FloatingPointError, match=f"^epoch 2, batch 3: {where}$"):
        model.fit(x, Y, batch_size=4, shuffle=False, initial_epoch=1, epochs=3, verbose=0)
    with pytest.raises(FloatingPointError, match=f"^batch 1: {where}$"):
        model.evaluate(x, Y, batch_size=8, verbose=0)
    with pytest.raises(FloatingPointError, match=f"^{where}$"):
        model.train_on_batch(x, Y)
    assert all(np.isfinite(w).all() for w in model.get_weights())
    model.set_weights(before)
    np.testing.assert_array_equal(model.predict(x[:4], verbose=0), np.array(model(x[:4])))
    cnnpy.config.disable_check_numerics()
    assert np.isnan(model.fit(x, Y, verbose=0).history["loss"][0])


def test_weights_losses_and_steps_of_ones_own_are_named_too(checked_numerics):
    model = net()
    model.layers[1].bias.assign([0, np.nan, 0])
    with pytest.raises(FloatingPointError, match=r"outputs of Dense .*, whose bias had it before"):
        model.fit(X, Y, verbose=0)
    infinite = net(1, loss=lambda y, p: cnnpy.ops.mean(p) * 1e30 * 1e30)
    with pytest.raises(FloatingPointError, match="loss is infinity: all layers' outputs are finite: it is the loss"):
        infinite.fit(X, Y, verbose=0)

    class Own(cnnpy.Sequential):
        def train_step(self, data):
            return {"loss": cnnpy.ops.sum(self(data[0])) * np.nan}

    own = Own([layers.Input((6, 6, 1)), layers.Flatten(), layers.Dense(1)])
    own.compile("sgd", "mse")
    with pytest.raises(FloatingPointError, match="epoch 1, batch 0: the loss is NaN"):
        own.fit(X, Y, verbose=0)


def test_gradients_that_are_not_finite_are_named(checked_numerics):
    inputs = layers.Input((6,))
    model = cnnpy.Model(
        inputs, layers.Lambda(cnnpy.ops.sqrt)(layers.Dense(1, kernel_initializer="zeros", name="d")(inputs))
    )
    model.compile("sgd", "mse")
    with pytest.raises(
        FloatingPointError, match=r"gradient of 'd/kernel' has (NaN|infinity), while the loss is finite"
    ):
        model.fit(X[:, 0, :, 0], Y, verbose=0)
