"""Model files: what they keep, what does not fit, what is damaged, and what must not happen."""

import io
import json
import os
import zipfile

import h5py
import numpy as np
import pytest

import cnnpy
from cnnpy import layers, saving

X = np.random.default_rng(0).normal(size=(16, 6, 6, 1)).astype("float32")
Y = np.eye(3, dtype="float32")[np.random.default_rng(1).integers(0, 3, 16)]


def network(filters=3):
    inputs = cnnpy.Input((6, 6, 1))
    x = layers.BatchNormalization()(layers.Conv2D(filters, 3, activation="relu")(inputs))
    inner = cnnpy.Sequential([cnnpy.Input((4, 4, filters)), layers.Dropout(0.3), layers.Flatten(), layers.Dense(4)])
    shared = layers.Dense(4, activation="tanh")
    y = inner(x)
    return cnnpy.Model(inputs, layers.Dense(3, activation="softmax")(layers.add([y, shared(shared(y)) * 0.5])))


def trained(make=network, epochs=1, optimizer="adam"):
    cnnpy.utils.set_random_seed(0)
    model = make()
    model.compile(optimizer, "categorical_crossentropy", metrics=["accuracy"])
    model.fit(X, Y, epochs=epochs, batch_size=8, verbose=0)
    return model


def same(a, b):
    return all(np.array_equal(x, y) for x, y in zip(a.get_weights(), b.get_weights(), strict=True))


def test_a_model_comes_back_whole(tmp_path):
    model = trained()
    model.layers[1].trainable = False
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    model.save(tmp_path / "m.keras")
    again = cnnpy.models.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))
    assert [layer.name for layer in again.layers] == [layer.name for layer in model.layers]
    assert not again.layers[1].trainable
    assert again.evaluate(X, Y, verbose=0, return_dict=True) == model.evaluate(X, Y, verbose=0, return_dict=True)
    assert [p.name for p in tmp_path.iterdir()] == ["m.keras"]


@pytest.mark.parametrize("optimizer", ["adam", "sgd", "rmsprop", "nadam"])
def test_training_goes_on_bit_for_bit(tmp_path, optimizer):
    model = trained(optimizer=optimizer)
    model.save(tmp_path / "m.keras")
    again = saving.load_model(tmp_path / "m.keras")
    for one in (model, again):
        np.random.seed(5)
        one.fit(X, Y, epochs=2, batch_size=4, verbose=0)
    assert same(model, again)
    assert int(again.optimizer.iterations) == 10


def test_weights_go_by_structure(tmp_path):
    model = trained()
    path = tmp_path / "m.weights.h5"
    model.save_weights(path)
    other = network()
    assert not same(model, other)
    other.load_weights(path)
    assert same(model, other)
    with h5py.File(path) as file:
        assert file["layers/conv2d/vars/0"].shape == (3, 3, 1, 3)
        assert file["layers/sequential/layers/dense/vars"].attrs["name"].startswith("dense")
        assert file["optimizer/vars/0"][()] == 2


def test_weights_come_out_of_whole_models_too(tmp_path):
    model = trained()
    model.save(tmp_path / "m.keras")
    other = network()
    other.load_weights(tmp_path / "m.keras")
    assert same(model, other)


class Scale(layers.Layer):
    def build(self, shape):
        self.factor = self.add_weight(shape=(shape[-1],), initializer="ones", name="factor")

    def call(self, x):
        return x * self.factor


@saving.register_keras_serializable("tests")
class Net(cnnpy.Model):
    def __init__(self, units=4, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.flat = layers.Flatten()
        self.blocks = [layers.Dense(units, activation="relu"), layers.Dense(units)]
        self.heads = {"one": layers.Dense(3, activation="softmax")}
        self._hidden = Scale()
        self.offset = self.add_weight(shape=(3,), name="offset")

    def call(self, x):
        x = self.flat(x)
        for block in self.blocks:
            x = block(x)
        return self.heads["one"](self._hidden(x)) + self.offset

    def get_config(self):
        return {"units": self.units}


def test_subclassed_models(tmp_path):
    model = Net()
    model(X)
    for w in model.weights:
        w.assign(np.random.default_rng(0).normal(size=w.shape))
    model.save(tmp_path / "m.keras")
    again = saving.load_model(tmp_path / "m.keras", custom_objects={"Scale": Scale})
    np.testing.assert_array_equal(again(X), model(X))
    model.save_weights(tmp_path / "m.weights.h5")
    other = Net()
    with pytest.raises(ValueError, match="has not been built"):
        other.load_weights(tmp_path / "m.weights.h5")
    other(X)
    other.load_weights(tmp_path / "m.weights.h5")
    assert same(model, other)


def test_built_layers_in_a_model_without_an_input(tmp_path):
    model = cnnpy.Sequential([layers.Input((3,)), Scale(), layers.Dense(2)])
    again = cnnpy.Sequential(model.layers[:])
    again.save(tmp_path / "m.keras")
    loaded = saving.load_model(tmp_path / "m.keras", custom_objects={"Scale": Scale})
    np.testing.assert_array_equal(loaded(np.ones((2, 3), "float32")), model(np.ones((2, 3), "float32")))


def test_objects_of_the_program_are_passed(tmp_path):
    model = cnnpy.Sequential([layers.Input((3,)), Scale()])
    model.save(tmp_path / "m.keras")
    saving.serialization._written.clear()
    with pytest.raises(ValueError, match=r"'Scale' .* is not known.* Pass it in custom_objects"):
        saving.load_model(tmp_path / "m.keras")
    again = saving.load_model(tmp_path / "m.keras", custom_objects={"Scale": Scale})
    assert isinstance(again.layers[0], Scale)


def test_without_compile_settings(tmp_path):
    trained().save(tmp_path / "m.keras")
    model = saving.load_model(tmp_path / "m.keras", compile=False)
    assert not model.compiled and model.optimizer is None


def test_what_does_not_fit_changes_nothing(tmp_path):
    trained().save_weights(tmp_path / "m.weights.h5")
    other = network(filters=5)
    before = other.get_weights()
    with pytest.raises(ValueError, match=r"could not be loaded: .*shape \(3, 3, 1, 5\), the file's array shape"):
        other.load_weights(tmp_path / "m.weights.h5")
    assert all(np.array_equal(a, b) for a, b in zip(before, other.get_weights()))
    with pytest.warns(UserWarning, match="could not be loaded"):
        other.load_weights(tmp_path / "m.weights.h5", skip_mismatch=True)
    shared = other.layers[-1].get_weights()[0]
    with h5py.File(tmp_path / "m.weights.h5") as file:
        np.testing.assert_array_equal(shared, file["layers/dense_1/vars/0"][()])


def test_another_optimizer_starts_anew(tmp_path):
    trained(optimizer="adam").save_weights(tmp_path / "m.weights.h5")
    other = trained(optimizer="sgd")
    with pytest.warns(UserWarning, match=r"the state of optimizer 'sgd.*' was not loaded: it has 2 variables"):
        other.load_weights(tmp_path / "m.weights.h5")
    assert int(other.optimizer.iterations) == 2


def test_no_model_inside_is_taken_for_another_that_is_gone(tmp_path):
    """The list of layers that a Sequential hands out was remembered by its id, which the next one's may have again."""
    x = inputs = cnnpy.Input((2,))
    for _ in range(40):
        x = cnnpy.Sequential([cnnpy.Input((2,)), layers.Dense(2), layers.Dense(2)])(x)
    model = cnnpy.Model(inputs, x)
    from cnnpy.saving import state

    for _ in range(5):
        assert sum(len(s.weights) for _, s in state.walk(model) if isinstance(s, layers.Dense)) == len(model.weights)


# ---- names and places ----


def test_names_and_places_are_checked(tmp_path):
    model = trained()
    with pytest.raises(ValueError, match=r"must end in .keras or .h5, got .*m\.zip"):
        model.save(tmp_path / "m.zip")
    with pytest.raises(ValueError, match=r"must end in .weights.h5"):
        model.save_weights(tmp_path / "m.h5")
    with pytest.raises(ValueError, match=r"must end in .keras or .h5"):
        model.save(tmp_path / "m.weights.h5")
    with pytest.raises(FileNotFoundError, match="there is no such file"):
        saving.load_model(tmp_path / "m.h5")
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        model.save(tmp_path / "none" / "m.keras")
    with pytest.raises(FileNotFoundError, match="there is no such file"):
        saving.load_model(tmp_path / "m.keras")
    with pytest.raises(FileNotFoundError, match="there is no such file"):
        model.load_weights(tmp_path / "m.weights.h5")
    (tmp_path / "d.keras").mkdir()
    with pytest.raises(IsADirectoryError):
        model.save(tmp_path / "d.keras")
    with pytest.raises(TypeError, match="takes the path of a file, got 3"):
        model.save(3)
    with pytest.raises(NotImplementedError, match="export is not offered"):
        model.export(tmp_path / "m")
    model.save(tmp_path / "m.keras")
    with pytest.raises(FileExistsError, match="overwrite is False"):
        model.save(tmp_path / "m.keras", overwrite=False)


def test_unbuilt_models_have_nothing_to_save(tmp_path):
    with pytest.raises(ValueError, match="has no weights yet"):
        cnnpy.Sequential([layers.Dense(2)]).save_weights(tmp_path / "m.weights.h5")


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    model = trained()
    path = tmp_path / "m.keras"
    model.save(path)
    before = path.read_bytes()

    def fail(*args):
        raise OSError(28, "No space left on device")

    for where in ("fsync", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(os, where, fail)
            with pytest.raises(OSError, match="No space left"):
                model.save(path)
            with pytest.raises(OSError, match="No space left"):
                model.save_weights(tmp_path / "m.weights.h5")
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["m.keras"]


# ---- damaged and malicious files ----


def rewrite(path, config=None, weights=None, compression=zipfile.ZIP_STORED):
    """The model file at PATH with its configuration changed by CONFIG, and its weights by WEIGHTS."""
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    if config is not None:
        settings = json.loads(entries["config.json"])
        entries["config.json"] = json.dumps(config(settings) or settings).encode()
    if weights is not None:
        file = io.BytesIO(entries["model.weights.h5"])
        with h5py.File(file, "r+") as opened:
            weights(opened)
        entries["model.weights.h5"] = file.getvalue()
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, value in entries.items():
            archive.writestr(name, value)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "m.keras"
    cnnpy.Sequential([layers.Input((3,)), layers.Dense(2, name="d")]).save(path)
    return path


def test_a_changed_byte_of_the_weights_is_noticed(file):
    raw = bytearray(file.read_bytes())
    kernel = saving.load_model(file).get_weights()[0].tobytes()
    raw[raw.index(kernel) + 2] ^= 0x40
    file.write_bytes(raw)
    with pytest.raises(ValueError, match=r"model.weights.h5 is damaged: Bad CRC"):
        saving.load_model(file)


def test_links_and_permissions_stay(file, tmp_path):
    model = saving.load_model(file)
    os.chmod(file, 0o640)
    link = tmp_path / "link.keras"
    link.symlink_to(file)
    model.save(link)
    assert link.is_symlink() and file.stat().st_mode & 0o777 == 0o640
    assert saving.load_model(link).count_params() == 8


@pytest.mark.parametrize(
    "change",
    [
        lambda layer: layer["config"].update(bias_initializer={"class_name": "Dense"}),
        lambda layer: layer["config"].update(units=[1]),
        lambda layer: layer.update(config=3),
        lambda layer: layer.pop("class_name"),
        lambda layer: layer["config"].update(activation=[{}]),
        lambda layer: layer["config"].update(units={"class_name": "__numpy__", "config": {"value": "", "dtype": "S9"}}),
    ],
)
def test_configurations_that_make_no_sense_are_value_errors(file, change):
    rewrite(file, lambda config: change(config["config"]["layers"][1]) and None)
    with pytest.raises(ValueError):
        saving.load_model(file)


def test_compressed_files_are_read(file):
    rewrite(file, compression=zipfile.ZIP_DEFLATED)
    assert saving.load_model(file).count_params() == 8


def test_damaged_files(file, tmp_path):
    whole = file.read_bytes()
    for damaged in (b"", b"text", whole[: len(whole) // 2], whole[:-30]):
        file.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"is no .keras file, or a damaged one"):
            saving.load_model(file)
    file.write_bytes(whole)
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("config.json", "{}")
    with pytest.raises(ValueError, match=r"0 entries 'model.weights.h5'"):
        saving.load_model(file)
    (tmp_path / "x.weights.h5").write_bytes(b"no HDF5")
    with pytest.raises(OSError, match="cannot be read as HDF5"):
        network().load_weights(tmp_path / "x.weights.h5")


@pytest.mark.parametrize("text", ["[1, 2]", "{", "3", "[" * 100_000, '{"class_name": "Dense", "config": {"units": 2}}'])
def test_configurations_that_describe_no_model(file, text):
    with zipfile.ZipFile(file) as archive:
        weights = archive.read("model.weights.h5")
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("config.json", text)
        archive.writestr("model.weights.h5", weights)
    with pytest.raises(ValueError):
        saving.load_model(file)


@pytest.mark.parametrize(
    "module, name",
    [
        ("os", "system"),
        ("builtins", "eval"),
        ("subprocess", "Popen"),
        ("keras.utils", "get_file"),
        ("cnnpy.saving.archive", "load_model"),
        ("keras.layers", "importlib"),
        ("keras.layers", "deserialize"),
        ("keras.losses", "get"),
    ],
)
def test_names_in_files_lead_nowhere_else(file, module, name):
    def exchange(config):
        layer = config["config"]["layers"][1]
        layer["config"]["activation"] = {"module": module, "class_name": "function", "config": name}

    rewrite(file, exchange)
    with pytest.raises((ValueError, TypeError), match=r"not known|unknown activation"):
        saving.load_model(file)

    def as_class(config):
        config["config"]["layers"][1].update(module=module, class_name=name, config={})

    rewrite(file, as_class)
    with pytest.raises(ValueError, match="is not known"):
        saving.load_model(file)


def test_code_in_files_is_refused(file, tmp_path):
    witness = tmp_path / "ran"
    os.environ["CNNPY_TEST_WITNESS"] = str(witness)
    run = layers.Lambda(lambda x: open(__import__("os").environ["CNNPY_TEST_WITNESS"], "w").close() or x)
    cnnpy.Sequential([layers.Input((3,)), run]).save(file)
    witness.unlink()
    with pytest.raises(ValueError, match="Python lambda"):
        saving.load_model(file)
    assert not witness.exists()


def links(opened, kind, tmp_path):
    group = opened["layers/dense/vars"]
    del group["0"]
    if kind == "soft":
        group["0"] = h5py.SoftLink("/layers/dense/vars/1")
    elif kind == "external":
        group["0"] = h5py.ExternalLink(str(tmp_path / "secret.h5"), "/x")
    elif kind == "storage":
        (tmp_path / "secret.bin").write_bytes(bytes(24))
        group.create_dataset("0", (3, 2), "float32", external=[(str(tmp_path / "secret.bin"), 0, 24)])
    elif kind == "virtual":
        layout = h5py.VirtualLayout((3, 2), "float32")
        layout[:] = h5py.VirtualSource(str(tmp_path / "secret.h5"), "x", (3, 2))
        group.create_virtual_dataset("0", layout)
    elif kind == "group":
        del opened["layers/dense"]
        opened["layers/dense"] = h5py.SoftLink("/layers")
    elif kind == "text":
        group["0"] = "words"
    elif kind == "pieces":
        group.create_dataset("0", (3, 2), "float32", maxshape=(None, None), chunks=(4096, 4096), compression="gzip")
    elif kind == "shape":
        group.create_dataset("0", (1 << 20, 1 << 20), "float32", chunks=(64, 64))


@pytest.mark.parametrize("kind", ["soft", "external", "storage", "virtual", "group", "text", "pieces", "shape"])
def test_arrays_that_lead_elsewhere_or_are_none_are_refused(file, tmp_path, kind):
    with h5py.File(tmp_path / "secret.h5", "w") as secret:
        secret["x"] = np.ones((3, 2), "float32")
    rewrite(file, weights=lambda opened: links(opened, kind, tmp_path))
    with pytest.raises(ValueError, match=r"link|another file|no array of numbers|larger than itself|shape|variables"):
        saving.load_model(file)


def test_what_unpacks_to_more_than_a_model_needs_is_refused(file):
    with zipfile.ZipFile(file) as archive:
        config = archive.read("config.json")
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", config)
        archive.writestr("model.weights.h5", bytes(64 << 20))
    with pytest.raises(ValueError, match=r"model.weights.h5 unpacks to more than"):
        saving.load_model(file)


def test_json_keeps_the_compile_settings():
    model = trained()
    again = cnnpy.models.model_from_json(model.to_json())
    assert again.compiled and type(again.optimizer) is cnnpy.optimizers.Adam and again.optimizer.built
    assert set(again.evaluate(X, Y, verbose=0, return_dict=True)) == {"loss", "accuracy"}
    assert not cnnpy.models.model_from_json(network().to_json()).compiled
