"""cnnpy.visualize: what the figures contain, and what is refused."""

import numpy as np
import pytest

pytest.importorskip("matplotlib")

import cnnpy
from cnnpy import layers, visualize

RNG = np.random.default_rng(0)
GREY, COLOUR = RNG.uniform(size=(5, 8, 8, 1)).astype("float32"), RNG.integers(0, 256, (5, 8, 6, 3)).astype("uint8")
PROBABILITIES = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.3, 0.3, 0.4], [0.05, 0.9, 0.05], [1, 0, 0]])


def texts(figure):
    return [t.get_text() for axes in figure.axes for t in (*axes.texts, axes.title, axes._left_title) if t.get_text()]


def drawn(figure):
    return [axes.images[0].get_array() for axes in figure.axes if axes.images]


def small_model():
    cnnpy.utils.set_random_seed(0)
    return cnnpy.Sequential(
        [
            cnnpy.Input((12, 12, 3)),
            layers.Conv2D(4, 3, activation="relu", name="first"),
            layers.MaxPooling2D(2),
            layers.Conv2D(6, 3, activation="relu", name="second"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(3, activation="softmax"),
        ]
    )


def test_plot_images_draws_each_image_in_0_to_1():
    figure = visualize.plot_images(COLOUR, titles="abcde", columns=3)
    assert texts(figure) == list("abcde")
    for image, original in zip(drawn(figure), COLOUR):
        np.testing.assert_allclose(image, original / 255, atol=1e-6)
    np.testing.assert_allclose(drawn(visualize.plot_images(cnnpy.Tensor(GREY)))[0], GREY[0, ..., 0])
    assert figure._repr_png_()[:4] == b"\x89PNG"


def test_nothing_is_left_open_in_pyplot():
    from matplotlib import pyplot

    visualize.plot_images(GREY)
    assert pyplot.get_fignums() == []


@pytest.mark.parametrize(
    "images, message",
    [
        (GREY * np.nan, "NaN"),
        (GREY - 1, r"\[0, 1\] or \[0, 255\].*normalisation"),
        (np.zeros((2, 3)), "shape"),
        (np.zeros((0, 3, 3, 1)), "empty"),
        (np.zeros((1, 3, 3, 2)), "channels"),
        ([np.zeros((2, 2)), np.zeros((3, 3))], "one size"),
    ],
)
def test_images_that_cannot_be_drawn_are_refused(images, message):
    with pytest.raises(ValueError, match=message):
        visualize.plot_images(images)


def test_titles_are_counted():
    with pytest.raises(ValueError, match="2 titles for 5 images"):
        visualize.plot_images(GREY, titles=[1, 2])


def test_rows_may_have_different_sizes_and_lengths():
    figure = visualize.plot_image_rows([GREY, GREY[:3, :4, :4]], ["fine", "coarse"])
    assert texts(figure) == ["fine", "coarse"] and len(drawn(figure)) == 8


def test_history_of_several_runs():
    runs = {"a": {"loss": [2, 1], "val_loss": [3, 2], "accuracy": [0.1, 0.2]}, "b": {"loss": [1.0]}}
    figure = visualize.plot_history(runs)
    loss, accuracy = figure.axes
    assert [line.get_linestyle() for line in loss.lines] == ["--", "-", "--"]
    assert list(loss.lines[1].get_ydata()) == [3, 2] and list(loss.lines[1].get_xdata()) == [1, 2]
    assert len(accuracy.lines) == 1
    assert [t.get_text() for t in figure.legends[0].texts] == ["a", "b", "training", "validation"]
    assert len(visualize.plot_history(runs["a"], metrics=["loss"]).axes) == 1
    with pytest.raises(ValueError, match="no run has the metric 'recall'; there are loss, accuracy"):
        visualize.plot_history(runs, metrics=["recall"])
    with pytest.raises(ValueError, match="must be what `fit` returned"):
        visualize.plot_history(3)


def test_history_takes_what_fit_returns():
    model = small_model()
    model.compile("sgd", "sparse_categorical_crossentropy")
    history = model.fit(np.zeros((4, 12, 12, 3)), np.zeros(4), epochs=2, verbose=0)
    for run in (history, model, {"one": history}):
        assert list(visualize.plot_history(run).axes[0].lines[0].get_ydata()) == history.history["loss"]


def test_predictions_colour_the_truth_and_the_mistake():
    figure = visualize.plot_predictions(GREY[:2], PROBABILITIES[:2], labels=[0, 0], class_names=["x", "y", "z"])
    right, wrong = (axes for axes in figure.axes if axes.patches)
    assert [tick.get_text() for tick in right.get_yticklabels()] == ["x", "y", "z"]
    colours = [[patch.get_facecolor() for patch in axes.patches] for axes in (right, wrong)]
    assert colours[0][0] == colours[1][1] and colours[1][0] not in colours[0]
    with pytest.raises(ValueError, match="softmax"):
        visualize.plot_predictions(GREY[:1], [[3.0, -1.0]])
    sigmoid = visualize.plot_predictions(GREY[:1], [0.25], class_names=["cat", "dog"])
    assert "75 %" in texts(sigmoid)


def test_confusion_matrix_counts():
    figure = visualize.plot_confusion_matrix([0, 0, 1, 2], [0, 1, 1, 2])
    np.testing.assert_array_equal(drawn(figure)[0], [[1, 1, 0], [0, 1, 0], [0, 0, 1]])
    shares = visualize.plot_confusion_matrix(np.eye(3)[[0, 0, 1]], [0, 1, 1], class_names="abc", normalize=True)
    np.testing.assert_allclose(drawn(shares)[0], [[50, 50, 0], [0, 100, 0], [0, 0, 0]])
    with pytest.raises(ValueError, match="class numbers"):
        visualize.plot_confusion_matrix([0.5], [1])
    with pytest.raises(ValueError, match="name 3 classes, got 2"):
        visualize.plot_confusion_matrix([0, 2], [0, 1], class_names="ab")


def test_misclassified_shows_the_surest_mistakes_first():
    figure = visualize.plot_misclassified(GREY, [0, 1, 0, 0, 0], PROBABILITIES, n=2)
    assert texts(figure) == ["true: 0\n1 (90 %)", "true: 0\n2 (40 %)"]
    np.testing.assert_allclose(drawn(figure)[0], GREY[3, ..., 0])
    assert "all 1 answers" in visualize.plot_misclassified(GREY[:1], [0], PROBABILITIES[:1]).texts[0].get_text()


def test_feature_maps_are_the_layers_outputs():
    model, image = small_model(), COLOUR[0:1, :, :, :]
    image = np.resize(image, (12, 12, 3)) / 255
    figure = visualize.plot_feature_maps(model, image, layers=["first"], max_maps=2)
    expected = np.asarray(cnnpy.Model(model.inputs, model.get_layer("first").output)(image[None].astype("float32")))[0]
    sheet = drawn(figure)[0]
    np.testing.assert_allclose(sheet[:, :10], expected[..., 0], rtol=1e-6)
    np.testing.assert_allclose(sheet[:, 11:], expected[..., 1], rtol=1e-6)
    assert texts(figure)[0] == "first: 2 of 4 maps, 10x10"
    assert len(drawn(visualize.plot_feature_maps(model, image))) >= 3
    with pytest.raises(ValueError, match="has no maps"):
        visualize.plot_feature_maps(model, image, layers=[model.layers[-1]])


def test_filters_in_colour_and_plane_by_plane():
    model = small_model()
    kernel = np.asarray(model.get_layer("first").kernel)
    sheet = drawn(visualize.plot_filters(model.get_layer("first")))[0]
    np.testing.assert_allclose(sheet[:3, :3], 0.5 + kernel[..., 0] / (2 * np.abs(kernel).max()), rtol=1e-5)
    second = np.asarray(model.get_layer("second").kernel)
    sheet = drawn(visualize.plot_filters(model.get_layer("second")))[0]
    np.testing.assert_allclose(sheet[4:7, 8:11], second[:, :, 2, 1], rtol=1e-6)
    with pytest.raises(ValueError, match="two-dimensional convolution"):
        visualize.plot_filters(model.layers[-1])


def test_maximize_filter_excites_its_filter():
    model = small_model()
    picture = visualize.maximize_filter((model, "second"), 3, steps=20)
    assert picture.shape == (12, 12, 3) and picture.min() >= 0 and picture.max() <= 1
    np.testing.assert_array_equal(picture, visualize.maximize_filter(model.get_layer("second"), 3, steps=20))
    maps = cnnpy.Model(model.inputs, model.get_layer("second").output)
    noise = RNG.uniform(0.4, 0.6, (20, 12, 12, 3)).astype("float32")
    assert np.asarray(maps(picture[None]))[..., 3].mean() > np.asarray(maps(noise))[..., 3].mean()
    with pytest.raises(ValueError, match="filters 0 to 5, got 6"):
        visualize.maximize_filter((model, "second"), 6)


def planted():
    """A classifier that answers class 1 where the upper left corner is bright, by its construction."""
    model = cnnpy.Sequential(
        [
            cnnpy.Input((8, 8, 1)),
            layers.Conv2D(1, 1, use_bias=False, name="copy"),
            layers.Flatten(),
            layers.Dense(2, activation="softmax", use_bias=False),
        ]
    )
    weights = np.zeros((64, 2), "float32")
    weights.reshape(8, 8, 2)[:3, :3, 1] = 1
    model.set_weights([np.ones((1, 1, 1, 1), "float32"), weights])
    image = np.full((8, 8, 1), 0.1, "float32")
    image[:3, :3] = 1
    return model, image


def test_grad_cam_is_the_maps_times_the_mean_gradient_before_the_softmax():
    model, image = planted()
    heat, figure = visualize.grad_cam(model, image, layer="copy")
    np.testing.assert_allclose(heat, image[..., 0], rtol=1e-5)  # one map, whose mean gradient is positive
    assert len(drawn(figure)) >= 2
    np.testing.assert_allclose(visualize.grad_cam(model, image, class_index=1)[0], heat)
    with pytest.raises(ValueError, match="class_index must be 0 to 1"):
        visualize.grad_cam(model, image, class_index=2)


def test_occlusion_finds_the_place_that_decides():
    model, image = planted()
    drops, _ = visualize.occlusion(model, image, class_index=1, window=3, stride=1)
    assert drops.shape == (8, 8) and np.unravel_index(drops.argmax(), drops.shape) == (1, 1)
    assert abs(drops[5:, 5:]).max() < 1e-6
    covered = image.copy()
    covered[:3, :3] = image.mean()
    before, after = model.predict(np.stack([image, covered]), verbose=0)[:, 1]
    assert drops[1, 1] == pytest.approx(before - after, abs=1e-6)


def test_a_sigmoids_class_0_is_the_opposite_of_its_class_1():
    model = cnnpy.Sequential(
        [cnnpy.Input((6, 6, 1)), layers.Conv2D(2, 3, name="c"), layers.Flatten(), layers.Dense(1, activation="sigmoid")]
    )
    image = RNG.uniform(size=(6, 6, 1)).astype("float32")
    one, _ = visualize.occlusion(model, image, 1, window=2)
    zero, _ = visualize.occlusion(model, image, 0, window=2)
    np.testing.assert_allclose(one, -zero, atol=1e-6)


def test_missing_matplotlib_says_what_to_install(monkeypatch):
    from cnnpy.visualize import figure

    figure._figure_class.cache_clear()
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r'pip install "cnnpy\[visualize\]"'):
        visualize.plot_images(GREY)
