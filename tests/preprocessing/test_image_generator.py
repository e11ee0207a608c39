"""ImageDataGenerator and its iterators: in fit, with threads, and with mistakes."""

import threading

import numpy as np
import pytest

import cnnpy
from cnnpy import layers
from cnnpy.preprocessing.image import ImageDataGenerator

RNG = np.random.default_rng(0)
X = RNG.integers(0, 256, (22, 8, 8, 3), np.uint8)
Y = np.arange(22) % 2


def net():
    cnnpy.utils.set_random_seed(1)
    model = cnnpy.Sequential([cnnpy.Input((8, 8, 3)), layers.Flatten(), layers.Dense(2, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model


def generator(**options):
    return ImageDataGenerator(rotation_range=40, horizontal_flip=True, rescale=1 / 255, **options)


def test_iterators_go_on_for_ever_and_begin_anew():
    flow = generator().flow(X, Y, batch_size=8, shuffle=False)
    assert (flow.n, flow.batch_size, len(flow)) == (22, 8, 3)
    assert [len(next(flow)[1]) for _ in range(7)] == [8, 8, 6, 8, 8, 6, 8]
    flow.reset()
    assert np.array_equal(flow.next()[1], Y[:8])
    assert np.array_equal(flow[-1][1], Y[16:])
    with pytest.raises(IndexError, match="there is no batch 3"):
        flow[3]


def test_the_weights_do_not_depend_on_the_number_of_threads():
    results = []
    for workers in (1, 3):
        flow = generator().flow(X, Y, batch_size=4, seed=5)
        flow.workers = workers
        model = net()
        model.fit(flow, epochs=3, verbose=0)
        results.append(model.get_weights())
    assert all(np.array_equal(a, b) for a, b in zip(*results))


def test_old_generators_functions(recwarn):
    options = {"validation_split": 0.3, "featurewise_center": True}
    g = generator(**options)
    g.fit(X)
    train, test = (g.flow(X, Y, batch_size=4, subset=s) for s in ("training", "validation"))
    model = net()
    history = model.fit_generator(train, steps_per_epoch=len(train.x) / 4, epochs=2, validation_data=test, verbose=0)
    assert len(history.history["val_loss"]) == 2
    assert np.isfinite(model.evaluate_generator(test))
    assert model.predict_generator(g.flow(X, batch_size=5, shuffle=False)).shape == (22, 2)


def test_no_thread_is_left_and_errors_come_out():
    def fails(image):
        raise RuntimeError("an image I do not like")

    before = threading.active_count()
    model = net()
    model.fit(generator().flow(X, Y, batch_size=4), epochs=20, verbose=0)
    with pytest.raises(RuntimeError, match="I do not like"):
        model.fit(generator(preprocessing_function=fails).flow(X, Y), verbose=0)
    assert threading.active_count() == before


def test_memory_mapped_images_are_never_copied_whole(tmp_path):
    shape = (200_000, 16, 16, 3)  # 150 MB that take no room on the disk
    np.lib.format.open_memmap(tmp_path / "x.npy", "w+", np.uint8, shape).flush()
    x = np.load(tmp_path / "x.npy", mmap_mode="r")
    flow = generator().flow(x, batch_size=64, seed=0)
    assert np.shares_memory(flow.x, x)
    assert np.array_equal(next(flow), np.zeros((64, 16, 16, 3), "float32"))


def test_images_are_saved(tmp_path):
    next(generator().flow(X, batch_size=6, shuffle=False, save_to_dir=tmp_path, save_prefix="p", save_format="png"))
    assert sorted(path.name.split("_")[1] for path in tmp_path.glob("p_*.png")) == list("012345")


def test_settings_that_bring_others():
    with pytest.warns(UserWarning, match="zca_whitening means featurewise_center=True"):
        assert ImageDataGenerator(zca_whitening=True).featurewise_center
    with pytest.warns(UserWarning, match="samplewise_std_normalization means samplewise_center=True"):
        ImageDataGenerator(samplewise_std_normalization=True)
    with pytest.warns(UserWarning, match="featurewise_center needs statistics"):
        next(ImageDataGenerator(featurewise_center=True).flow(X))
    with pytest.warns(UserWarning, match="has 2 with data_format='channels_last'"):
        ImageDataGenerator().flow(X[..., :2])


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda: ImageDataGenerator(fill_mode="mirror"), ValueError, "fill_mode"),
        (lambda: ImageDataGenerator(interpolation_order=7), ValueError, "from 0 to 5"),
        (lambda: ImageDataGenerator(dtype="int32"), ValueError, "dtype must be float32 or float64"),
        (lambda: ImageDataGenerator(data_format="middle"), ValueError, "data_format"),
        (lambda: ImageDataGenerator(validation_split=1.5), ValueError, "between 0 and 1"),
        (lambda: ImageDataGenerator(preprocessing_function=3), TypeError, "must be a function"),
        (lambda: ImageDataGenerator(zoom_range=[1]), ValueError, "zoom_range must be two numbers"),
        (lambda: ImageDataGenerator(brightness_range=2.0), ValueError, "brightness_range must be two numbers"),
        (lambda: generator().flow(X[0]), ValueError, "4 dimensions"),
        (lambda: generator().flow(X, Y[:3]), ValueError, "there are 22 images, but y has 3 rows"),
        (lambda: generator().flow((X, Y[:3])), ValueError, r"x\[1\] has 3 rows"),
        (lambda: generator().flow(X, subset="test"), ValueError, "subset must be"),
        (
            lambda: generator(validation_split=0.5).flow(X, np.sort(Y), subset="training"),
            ValueError,
            "different labels",
        ),
        (lambda: generator().flow(X, batch_size=0), ValueError, "batch_size"),
        (lambda: generator().fit(X[0]), ValueError, "4 dimensions"),
        (lambda: generator().apply_transform(X, {}), ValueError, "one image"),
    ],
)
def test_mistakes(call, error, message):
    with pytest.raises(error, match=message):
        call()
