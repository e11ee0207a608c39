"""Whole models in .h5 files, weights by the names of layers, and configurations of Keras 1.2 and 2."""

import json
import warnings

import h5py
import numpy as np
import pytest

import cnnpy
from cnnpy import layers, saving
from cnnpy.saving import keras2_weights
from cnnpy.saving.old_configs import modern, modern_training

X = np.random.default_rng(0).random((8, 6, 6, 2)).astype("float32")
Y = np.arange(8) % 3


def network(width=3, names=("a", "b", "c")):
    cnnpy.utils.set_random_seed(width)
    return cnnpy.Sequential(
        [
            cnnpy.Input((6, 6, 2)),
            layers.Conv2D(width, 3, activation="relu", name=names[0]),
            layers.BatchNormalization(name=names[1]),
            layers.Flatten(),
            layers.Dense(3, activation="softmax", name=names[2]),
        ]
    )


def trained(model, optimizer="adam"):
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(X, Y, batch_size=4, shuffle=False, verbose=0)
    return model


def nested():
    inputs = cnnpy.Input((6, 6, 2))
    inner = cnnpy.Sequential([cnnpy.Input((4, 4, 3)), layers.BatchNormalization(), layers.Conv2D(3, 3)], name="inner")
    shared = layers.Dense(3, name="shared")
    x = layers.Flatten()(inner(layers.Conv2D(3, 3)(inputs)))
    return cnnpy.Model(inputs, layers.Softmax()(layers.add([shared(x[:, :3]), shared(x[:, 3:6])])))


# ---- whole models ----


@pytest.mark.parametrize("make", [network, nested])
@pytest.mark.parametrize("optimizer", ["adam", "rmsprop", "sgd"])
def test_training_goes_on_bit_for_bit(tmp_path, make, optimizer):
    kind = cnnpy.optimizers.SGD(0.1, momentum=0.9, nesterov=True) if optimizer == "sgd" else optimizer
    model = trained(make(), kind)
    model.save(tmp_path / "m.h5")
    again = saving.load_model(tmp_path / "m.h5")
    for one in (model, again):
        one.fit(X, Y, batch_size=4, epochs=2, shuffle=False, verbose=0)
    for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
        assert np.array_equal(a, b)
    assert again.metrics_names == model.metrics_names


def test_what_is_left_out_on_demand(tmp_path):
    model = trained(network())
    model.save(tmp_path / "m.h5", include_optimizer=False)
    with pytest.warns(UserWarning, match="no compile settings"):
        assert saving.load_model(tmp_path / "m.h5").optimizer is None
    model.save(tmp_path / "m.h5")
    assert saving.load_model(tmp_path / "m.h5", compile=False).optimizer is None
    with pytest.raises(FileExistsError):
        model.save(tmp_path / "m.h5", overwrite=False)


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    model = trained(network())
    model.save(tmp_path / "m.h5")
    before = (tmp_path / "m.h5").read_bytes()

    def fail(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(keras2_weights, "write_arrays", fail)
    with pytest.raises(OSError, match="No space left"):
        model.save(tmp_path / "m.h5")
    assert (tmp_path / "m.h5").read_bytes() == before and len(list(tmp_path.iterdir())) == 1


def test_custom_objects_and_the_names_of_classes(tmp_path):
    class Scale(layers.Layer):
        def build(self, input_shape):
            self.scale = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="scale")

        def call(self, x):
            return x * self.scale

    model = cnnpy.Sequential([cnnpy.Input((2,)), Scale(name="s")])
    model.layers[0].scale.assign([2.0, 3.0])
    model.save(tmp_path / "m.h5")
    again = saving.load_model(tmp_path / "m.h5", custom_objects={"Scale": Scale}, compile=False)
    assert again.predict(np.ones((1, 2)), verbose=0).tolist() == [[2.0, 3.0]]


def test_models_without_weights_yet_have_nothing_to_save(tmp_path):
    with pytest.raises(ValueError, match="has no weights yet"):
        cnnpy.Sequential([layers.Dense(3)]).save(tmp_path / "m.h5")


def test_many_layers_need_more_than_one_attribute(tmp_path):
    names = [f"a_layer_with_quite_a_long_name_{'x' * 200}_{i}" for i in range(400)]
    model = cnnpy.Sequential([cnnpy.Input((2,)), *(layers.Rescaling(1.0, name=n) for n in names), layers.Dense(1)])
    model.save(tmp_path / "m.h5")
    with h5py.File(tmp_path / "m.h5") as file:
        assert "layer_names" not in file["model_weights"].attrs and "layer_names1" in file["model_weights"].attrs
    assert [layer.name for layer in saving.load_model(tmp_path / "m.h5", compile=False).layers][:-1] == names


# ---- weights ----


def weights_file(path, model, **attributes):
    with h5py.File(path, "w") as file:
        keras2_weights.write_weights(file, model)
        file.attrs.update(attributes)


def test_weights_of_whole_models_and_alone(tmp_path):
    model = network()
    model.save(tmp_path / "m.h5")
    weights_file(tmp_path / "w.h5", model)
    for name in ("m.h5", "w.h5"):
        other = network(names=("x", "y", "z"))
        other.set_weights([w + 1 for w in other.get_weights()])
        other.load_weights(tmp_path / name)
        assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), other.get_weights(), strict=True))


def test_weights_by_name(tmp_path):
    model = network()
    weights_file(tmp_path / "w.h5", model)
    other = network(names=("a", "new", "c"))
    other.set_weights([w + 1 for w in other.get_weights()])
    before = other.get_weights()
    other.load_weights(tmp_path / "w.h5", by_name=True)
    after, wanted = other.get_weights(), model.get_weights()
    for i in (0, 1, 6, 7):
        assert np.array_equal(after[i], wanted[i])
    for i in (2, 3, 4, 5):
        assert np.array_equal(after[i], before[i])


def test_what_does_not_fit_changes_nothing_or_is_skipped(tmp_path):
    weights_file(tmp_path / "w.h5", network(width=5))
    model = network()
    before = model.get_weights()
    for by_name in (False, True):
        with pytest.raises(
            ValueError, match=r"layer 'a'.*'kernel' has shape \(3, 3, 2, 3\), the file's array \(3, 3, 2, 5\)"
        ):
            model.load_weights(tmp_path / "w.h5", by_name=by_name)
        assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
        with pytest.warns(UserWarning, match="left as they are"):
            model.load_weights(tmp_path / "w.h5", by_name=by_name, skip_mismatch=True)
        assert np.array_equal(before[0], model.get_weights()[0])
    short = cnnpy.Sequential([cnnpy.Input((6, 6, 2)), layers.Conv2D(5, 3, name="a")])
    with pytest.raises(ValueError, match=r"1 layers with weights, the file 3.*by_name=True"):
        short.load_weights(tmp_path / "w.h5")
    short.load_weights(tmp_path / "w.h5", by_name=True)


def test_files_by_structure_have_no_names(tmp_path):
    model = network()
    model.save_weights(tmp_path / "m.weights.h5")
    with pytest.raises(ValueError, match="no names of layers"):
        model.load_weights(tmp_path / "m.weights.h5", by_name=True)


def test_kernels_that_theano_wrote_are_turned(tmp_path):
    model = network()
    weights_file(tmp_path / "w.h5", model, backend=b"theano")
    other = network(names=("x", "y", "z"))
    other.load_weights(tmp_path / "w.h5")
    assert np.array_equal(other.layers[0].kernel, np.asarray(model.layers[0].kernel)[::-1, ::-1])
    assert np.array_equal(other.layers[3].kernel, model.layers[3].kernel)


def test_kernels_of_keras_1_with_channels_first(tmp_path):
    def make():
        return cnnpy.Sequential([cnnpy.Input((2, 6, 6)), layers.Conv2D(4, 3, data_format="channels_first", name="c")])

    model, kernel = make(), np.random.default_rng(0).random((4, 2, 3, 3)).astype("float32")
    with h5py.File(tmp_path / "w.h5", "w") as file:
        keras2_weights.write_names(file, "layer_names", ["c"])
        file["c/c_W"], file["c/c_b"] = kernel, np.zeros(4, "float32")
        keras2_weights.write_names(file["c"], "weight_names", ["c_W", "c_b"])
    model.load_weights(tmp_path / "w.h5")
    assert np.array_equal(np.asarray(model.layers[0].kernel), kernel.transpose(2, 3, 1, 0))


def damaged(path, change):
    with h5py.File(path, "r+") as file:
        change(file)


def no_architecture(file):
    del file.attrs["model_config"]


def no_weights(file):
    del file["model_weights"]


def missing_layer(file):
    del file["model_weights/a"]


def missing_array(file):
    del file["model_weights/c"][keras2_weights.read_names(file["model_weights/c"], "weight_names")[0]]


def half_a_config(file):
    file.attrs["model_config"] = file.attrs["model_config"][:100]


def a_link(file):
    del file["model_weights/a"]
    file["model_weights/a"] = h5py.ExternalLink("/etc/passwd", "/")


def numbers_for_names(file):
    file["model_weights"].attrs["layer_names"] = [1, 2]


@pytest.mark.parametrize(
    "change",
    [no_architecture, no_weights, missing_layer, missing_array, half_a_config, a_link, numbers_for_names],
)
def test_damaged_files_are_value_errors(tmp_path, change):
    trained(network()).save(tmp_path / "m.h5")
    damaged(tmp_path / "m.h5", change)
    with pytest.raises((ValueError, KeyError)):
        saving.load_model(tmp_path / "m.h5")


def test_an_optimizer_of_another_size_starts_anew(tmp_path):
    trained(network()).save(tmp_path / "m.h5")
    damaged(tmp_path / "m.h5", lambda file: keras2_weights.write_names(file["optimizer_weights"], "weight_names", []))
    with pytest.warns(UserWarning, match="state of optimizer 'adam.*' was not loaded"):
        model = saving.load_model(tmp_path / "m.h5")
    assert int(model.optimizer.iterations) == 0


# ---- old configurations ----

KERAS_1 = {
    "class_name": "Sequential",
    "config": [
        {
            "class_name": "Convolution2D",
            "config": {
                "name": "c1",
                "nb_filter": 4,
                "nb_row": 3,
                "nb_col": 2,
                "border_mode": "same",
                "subsample": [2, 2],
                "dim_ordering": "tf",
                "init": "glorot_uniform",
                "activation": "relu",
                "W_regularizer": None,
                "b_regularizer": None,
                "activity_regularizer": None,
                "W_constraint": None,
                "b_constraint": None,
                "bias": True,
                "batch_input_shape": [None, 8, 8, 3],
                "input_dtype": "float32",
                "trainable": True,
            },
        },
        {
            "class_name": "MaxPooling2D",
            "config": {
                "name": "p",
                "pool_size": [2, 2],
                "strides": [2, 2],
                "border_mode": "valid",
                "dim_ordering": "tf",
            },
        },
        {
            "class_name": "BatchNormalization",
            "config": {
                "name": "b",
                "mode": 0,
                "axis": -1,
                "epsilon": 0.001,
                "momentum": 0.99,
                "gamma_init": "one",
                "beta_init": "zero",
            },
        },
        {"class_name": "Dropout", "config": {"name": "d", "p": 0.25}},
        {"class_name": "Flatten", "config": {"name": "f"}},
        {
            "class_name": "Dense",
            "config": {"name": "o", "output_dim": 5, "input_dim": None, "init": "uniform", "bias": True},
        },
    ],
}


def test_keras_1_sequential():
    model = cnnpy.models.model_from_json(json.dumps(KERAS_1))
    conv, pool, norm, drop, _, dense = model.layers
    assert (conv.filters, conv.kernel_size, conv.padding, conv.strides) == (4, (3, 2), "same", (2, 2))
    assert pool.padding == "valid" and norm.axis in (-1, 3) and drop.rate == 0.25 and dense.units == 5
    assert model.input_shape == (None, 8, 8, 3)


def functional(**layer):
    """A model of one input whose calls are written as Keras 2 did."""
    return {
        "class_name": "Model",
        "keras_version": "2.1.0",
        "config": {
            "name": "m",
            "layers": [
                {
                    "class_name": "InputLayer",
                    "config": {"batch_input_shape": [None, 6], "dtype": "float32", "sparse": False, "name": "i"},
                    "inbound_nodes": [],
                    "name": "i",
                },
                *layer["layers"],
            ],
            "input_layers": [["i", 0, 0]],
            "output_layers": [["z", 0, 0]],
        },
    }


def test_keras_2_functional_with_a_shared_layer():
    config = functional(
        layers=[
            {
                "class_name": "Dense",
                "config": {"name": "d", "units": 6, "dtype": {"class_name": "Policy", "config": {"name": "float32"}}},
                "inbound_nodes": [[["i", 0, 0, {}]], [["d", 0, 0, {}]]],
                "name": "d",
            },
            {
                "class_name": "Add",
                "config": {"name": "z", "trainable": True, "dtype": "float32"},
                "inbound_nodes": [[["d", 0, 0, {}], ["d", 1, 0, {}], ["i", 0, 0, {}]]],
                "name": "z",
            },
        ]
    )
    model = cnnpy.models.model_from_json(json.dumps(config))
    x, dense = np.random.default_rng(0).random((2, 6)).astype("float32"), model.get_layer("d")
    once = np.asarray(dense(x))
    assert np.allclose(model.predict(x, verbose=0), once + np.asarray(dense(once)) + x, atol=1e-6)


@pytest.mark.parametrize(
    "mode, expected",
    [("sum", "Add"), ("mul", "Multiply"), ("ave", "Average"), ("max", "Maximum"), ("concat", "Concatenate")],
)
def test_merges_of_keras_1(mode, expected):
    merge = {"class_name": "Merge", "config": {"name": "z", "mode": mode}, "name": "z"}
    merge["inbound_nodes"] = [[["i", 0, 0], ["i", 0, 0]]]
    model = cnnpy.models.model_from_json(json.dumps(functional(layers=[merge])))
    assert type(model.get_layer("z")).__name__ == expected


def test_what_is_no_layer_any_more_is_said():
    with pytest.raises(ValueError, match="a Merge layer with mode 'cos'"):
        modern({"class_name": "Merge", "config": {"mode": "cos"}})
    with pytest.raises(ValueError, match=r"calls functions of TensorFlow between its layers \(TFOpLambda 'tf.math'\)"):
        modern({"class_name": "TFOpLambda", "name": "tf.math", "config": {"name": "tf.math"}})


def test_other_old_spellings():
    old = {
        "class_name": "DepthwiseConv2D",
        "config": {"kernel_size": [3, 3], "groups": 1, "batch_input_shape": [None, 5, 5, 2]},
    }
    layer = saving.deserialize_keras_object(modern(old))
    assert layer._batch_input_shape == (None, 5, 5, 2)
    norm = modern(
        {"class_name": "BatchNormalizationV1", "config": {"axis": [3], "fused": True, "virtual_batch_size": None}}
    )
    assert saving.deserialize_keras_object(norm).axis == 3
    wrapped = modern(
        {"class_name": "TimeDistributed", "config": {"layer": {"class_name": "Dense", "config": {"output_dim": 4}}}}
    )
    assert saving.deserialize_keras_object(wrapped).layer.units == 4


def test_modern_configs_stay_as_they_are():
    config = saving.serialize_keras_object(network())
    assert json.loads(json.dumps(modern(config))) == json.loads(json.dumps(config))


def test_functions_are_written_as_keras_does_and_come_back():
    from cnnpy import ops

    x = cnnpy.Input((4,))
    steps = [
        ops.mean(x + 3.0, axis=1, keepdims=True),
        x[:, 1:],
        ops.concatenate([x, -x]),
        ops.clip(x, 0, 1),
        ops.erf(x),
    ]
    model = cnnpy.Model(x, steps)
    config = json.loads(json.dumps(saving.serialize_keras_object(model)))
    found = {entry["class_name"]: entry for entry in config["config"]["layers"]}
    assert {"Add", "Mean", "GetItem", "Concatenate", "Negative", "Clip"} <= set(found)
    assert found["Mean"]["config"] == {"name": "mean", "axis": 1, "keepdims": True}
    assert found["SymbolicOp"]["config"]["function"].endswith(".erf")  # which Keras has no class of its own for here
    again = saving.deserialize_keras_object(config)
    data = np.random.default_rng(0).normal(size=(2, 4)).astype("float32")
    for a, b in zip(model.predict(data, verbose=0), again.predict(data, verbose=0), strict=True):
        assert np.array_equal(a, b)


def test_functions_of_keras_that_are_missing_are_named():
    entry = {"module": "keras.src.ops.numpy", "class_name": "Fft", "config": {"name": "f"}, "inbound_nodes": []}
    with pytest.raises(ValueError, match="Keras's function Fft, which cnnpy has not"):
        modern(entry)


def test_arguments_of_the_users_own_layers_keep_their_names():
    own = {"class_name": "Mine", "config": {"p": 1, "output_dim": 3, "bias": False, "init": "x"}}
    assert modern(own)["config"] == own["config"]


def test_compile_settings_of_keras_2():
    settings = modern_training(
        {
            "optimizer_config": {
                "class_name": "SGD",
                "config": {"lr": 0.5, "momentum": 0.9, "decay": 0.0, "nesterov": False},
            },
            "loss": {
                "class_name": "BinaryCrossentropy",
                "config": {"reduction": "auto", "name": "b", "from_logits": True},
            },
            "metrics": [[{"class_name": "MeanMetricWrapper", "config": {"name": "acc", "fn": "binary_accuracy"}}]],
            "sample_weight_mode": None,
            "loss_weights": None,
        }
    )
    model = cnnpy.Sequential([cnnpy.Input((3,)), layers.Dense(1)])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.compile_from_config(settings)
    assert float(model.optimizer.learning_rate) == 0.5 and model.optimizer.momentum == 0.9
    assert model.loss.get_config()["from_logits"] is True
    model.train_on_batch(np.zeros((2, 3)), np.zeros((2, 1)))


@pytest.mark.parametrize("names", [[], ["adam/iteration"] * 4, ["Adam/m/kernel:0", "Adam/v/kernel:0", "x"]])
def test_optimizers_of_unknown_order_are_left_alone(names):
    from cnnpy.saving.hdf5_model import _in_order_of

    optimizer = cnnpy.optimizers.Adam()
    optimizer.build([cnnpy.Variable(np.zeros(3, "float32"))])
    assert len(optimizer.variables) == 4
    assert (_in_order_of(names, optimizer) is None) == (len(names) != 4)
