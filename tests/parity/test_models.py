"""Models drawn with symbolic tensors, stacked, cloned, and made from configs compute what Keras's do."""

import operator

import numpy as np
import pytest
from parity.programs import IMAGES, OTHERS, VECTORS, compare, weighted

pytest.importorskip("keras")
pytest.importorskip("tensorflow")


def drawn(function):
    """A program: the shape and the predictions of FUNCTION of two symbolic vectors."""

    def program(k, tape):
        a, b = k.Input((6,)), k.Input((6,))
        y = function(a, b)
        return list(y.shape), k.Model([a, b], y).predict([VECTORS, OTHERS], verbose=0)

    return program


ARITHMETIC = ("add", "sub", "mul", "truediv", "floordiv", "mod")
COMPARISONS = ("ne", "lt", "le", "gt", "ge")


@pytest.mark.parametrize("name", [*ARITHMETIC, *COMPARISONS])
def test_operators(name):
    compare(drawn(getattr(operator, name)))


@pytest.mark.parametrize("name", ARITHMETIC)
def test_reflected_operators(name):
    compare(drawn(lambda a, b: getattr(operator, name)(3, a) + b))


@pytest.mark.parametrize("name", ["and_", "or_", "xor"])
def test_logical_operators(name):
    compare(drawn(lambda a, b: getattr(operator, name)(a > 0, b > 0)))
    compare(drawn(lambda a, b: getattr(operator, name)(True, b > a)))


@pytest.mark.parametrize(
    "function",
    [
        lambda a, b: abs(a) ** b,
        lambda a, b: 2**a + b,
        lambda a, b: a @ np.ones((6, 3), "float32") + b[:, :3],
        lambda a, b: -a + abs(b),
        lambda a, b: ~(a > b),
        lambda a, b: round(a) + round(b, 1),
        lambda a, b: a.reshape((-1, 2, 3)) + b.reshape((-1, 1, 3, 2)).squeeze(1).reshape((-1, 2, 3)),
        lambda a, b: a[:, 1:3] * b[:, -2:],
        lambda a, b: a[:, None] - b[..., None],
        lambda a, b: a[:, ::-1] + b[:, 0:1],
        lambda a, b: a[..., 0],
        lambda a, b: a[:, np.newaxis, 2:4],
        lambda a, b: a[0],
    ],
)
def test_expressions(function):
    compare(drawn(function))


def test_several_inputs_and_outputs_in_all_structures():
    def program(k, tape):
        a, b, c = (k.Input((6,), name=name) for name in "abc")
        nested = k.Model([a, {"x": b, "y": c}], {"o": [a + b, b - c], "p": c * 2})
        named = weighted(k.Model({"a": a, "b": b}, {"s": k.layers.Add()([a, b]), "d": k.layers.Dense(2)(a)}))
        x = {"a": VECTORS, "b": OTHERS}
        return (
            nested.predict([VECTORS, {"x": OTHERS, "y": VECTORS}], verbose=0),
            nested([VECTORS, {"x": OTHERS, "y": VECTORS}]),
            named.predict(x, verbose=0),
            named({"b": OTHERS, "a": VECTORS}),
            named.output_names,
            [list(shape) for shape in named.input_shape + named.output_shape],
        )

    compare(program)


def test_lists_of_one_give_single_outputs():
    def program(k, tape):
        a = k.Input((6,))
        model = k.Model([a], [a + 1])
        tuples = k.Model(a, (a + 1, a * 2))
        results = model(VECTORS), model.predict(VECTORS, verbose=0), model.predict([VECTORS], verbose=0)
        return *results, list(model.input_shape), list(model.output_shape), tuples.predict(VECTORS, verbose=0)

    compare(program)


def test_optional_inputs():
    def program(k, tape):
        class Sum(k.layers.Layer):
            def call(self, a, b=None):
                return a if b is None else a + b

        a, b = k.Input((6,), name="a"), k.Input((6,), name="b", optional=True)
        model = k.Model([a, b], Sum()(a, b))
        return model([VECTORS, None]), model([VECTORS, OTHERS])

    compare(program)


def test_inputs_that_are_not_optional():
    import cnnpy

    a, b = cnnpy.Input((6,), name="a"), cnnpy.Input((6,), name="b")
    with pytest.raises(ValueError, match=r"input 'b' is None; only an Input\(optional=True\) may be"):
        cnnpy.Model([a, b], a + b)([VECTORS, None])


def test_feature_maps_and_parts():
    def program(k, tape):
        layers = [k.layers.Conv2D(4, 3, name="c"), k.layers.MaxPooling2D(name="p")]
        base = weighted(k.Sequential([k.Input((8, 8, 3)), *layers], name="base"))
        x = k.Input((8, 8, 3))
        model = weighted(k.Model(x, k.layers.Dense(2)(k.layers.Flatten()(base(x)))))
        inner = model.get_layer("base")
        maps = k.Model(inner.inputs, [layer.output for layer in inner.layers])
        return maps.predict(IMAGES, verbose=0), model(IMAGES), len(model.layers), model.count_params()

    compare(program)


def test_shared_layers_and_models_in_models():
    def program(k, tape):
        dense = k.layers.Dense(6, name="shared")
        a = k.Input((6,))
        encoder = k.Model(a, dense(dense(a) * 2) - 1.5, name="encoder")
        x = k.Input((6,))
        stack = k.Sequential([encoder, k.layers.Dense(3)])
        model = weighted(k.Model(x, [encoder(x), stack(x)]))
        return model.predict(VECTORS, verbose=0), [layer.name for layer in encoder.layers], model.count_params()

    compare(program)


def test_arguments_by_keyword():
    def program(k, tape):
        class Own(k.layers.Layer):
            def call(self, x, *, other, scale=1.0):
                return x + scale * other

        a, b = k.Input((6,)), k.Input((6,))
        first = k.Model([a, b], Own()(a, other=b))
        second = k.Model([a, b], Own()(x=a, other=b, scale=0.5))
        return first([VECTORS, OTHERS]), second([VECTORS, OTHERS])

    compare(program)


def test_subclass_that_draws_itself():
    def program(k, tape):
        class Own(k.Model):
            def __init__(self, units=3, **kwargs):
                inputs = k.Input((6,))
                super().__init__(inputs=inputs, outputs=k.layers.Dense(units)(inputs), **kwargs)

        model = weighted(Own(4, name="own"))
        return model.predict(VECTORS, verbose=0), model.name, list(model.output_shape), len(model.layers)

    compare(program)


def test_models_from_configs():
    def program(k, tape):
        inner = k.Sequential([k.Input((6,)), k.layers.Dense(3, kernel_regularizer="l2")], name="inner")
        a, b = k.Input((6,), name="a"), k.Input((6,), name="b")
        y = k.ops.concatenate([inner(a), b[:, 1:3] * 2], axis=-1)
        model = weighted(k.Model({"a": a, "b": b}, [y, k.ops.mean(a, axis=-1)], name="model"))
        x = {"a": VECTORS, "b": OTHERS}
        results = []
        for copy in (
            k.Model.from_config(model.get_config()),
            k.models.model_from_json(model.to_json()),
            k.models.clone_model(model),
        ):
            copy.set_weights(model.get_weights())
            results.append((copy(x), copy.name))
        return results

    compare(program)


def test_clones():
    def program(k, tape):
        inner = k.Sequential([k.Input((6,)), k.layers.Dense(3, activation="relu", name="in")], name="i")
        a = k.Input((6,))
        model = weighted(k.Model(a, k.layers.Dense(2, name="out")(inner(a))))
        seen, results = [], []

        def remade(layer):
            seen.append(layer.name)
            config = layer.get_config()
            if config.get("activation") == "relu":
                config["activation"] = "tanh"
            return layer.__class__.from_config(config)

        for settings in (
            {"clone_function": remade},
            {"clone_function": remade, "recursive": True},
            {"input_tensors": k.Input((6,), name="other")},
            {"call_function": lambda layer, *args, **kwargs: layer(*args, **kwargs)},
        ):
            clone = k.models.clone_model(model, **settings)
            clone.set_weights(model.get_weights())
            results.append((clone(VECTORS), list(seen)))
        return results

    compare(program)


def test_clones_of_stacks_take_no_call_function():
    import cnnpy

    stack = cnnpy.Sequential([cnnpy.Input((6,)), cnnpy.layers.Dense(2)])
    with pytest.raises(ValueError, match=r"call_function.*for functional models"):
        cnnpy.models.clone_model(stack, call_function=lambda layer, *args, **kwargs: layer(*args, **kwargs))
    with pytest.raises(TypeError, match="clone_model: takes a model, got 'a'"):
        cnnpy.models.clone_model("a")


def test_weights_by_name_order_and_path():
    def program(k, tape):
        class Own(k.layers.Layer):
            def build(self, shape):
                self.a = self.add_weight(shape=(2,))
                self.b = self.add_weight((shape[-1], 3), "ones", name="b")
                self.c = self.add_variable(shape=(2,), initializer="zeros", trainable=False)
                self.d = self.add_weight(name="d", initializer="zeros", dtype="int32", trainable=False)

            def call(self, x):
                return k.ops.matmul(x, self.b)

        layer = Own(name="own")
        y = layer(VECTORS)
        return y, [(w.name, w.path, list(w.shape), w.dtype) for w in layer.weights], len(layer.trainable_weights)

    compare(program)


def test_calls_without_a_trace():
    def program(k, tape):
        model = k.Sequential(
            [k.Input((6,)), k.layers.Dense(2, activity_regularizer="l2"), k.layers.BatchNormalization()]
        )
        weighted(model)
        model.layers[1].moving_variance.assign([1.0, 2.0])
        ones = [np.ones(v.shape, "float32") for v in model.trainable_variables]
        kept = model.get_weights()
        outputs, others, losses = model.stateless_call(
            ones, model.non_trainable_variables, VECTORS, training=True, return_losses=True
        )
        after = model.get_weights()
        return outputs, others, losses, [np.array_equal(a, b) for a, b in zip(kept, after)]

    compare(program)
