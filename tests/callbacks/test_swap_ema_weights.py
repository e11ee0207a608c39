"""SwapEMAWeights: the averages are evaluated, the weights are trained."""

import numpy as np
import pytest

import cnnpy
from cnnpy import callbacks, layers

X = np.random.default_rng(0).normal(size=(20, 4)).astype("float32")
Y = X.sum(1, keepdims=True)


def network(use_ema=True):
    cnnpy.utils.set_random_seed(1)
    model = cnnpy.Sequential([layers.Input((4,)), layers.Dense(1)])
    model.compile(cnnpy.optimizers.SGD(0.1, use_ema=use_ema, ema_momentum=0.8), "mse")
    return model


def test_validation_sees_the_averages_and_training_does_not():
    plain, swapped = network(), network()
    arguments = dict(epochs=3, batch_size=5, verbose=0, validation_data=(X, Y), shuffle=False)
    a = plain.fit(X, Y, **arguments).history
    b = swapped.fit(X, Y, callbacks=[callbacks.SwapEMAWeights()], **arguments).history
    assert a["loss"] == b["loss"]
    assert all(x != y for x, y in zip(a["val_loss"], b["val_loss"]))
    np.testing.assert_array_equal(plain.get_weights()[0], swapped.get_weights()[0])


@pytest.mark.parametrize("on_epoch", [False, True])
def test_what_is_left_in_the_model(tmp_path, on_epoch):
    model = network()
    saved = []

    class Look(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            saved.append(self.model.get_weights()[0])

    swap = callbacks.SwapEMAWeights(swap_on_epoch=on_epoch)
    model.fit(X, Y, epochs=2, batch_size=5, verbose=0, shuffle=False, callbacks=[swap, Look()])
    reference = network()
    reference.fit(X, Y, epochs=2, batch_size=5, verbose=0, shuffle=False)
    np.testing.assert_allclose(model.get_weights()[0], reference.get_weights()[0], rtol=1e-6)
    assert np.array_equal(saved[-1], model.get_weights()[0]) == on_epoch


def test_predict_gives_the_weights_back():
    """Keras leaves the averages in the model."""
    model = network()
    model.fit(X, Y, epochs=1, batch_size=5, verbose=0, callbacks=[])
    model.optimizer._averages[0].assign(np.zeros((4, 1)))
    before = model.get_weights()[0]
    outputs = model.predict(X, verbose=0, callbacks=[callbacks.SwapEMAWeights()])
    assert np.ptp(outputs) == 0
    np.testing.assert_array_equal(model.get_weights()[0], before)


def test_an_optimizer_without_averages_is_refused():
    with pytest.raises(ValueError, match="make it with use_ema=True"):
        network(False).fit(X, Y, verbose=0, validation_data=(X, Y), callbacks=[callbacks.SwapEMAWeights()])
