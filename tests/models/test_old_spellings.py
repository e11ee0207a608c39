"""What Keras 2's models had: generators, classes, float steps; each with one warning."""

import numpy as np
import pytest

import cnnpy
from cnnpy import layers
from cnnpy.utils import deprecation


@pytest.fixture(autouse=True)
def warnings_start_anew(monkeypatch):
    monkeypatch.setattr(deprecation, "_said", set())


def classifier(units=3, activation="softmax"):
    cnnpy.utils.set_random_seed(0)
    model = cnnpy.Sequential([layers.Dense(units, activation=activation, input_shape=(4,))])
    model.compile("sgd", "mse", metrics=["acc"])
    return model


def batches(units=3):
    rng = np.random.default_rng(0)
    while True:
        yield rng.normal(size=(5, 4)).astype("float32"), np.eye(units)[rng.integers(0, units, 5)]


def test_generators_are_fitted_as_by_fit():
    old, new = classifier(), classifier()
    with pytest.warns(DeprecationWarning, match=r"fit_generator\(\) is Keras 2's; use model.fit") as found:
        history = old.fit_generator(batches(), steps_per_epoch=3, epochs=2, verbose=0, validation_data=batches(),
                                    validation_steps=2, workers=4, use_multiprocessing=True)  # fmt: skip
        old.fit_generator(batches(), 1, verbose=0)
    assert len(found) == 1 and found[0].filename == __file__
    same = new.fit(
        batches(), steps_per_epoch=3, epochs=2, verbose=0, validation_data=batches(), validation_steps=2
    ).history
    assert history.history == same
    assert set(same) == {"acc", "loss", "val_acc", "val_loss"}


def test_float_steps_are_rounded_up():
    model = classifier()
    with pytest.warns(UserWarning, match=r"steps_per_epoch=2.5 should be an integer; taking 3"):
        model.fit(batches(), steps_per_epoch=2.5, verbose=0)
    assert int(model.optimizer.iterations) == 3


def test_generators_are_evaluated_and_predicted():
    model = classifier()
    with pytest.warns(DeprecationWarning, match="evaluate_generator"):
        values = model.evaluate_generator(batches(), steps=3)
    assert values == model.evaluate(batches(), steps=3, verbose=0)
    with pytest.warns(DeprecationWarning, match="predict_generator"):
        outputs = model.predict_generator(batches(), steps=3)
    np.testing.assert_array_equal(outputs, model.predict(batches(), steps=3, verbose=0))


def test_the_queue_of_a_sequence_is_set_for_the_call_alone():
    class Batches:
        workers, use_multiprocessing, max_queue_size = 1, False, 10
        seen = None

        def __len__(self):
            return 2

        def __getitem__(self, index):
            self.seen = self.workers, self.max_queue_size
            return next(batches())

    source = Batches()
    with pytest.warns(DeprecationWarning, match="fit_generator"):
        classifier().fit_generator(source, workers=2, max_queue_size=3, verbose=0)
    assert source.seen == (2, 3)
    assert (source.workers, source.max_queue_size) == (1, 10)


def test_classes_of_predictions():
    x = next(batches())[0]
    model = classifier()
    with pytest.warns(DeprecationWarning, match="predict_classes"):
        classes = model.predict_classes(x)
    np.testing.assert_array_equal(classes, model.predict(x, verbose=0).argmax(-1))
    model = classifier(1, "sigmoid")
    np.testing.assert_array_equal(model.predict_classes(x), model.predict(x, verbose=0) > 0.5)
    with pytest.warns(DeprecationWarning, match="predict_proba"):
        np.testing.assert_array_equal(model.predict_proba(x), model.predict(x, verbose=0))


def test_models_with_input_and_output_are_refused_with_the_right_spelling():
    x = layers.Input((3,))
    with pytest.raises(ValueError, match=r"write Model\(inputs=..., outputs=...\)"):
        cnnpy.Model(input=x, output=layers.Dense(1)(x))
