"""Layer itself: names, weights, tracking, losses, building, the training flag, errors."""

import threading

import numpy as np
import pytest

import cnnpy
from cnnpy import _core, layers

X = np.random.default_rng(0).normal(size=(2, 3)).astype("float32")


class Scale(layers.Layer):
    """A layer with one weight, a sublayer and an option."""

    def __init__(self, factor=2.0, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor
        self.inner = layers.Dense(4)

    def build(self, input_shape):
        self.scale = self.add_weight(name="scale", shape=(input_shape[-1],), initializer="ones")
        self.count = self.add_weight(name="count", shape=(), initializer="zeros", trainable=False)

    def call(self, inputs, training=None):
        self.seen = training
        return self.inner(inputs * self.scale * self.factor)


def test_names_count_up_and_can_be_given():
    cnnpy.backend.clear_session()
    names = [layers.Conv2D(1, 1).name, layers.Conv2D(1, 1).name, layers.ReLU().name, layers.MaxPooling2D().name]
    assert names == ["conv2d", "conv2d_1", "re_lu", "max_pooling2d"]
    assert layers.Dense(1, name="mine").name == "mine"
    assert layers.Dense(1).name == "dense"
    with pytest.raises(ValueError, match="name must be"):
        layers.Dense(1, name="a/b")
    with pytest.raises(ValueError, match="name must be"):
        layers.Dense(1, name=3)


def test_weights_come_own_first_then_sublayers():
    layer = Scale()
    layer(X)
    assert [w.path for w in layer.weights] == [
        f"{layer.name}/{path}" for path in ("scale", "count", f"{layer.inner.name}/kernel", f"{layer.inner.name}/bias")
    ]
    assert [w.name for w in layer.trainable_weights] == ["scale", "kernel", "bias"]
    assert [w.name for w in layer.non_trainable_weights] == ["count"]
    assert layer.variables == layer.weights
    assert layer.count_params() == 3 + 1 + 12 + 4


def test_trainable_reaches_sublayers():
    layer = Scale()
    layer(X)
    layer.trainable = False
    assert layer.trainable_weights == [] and not layer.inner.trainable
    assert len(layer.non_trainable_weights) == 4
    assert not any(w.trainable for w in layer.weights)
    layer.trainable = True
    assert [w.name for w in layer.trainable_weights] == ["scale", "kernel", "bias"]
    layer.inner.trainable = False
    assert [w.name for w in layer.trainable_weights] == ["scale"]
    frozen = layers.Dense(2, trainable=False)
    frozen(X)
    assert frozen.trainable_weights == [] and not frozen.kernel.trainable
    frozen.trainable = True
    assert len(frozen.trainable_weights) == 2


def test_frozen_weights_get_no_gradient():
    layer = layers.Dense(2)
    layer(X)
    layer.trainable = False
    with cnnpy.GradientTape() as tape:
        y = layer(X)
    assert tape.gradient(y, layer.weights) == [None, None]


def test_tracking_of_containers_and_variables():
    layer = layers.Layer()
    first, second, third, fourth = (layers.Dense(1, name=n) for n in "abcd")
    layer.single = first
    layer.listed = [second, {"deep": (third,)}]
    layer.listed.append(fourth)
    assert [inner.name for inner in layer._layers] == ["a", "b", "c", "d"]
    layer.listed.pop()
    del layer.single
    assert [inner.name for inner in layer._layers] == ["b", "c"]
    layer.table = {"x": first}
    layer.table["y"] = fourth
    assert [inner.name for inner in layer._layers] == ["b", "c", "a", "d"]
    layer.own = cnnpy.Variable(np.zeros(2), name="own")
    layer.fixed = cnnpy.Variable(np.zeros(2), name="fixed", trainable=False)
    assert [w.name for w in layer.weights] == ["own", "fixed"]
    layer.own = None
    assert [w.name for w in layer.weights] == ["fixed"]
    assert isinstance(layer.listed, list) and layer.listed == [second, {"deep": (third,)}]


def test_layers_that_hold_each_other():
    one, other = layers.Layer(), layers.Layer()
    one.other, other.one = other, one
    assert one._flatten_layers() == [one, other]


def test_get_and_set_weights():
    layer = layers.Dense(2)
    layer(X)
    values = [np.ones((3, 2)), np.array([1.0, 2.0])]
    layer.set_weights(values)
    for got, expected in zip(layer.get_weights(), values):
        np.testing.assert_array_equal(got, expected)
        assert got.dtype == np.float32
    with pytest.raises(ValueError, match=r'Dense "dense.*": got 1 arrays for 2 weights \(kernel .*bias'):
        layer.set_weights(values[:1])
    with pytest.raises(ValueError, match=r"weight 1, '.*/bias', has shape \(2,\), the array given for it \(3,\)"):
        layer.set_weights([np.zeros((3, 2)), np.zeros(3)])
    np.testing.assert_array_equal(layer.get_weights()[0], values[0])  # nothing was changed
    with pytest.raises(ValueError, match="got 2 arrays for 0 weights"):
        layers.Dense(2).set_weights(values)


def test_add_weight():
    layer = layers.Layer(name="mine")
    w = layer.add_weight((2, 3), "zeros", name="w", regularizer="l2", constraint="non_neg")
    assert w.shape == (2, 3) and w.path == "mine/w" and w.trainable
    assert isinstance(w.regularizer, cnnpy.regularizers.L2) and isinstance(w.constraint, cnnpy.constraints.NonNeg)
    assert layer.add_weight("old", shape=(2,)).name == "old"
    count = layer.add_weight(shape=(), dtype="int64", name="count", trainable=False)
    assert count.dtype == "int64" and int(count) == 0
    double = layer.add_weight(shape=4, dtype="float64", initializer=lambda shape, dtype: np.full(shape, 2.0, dtype))
    assert double.dtype == "float64" and double.shape == (4,)
    with pytest.raises(ValueError, match=r'Layer "mine": the weight \'open\' would have shape \(None, 2\)'):
        layer.add_weight(shape=(None, 2), name="open")
    with pytest.raises(ValueError, match=r"returned shape \(1,\), wanted \(2,\)"):
        layer.add_weight(shape=(2,), initializer=lambda shape, dtype: np.zeros(1))


def test_building_twice():
    layer = layers.Dense(2, name="mine")
    layer.build((None, 3))
    kernel = layer.kernel
    layer.build((5, 3))
    assert layer.kernel is kernel
    with pytest.raises(
        ValueError, match=r'Dense "mine": is built for input shape \(None, 3\) and cannot be built again'
    ):
        layer.build((None, 4))
    assert layer.kernel is kernel


def test_a_failed_build_leaves_nothing():
    class Fails(layers.Layer):
        broken = True

        def build(self, input_shape):
            self.add_weight(shape=(2,), name="first")
            if self.broken:
                raise RuntimeError("no")

    layer = Fails()
    with pytest.raises(RuntimeError):
        layer.build((None, 3))
    assert not layer.built and layer.weights == []
    layer.broken = False
    layer.build((None, 3))
    assert [w.name for w in layer.weights] == ["first"]


def test_build_with_super_and_with_several_inputs():
    class Deep(Scale):
        def build(self, input_shape):
            super().build(input_shape)
            self.more = self.add_weight(name="more", shape=(1,))

    layer = Deep()
    layer(X)
    assert [w.name for w in layer.weights][:3] == ["scale", "more", "count"]

    class Two(layers.Layer):
        def build(self, a_shape, b_shape):
            self.shapes = a_shape, b_shape

        def call(self, a, b):
            return a.sum() + b.sum()

    two = Two()
    two(X, b=X[:1])
    assert two.shapes == ((2, 3), (1, 3))


def test_training_flag_reaches_nested_layers():
    class Outer(layers.Layer):
        def __init__(self):
            super().__init__()
            self.middle = Scale()

        def call(self, inputs):  # takes no flag itself
            return self.middle(inputs)

    outer = Outer()
    for flag in (True, False, None):
        outer(X, training=flag)
        assert outer.middle.seen is flag
    outer(X)
    assert outer.middle.seen is None


def test_training_flag_default_and_position():
    class Default(layers.Layer):
        def call(self, inputs, training=True):
            self.seen = training
            return inputs

    layer = Default()
    layer(X)
    assert layer.seen is True
    layer(X, False)
    assert layer.seen is False


def test_training_flag_is_forgotten_after_an_error():
    class Fails(layers.Layer):
        def call(self, inputs):
            raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        Fails()(X, training=True)
    dropout = layers.Dropout(0.9)
    np.testing.assert_array_equal(dropout(X), X)


def test_add_loss_stands_until_the_next_call():
    class Adds(layers.Layer):
        def call(self, inputs):
            self.add_loss(inputs.sum())
            self.add_loss(2.0)
            return inputs

    class Outer(layers.Layer):
        def __init__(self):
            super().__init__()
            self.adds = Adds()

        def call(self, inputs, skip=False):
            return inputs if skip else self.adds(inputs)

    outer = Outer()
    for _ in range(3):
        outer(X)
        assert len(outer.losses) == 2
    np.testing.assert_allclose(outer.losses[0], X.sum(), rtol=1e-5)
    outer(X, skip=True)
    assert outer.losses == []
    outer.adds(X)
    assert len(outer.adds.losses) == 2
    with pytest.raises(ValueError, match="add_loss takes scalars"):
        outer.adds.add_loss("text")


def test_regularizers_follow_the_weights_and_the_freezing():
    layer = layers.Dense(2, kernel_regularizer="l2", bias_regularizer=cnnpy.regularizers.L1(1.0))
    layer(X)
    layer.set_weights([np.full((3, 2), 2.0), [1.0, -3.0]])
    np.testing.assert_allclose([float(loss) for loss in layer.losses], [0.01 * 24, 4.0], rtol=1e-6)
    layer.trainable = False
    assert layer.losses == []


def test_regularizer_gradient():
    layer = layers.Dense(2, use_bias=False, kernel_regularizer=cnnpy.regularizers.L2(0.5))
    layer(X)
    with cnnpy.GradientTape() as tape:
        loss = layer.losses[0]
    np.testing.assert_allclose(tape.gradient(loss, layer.kernel), layer.kernel.numpy(), rtol=1e-6)


def test_inputs_of_all_kinds():
    layer = layers.Dense(2)
    expected = np.asarray(layer(X))
    for x in (X.tolist(), cnnpy.Tensor(X), X.astype("float64"), np.asfortranarray(X), cnnpy.Variable(X)):
        y = layer(x)
        assert type(y) is cnnpy.Tensor and y.dtype == "float32"
        np.testing.assert_allclose(y, expected, rtol=1e-6)
    assert layer(np.zeros((0, 3))).shape == (0, 2)


def test_errors_of_shape():
    dense = layers.Dense(2, name="d")
    with pytest.raises(ValueError, match=r'Dense "d": input must have at least 2 dimensions .* x\[None\]'):
        dense(np.zeros(3))
    dense(X)
    with pytest.raises(ValueError, match=r'Dense "d": input has 4 features, its kernel expects 3; got shape \(2, 4\)'):
        dense(np.zeros((2, 4)))
    conv = layers.Conv2D(2, 3, name="c")
    with pytest.raises(
        ValueError, match=r"Conv2D \"c\": .* got shape \(5, 28, 28\); did you forget np.expand_dims\(x, -1\)"
    ):
        conv(np.zeros((5, 28, 28)))
    with pytest.raises(ValueError, match=r"did you forget the batch dimension, x\[None\]"):
        conv(np.zeros((28, 32, 3)))
    conv(np.zeros((1, 28, 28, 3)))
    with pytest.raises(
        ValueError,
        match=r'Conv2D "c": input has 1 channel, its kernel expects 3; got shape \(1, 28, 28, 1\)\. '
        r"Pass input_shape=\(28, 28, 1\) when building the model",
    ):
        conv(np.zeros((1, 28, 28, 1)))
    with pytest.raises(ValueError, match=r'Conv2D "c".* too small'):
        conv(cnnpy.Input((2, 2, 3)))


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: layers.Conv2D(0, 3), "Conv2D: filters must be an integer of at least 1, got 0"),
        (lambda: layers.Conv2D(2.5, 3), "Conv2D: filters"),
        (lambda: layers.Conv2D(2, (3, 3, 3)), r"Conv2D: kernel_size must be an integer or a tuple of 2"),
        (lambda: layers.Conv2D(2, 3, strides=0), "Conv2D: strides must be at least 1"),
        (lambda: layers.Conv2D(2, 3, padding="full"), "Conv2D: padding must be 'valid' or 'same', got 'full'"),
        (lambda: layers.Conv2D(3, 3, groups=2), "Conv2D: filters must be a multiple of groups"),
        (lambda: layers.Conv2D(2, 3, data_format="last"), "Conv2D: data_format must be"),
        (lambda: layers.Conv2D(2, 3, activation="rellu"), "unknown activation 'rellu'. Did you mean 'relu'"),
        (lambda: layers.Conv2D(2, 3, kernel_initializer="he_norml"), "Did you mean 'he_normal'"),
        (lambda: layers.Conv2D(2, 3, kernel_regularizer="l3"), "unknown regularizer 'l3'"),
        (
            lambda: layers.Conv2D(2, 3, kernel_constraint="maxnorm"),
            "unknown constraint 'maxnorm'. Did you mean 'MaxNorm'",
        ),
        (lambda: layers.Dense(-1), "Dense: units"),
        (lambda: layers.Dense("3"), "Dense: units"),
        (lambda: layers.Dropout(1.5), "Dropout: rate must be a number from 0 to 1, got 1.5"),
        (lambda: layers.MaxPooling2D(0), "MaxPooling2D: pool_size"),
        (lambda: layers.Reshape((-1, -1)), "Reshape: target_shape"),
        (lambda: layers.Permute((0, 1)), "Permute: dims"),
        (lambda: layers.BatchNormalization(momentum=2), "BatchNormalization: momentum"),
        (lambda: layers.UpSampling2D(interpolation="cubic"), "UpSampling2D: interpolation must be"),
        (lambda: layers.ZeroPadding2D(-1), "ZeroPadding2D: padding"),
        (lambda: layers.Cropping2D(((1, 2, 3), 1)), "Cropping2D: cropping"),
        (lambda: layers.ReLU(negative_slope=-1), "ReLU: negative_slope"),
        (lambda: layers.Dense(2, dtype="float16"), "float16"),
        (lambda: layers.Dense(2, input_shape=3), "Dense: input_shape must be a tuple"),
        (lambda: layers.Concatenate(axis="x"), "Concatenate: axis"),
        (lambda: cnnpy.Input(), "InputLayer: pass shape="),
        (lambda: cnnpy.Input((-1,)), "InputLayer: a shape holds"),
    ],
)
def test_bad_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_what_is_not_offered_says_so():
    with pytest.raises(AttributeError, match=r"LSTM is not offered.* no recurrent layers"):
        layers.LSTM()
    with pytest.raises(AttributeError, match="Did you mean 'Conv2D'"):
        layers.Conv2d(1, 1)


def test_merging_errors():
    a, b = np.zeros((2, 3), "float32"), np.zeros((2, 4), "float32")
    with pytest.raises(ValueError, match=r'Add "m": inputs of shapes .* do not fit together'):
        layers.Add(name="m")([a, b])
    with pytest.raises(ValueError, match=r'Add "m": takes a list of tensors'):
        layers.Add(name="m")(a)
    with pytest.raises(ValueError, match="exactly 2 tensors, got 3"):
        layers.Subtract()([a, a, a])
    with pytest.raises(ValueError, match="different batch sizes"):
        layers.Add()([a, a[:1]])
    with pytest.raises(ValueError, match="all sizes but that of axis 0"):
        layers.Concatenate(axis=0)([a, b])


def test_forgotten_super_init():
    class Forgets(layers.Layer):
        def __init__(self):
            pass

    with pytest.raises(RuntimeError, match=r"Forgets.__init__ must call super\(\).__init__\(\)"):
        Forgets()(X)


def test_config_of_a_layer_without_get_config():
    class Plain(layers.Layer):
        def __init__(self, units, scale=1.0, **kwargs):
            super().__init__(**kwargs)

    layer = Plain(3, scale=2.0, name="mine")
    config = layer.get_config()
    assert config["units"] == 3 and config["scale"] == 2.0 and config["name"] == "mine"
    assert Plain.from_config(config).get_config() == config

    class Opaque(layers.Layer):
        def __init__(self, thing):
            super().__init__()

    with pytest.raises(NotImplementedError, match="Opaque must define get_config"):
        Opaque(object()).get_config()


def test_symbolic_shapes_are_found_by_trying():
    inputs = cnnpy.Input((8, 8, 3))
    assert layers.Lambda(lambda x: x.sum(axis=(1, 2)))(inputs).shape == (None, 3)
    assert layers.Lambda(lambda x: x.sum(axis=0))(inputs).shape == (8, 8, 3)
    assert layers.Lambda(lambda x: [x, x[:, 0]])(inputs)[1].shape == (None, 8, 3)
    assert layers.Lambda(lambda x: x, output_shape=(5,))(inputs).shape == (None, 5)
    open_size = cnnpy.Input((None, None, 3))
    assert layers.Conv2D(2, 3)(open_size).shape == (None, None, None, 2)
    assert Scale()(cnnpy.Input((3,))).shape == (None, 4)
    with pytest.raises(TypeError, match="symbolic"):
        bool(inputs)
    with pytest.raises(ValueError, match="symbolic and has no values yet"):
        np.asarray(inputs)


def test_batch_normalization_moves_only_when_training():
    layer = layers.BatchNormalization(momentum=0.5)
    x = np.random.default_rng(0).normal(3, 2, (64, 4)).astype("float32")
    layer(x)
    np.testing.assert_array_equal(layer.moving_mean, np.zeros(4))
    layer(x, training=True)
    np.testing.assert_allclose(layer.moving_mean, 0.5 * x.mean(0), rtol=1e-5)
    np.testing.assert_allclose(layer.moving_variance, 0.5 + 0.5 * x.var(0), rtol=1e-5)
    moved = layer.moving_mean.numpy()
    layer.trainable = False
    layer(x, training=True)
    np.testing.assert_array_equal(layer.moving_mean, moved)
    cnnpy.Input((4,))
    layer(cnnpy.Input((4,)), training=True)
    np.testing.assert_array_equal(layer.moving_mean, moved)


def test_dropout_repeats_with_its_seed():
    x = np.ones((4, 1000), "float32")
    one, two = layers.Dropout(0.3, seed=7), layers.Dropout(0.3, seed=7)
    first = np.asarray(one(x, training=True))
    np.testing.assert_array_equal(first, two(x, training=True))
    assert not np.array_equal(first, one(x, training=True))
    assert abs((first == 0).mean() - 0.3) < 0.03
    np.testing.assert_allclose(first[first != 0], 1 / 0.7, rtol=1e-6)
    spatial = np.asarray(layers.SpatialDropout2D(0.5, seed=1)(np.ones((8, 3, 3, 16)), training=True))
    assert ((spatial == 0).all((1, 2)) | (spatial == 2).all((1, 2))).all()
    np.testing.assert_array_equal(layers.Dropout(1.0)(x, training=True), np.zeros_like(x))
    np.testing.assert_array_equal(layers.Dropout(0)(x, training=True), x)


def test_activations_are_fused_by_name_function_and_class():
    for activation in ("relu", cnnpy.activations.relu, layers.ReLU, layers.ReLU()):
        layer = layers.Dense(2, activation=activation)
        y = np.asarray(layer(X))
        assert layer._after is None and (y >= 0).all()
    layer = layers.Dense(2, activation=layers.LeakyReLU(0.1))
    layer(X)
    assert layer._after is layer.activation
    own = layers.Dense(2, activation=lambda x: x * 0.0)
    np.testing.assert_array_equal(own(X), np.zeros((2, 2)))


def test_metrics_of_attributes():
    class Counts:
        name = "counts"

        def update_state(self, *args):
            pass

        def result(self):
            return 0.0

        def reset_state(self):
            pass

    layer, inner = layers.Layer(), layers.Layer()
    layer.metric, layer.inner = Counts(), inner
    inner.found = [Counts()]
    assert layer.metrics == [layer.metric, inner.found[0]]


def test_layers_work_in_threads():
    dense, dropout = layers.Dense(3), layers.Dropout(0.5)
    expected = np.asarray(dense(X))
    failures = []

    def work(training):
        for _ in range(200):
            if not np.array_equal(dense(X, training=training), expected):
                failures.append("dense")
            if not training and not np.array_equal(dropout(X, training=False), X):
                failures.append("dropout")

    threads = [threading.Thread(target=work, args=(flag,)) for flag in (True, False)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_input_spec_of_own_layers():
    class Strict(layers.Layer):
        def __init__(self):
            super().__init__(name="strict")
            self.input_spec = layers.InputSpec(ndim=2, axes={-1: 3})

        def call(self, inputs):
            return inputs

    layer = Strict()
    layer(X)
    with pytest.raises(
        ValueError, match=r'Strict "strict": input: expected 2 dimensions, got 1 \(shape \(3,\)\); did you'
    ):
        layer(np.zeros(3))
    with pytest.raises(ValueError, match=r"expected axis -1 to have size 3, got 4"):
        layer(np.zeros((2, 4)))
    layer.input_spec = layers.InputSpec(shape=(None, 5))
    with pytest.raises(ValueError, match=r"expected shape \(None, 5\), got \(2, 3\)"):
        layer(X)


def test_a_call_costs_little_python():
    """A built layer takes the short way, which does no more than look up its weights."""
    layer = layers.Dense(2)
    x = _core.Tensor(X)
    layer(x), layer(x)
    assert layer._lean
    layer.activity_regularizer = cnnpy.regularizers.L2(1.0)
    layer(x)
    assert not layer._lean and len(layer.losses) == 1


def test_add_weight_does_not_ignore_what_it_cannot_do():
    layer = layers.Layer()
    with pytest.raises(NotImplementedError, match="overwrite_with_gradient"):
        layer.add_weight(shape=(2,), overwrite_with_gradient=True)
    with pytest.raises(ValueError, match="aggregation"):
        layer.add_weight(shape=(2,), aggregation="median")
    assert layer.weights == []
