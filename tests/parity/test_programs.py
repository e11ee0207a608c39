"""Programs as notebooks write them, run with both libraries from equal weights: losses, metrics and outputs agree."""

import os

import numpy as np
import pytest

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
keras = pytest.importorskip("keras")
tf = pytest.importorskip("tensorflow")

import cnnpy  # noqa: E402

RNG = np.random.default_rng(0)
IMAGES = RNG.uniform(size=(24, 16, 16, 3)).astype("float32")
CLASSES = RNG.integers(0, 5, 24)
ONE_HOT = np.eye(5, dtype="float32")[CLASSES]


def agree(ours, theirs, tolerance=1e-4):
    np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance)


def train_both(build, x, y, compile_arguments, epochs=2, **fit):
    """Builds, copies the weights, trains; compares the histories, the predictions and the weights."""
    keras.utils.set_random_seed(1)
    theirs, ours = build(keras), build(cnnpy)
    assert [layer.name.rstrip("_0123456789") for layer in ours.layers] == [
        layer.name.rstrip("_0123456789") for layer in theirs.layers
    ]
    ours.set_weights(theirs.get_weights())
    histories = []
    for k, model in ((keras, theirs), (cnnpy, ours)):
        model.compile(**{key: v(k) if callable(v) else v for key, v in compile_arguments.items()})
        histories.append(model.fit(x, y, epochs=epochs, batch_size=8, shuffle=False, verbose=0, **fit).history)
    assert list(histories[0]) == list(histories[1])
    for name, values in histories[0].items():
        agree(histories[1][name], values)
    # Steps with momentum amplify float32's rounding, differently on each processor; in float64 they agree to 1e-5.
    for a, b in zip(np.atleast_1d(ours.predict(x, verbose=0)), np.atleast_1d(theirs.predict(x, verbose=0))):
        agree(a, b, 5e-4)
    for a, b in zip(ours.get_weights(), theirs.get_weights()):
        agree(a, b, 5e-4)
    return ours, theirs


def inception(k):
    layers = k.layers
    inputs = k.Input((16, 16, 3))
    x = layers.Conv2D(8, 3, padding="same", activation="relu")(inputs)
    a = layers.Conv2D(4, 1, activation="relu")(x)
    b = layers.Conv2D(6, 3, padding="same", activation="relu")(layers.Conv2D(4, 1, activation="relu")(x))
    c = layers.Conv2D(4, 5, padding="same", activation="relu")(layers.Conv2D(2, 1, activation="relu")(x))
    d = layers.Conv2D(4, 1, activation="relu")(layers.MaxPooling2D(3, strides=1, padding="same")(x))
    x = layers.concatenate([a, b, c, d], axis=-1)
    x = layers.GlobalAveragePooling2D()(x)
    return k.Model(inputs, layers.Dense(5, activation="softmax")(x))


def residual(k):
    layers = k.layers
    inputs = k.Input((16, 16, 3))
    x = layers.Conv2D(8, 3, padding="same", use_bias=False)(inputs)
    for filters, stride in ((8, 1), (12, 2)):
        short = x if stride == 1 else layers.Conv2D(filters, 1, strides=stride, use_bias=False)(x)
        y = layers.Conv2D(filters, 3, strides=stride, padding="same", use_bias=False)(x)
        y = layers.Activation("relu")(layers.BatchNormalization()(y))
        y = layers.BatchNormalization()(layers.Conv2D(filters, 3, padding="same", use_bias=False)(y))
        x = layers.Activation("relu")(layers.add([y, short]))
    x = layers.Flatten()(layers.AveragePooling2D(4)(x))
    return k.Model(inputs, layers.Dense(5, activation="softmax", kernel_regularizer=k.regularizers.l2(1e-3))(x))


def mobile(k):
    layers = k.layers
    return k.Sequential(
        [
            k.Input((16, 16, 3)),
            layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(6.0),
            layers.DepthwiseConv2D(3, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(6.0),
            layers.Conv2D(12, 1, use_bias=False),
            layers.SeparableConv2D(16, 3, activation="swish"),
            layers.GlobalMaxPooling2D(),
            layers.Dense(5, activation="softmax"),
        ]
    )


def autoencoder(k):
    layers = k.layers
    inputs = k.Input((16, 16, 3))
    x = layers.Conv2D(8, 3, strides=2, padding="same")(inputs)
    x = layers.LeakyReLU(negative_slope=0.2)(x)
    x = layers.Conv2D(12, 3, strides=2, padding="same", activation="relu")(x)
    x = layers.Conv2DTranspose(12, 3, strides=2, padding="same", activation="relu")(x)
    x = layers.UpSampling2D(2, interpolation="bilinear")(x)
    return k.Model(inputs, layers.Conv2D(3, 3, padding="same", activation="sigmoid")(x))


def normalized(k):
    layers = k.layers
    return k.Sequential(
        [
            k.Input((16, 16, 3)),
            layers.Conv2D(8, 3),
            layers.GroupNormalization(4),
            layers.Activation("gelu"),
            layers.ZeroPadding2D(1),
            layers.Cropping2D(((1, 0), (0, 1))),
            layers.Conv2D(8, 3, strides=2),
            layers.LayerNormalization(),
            layers.PReLU(shared_axes=[1, 2]),
            layers.Flatten(),
            layers.Dense(5),
        ]
    )


CROSSENTROPY = dict(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])


@pytest.mark.parametrize("build", [inception, residual, mobile])
def test_classifiers(build):
    train_both(build, IMAGES, CLASSES, CROSSENTROPY, validation_data=(IMAGES[:5], CLASSES[:5]))


def test_autoencoder():
    train_both(autoencoder, IMAGES, IMAGES, dict(optimizer="rmsprop", loss="mse", metrics=["mae"]))


def test_normalizations_and_logits():
    arguments = dict(
        optimizer=lambda k: k.optimizers.SGD(0.01, momentum=0.9, nesterov=True),
        loss=lambda k: k.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1),
        metrics=lambda k: [k.metrics.CategoricalAccuracy(), k.metrics.TopKCategoricalAccuracy(2, name="top2")],
    )
    train_both(normalized, IMAGES, ONE_HOT, arguments, class_weight={0: 1.0, 1: 2.0, 2: 0.5, 3: 1.0, 4: 1.5})


def test_two_inputs_and_outputs_with_weights():
    def build(k):
        layers = k.layers
        image, extra = k.Input((16, 16, 3), name="image"), k.Input((4,), name="extra")
        x = layers.GlobalAveragePooling2D()(layers.Conv2D(6, 3, activation="relu")(image))
        x = layers.Concatenate()([x, layers.Dense(3, activation="tanh")(extra)])
        x = x * 2.0 - layers.Dense(9)(x)
        kind = layers.Dense(5, activation="softmax", name="kind")(x)
        return k.Model(inputs=[image, extra], outputs=[kind, layers.Dense(1, name="size")(x)])

    x = {"image": IMAGES, "extra": IMAGES[:, 0, 0:2, 0:2].reshape(24, 4)}
    y = {"kind": CLASSES, "size": IMAGES.mean((1, 2, 3))}
    arguments = dict(
        optimizer="sgd",
        loss={"kind": "sparse_categorical_crossentropy", "size": "mse"},
        loss_weights={"kind": 1.0, "size": 0.5},
        metrics={"kind": ["accuracy"], "size": ["mae"]},
    )
    theirs, ours = build(keras), build(cnnpy)
    ours.set_weights(theirs.get_weights())
    logs = []
    for model in (theirs, ours):
        model.compile(**arguments)
        logs.append(model.fit(x, y, epochs=2, batch_size=8, shuffle=False, verbose=0, validation_split=0.25).history)
    assert list(logs[0]) == list(logs[1])
    # Keras weighs the ragged last batch's parts like a full one, so only what is not per output is compared for it.
    for name in ("loss", "val_loss", "kind_accuracy", "size_mae", "val_kind_accuracy"):
        agree(logs[1][name], logs[0][name])


def test_frozen_base_and_feature_maps():
    base = {}

    def build(k):
        base[k] = k.Sequential(
            [k.Input((16, 16, 3)), k.layers.Conv2D(6, 3, activation="relu"), k.layers.BatchNormalization()],
            name="base",
        )
        base[k].trainable = False
        head = [k.layers.GlobalAveragePooling2D(), k.layers.Dense(5, activation="softmax")]
        return k.Sequential([k.Input((16, 16, 3)), base[k], *head])

    ours, theirs = train_both(build, IMAGES, CLASSES, CROSSENTROPY)
    maps = [model_maps(k, model)(IMAGES[:2]) for k, model in ((cnnpy, base[cnnpy]), (keras, base[keras]))]
    agree(np.asarray(maps[0]), np.asarray(maps[1]))
    assert len(ours.trainable_weights) == len(theirs.trainable_weights) == 2


def model_maps(k, model):
    return k.Model(model.inputs[0], model.layers[0].output)


class Residual:
    """A block of layers as a layer, and a model of such blocks, by subclassing."""

    @staticmethod
    def make(k):
        class Block(k.layers.Layer):
            def __init__(self, filters, **kwargs):
                super().__init__(**kwargs)
                self.conv = k.layers.Conv2D(filters, 3, padding="same", use_bias=False)
                self.norm = k.layers.BatchNormalization()

            def build(self, shape):
                self.scale = self.add_weight(shape=(shape[-1],), initializer="ones", name="scale")
                self.conv.build(shape)
                self.norm.build(shape)

            def call(self, x, training=False):
                y = k.ops.relu(self.norm(self.conv(x), training=training))
                self.add_loss(0.01 * k.ops.mean(k.ops.square(y)))
                return x * self.scale + y

        class Net(k.Model):
            def __init__(self):
                super().__init__()
                self.stem = k.layers.Conv2D(4, 3)
                self.blocks = [Block(4), Block(4)]
                self.head = k.layers.Dense(5, activation="softmax")

            def call(self, x, training=False):
                x = self.stem(x)
                for block in self.blocks:
                    x = block(x, training=training)
                return self.head(k.ops.mean(x, axis=(1, 2)))

        net = Net()
        net(np.zeros((1, 16, 16, 3), "float32"))
        return net


def test_subclassed_model_and_layers():
    train_both(Residual.make, IMAGES, CLASSES, CROSSENTROPY)


def test_custom_loop():
    """The same steps by hand: forward under a tape, gradients, apply."""

    def loop(k, tape_type, tensor, model):
        optimizer = k.optimizers.Adam(0.01)
        loss_object = k.losses.SparseCategoricalCrossentropy()
        mean = k.metrics.Mean()
        for start in range(0, 24, 8):
            x, y = tensor(IMAGES[start : start + 8]), tensor(CLASSES[start : start + 8])
            with tape_type() as tape:
                loss = loss_object(y, model(x, training=True))
            gradients = tape.gradient(loss, model.trainable_variables)
            optimizer.apply_gradients(zip(gradients, model.trainable_variables))
            mean.update_state(loss)
        return float(mean.result())

    keras.utils.set_random_seed(1)
    theirs, ours = residual(keras), residual(cnnpy)
    ours.set_weights(theirs.get_weights())
    values = [
        loop(cnnpy, cnnpy.GradientTape, cnnpy.Tensor, ours),
        loop(keras, tf.GradientTape, tf.constant, KerasVariables(theirs)),
    ]
    agree(values[0], values[1])


class KerasVariables:
    """Keras's model for TensorFlow's tape, which wants its own variables."""

    def __init__(self, model):
        self.model = model
        self.trainable_variables = model.trainable_variables

    def __call__(self, x, training):
        return self.model(x, training=training)


def test_grad_cam():
    """The gradients of a class with respect to the last feature maps."""
    theirs, ours = inception(keras), inception(cnnpy)
    ours.set_weights(theirs.get_weights())
    maps = []
    for k, model, tape_type, tensor in (
        (cnnpy, ours, cnnpy.GradientTape, cnnpy.Tensor),
        (keras, theirs, tf.GradientTape, tf.constant),
    ):
        last = [layer for layer in model.layers if isinstance(layer, k.layers.Concatenate)][-1]
        both = k.Model(model.inputs[0], [last.output, model.output])
        with tape_type() as tape:
            features, scores = both(tensor(IMAGES[:1]))
            score = scores[:, 2]
        gradient = np.asarray(tape.gradient(score, features))
        weights = gradient.mean((0, 1, 2))
        maps.append(np.maximum((np.asarray(features)[0] * weights).sum(-1), 0))
    agree(maps[0], maps[1])
