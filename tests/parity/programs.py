"""Small programs that run on Keras and here, with equal weights, and must give the same."""

import warnings

import numpy as np

import cnnpy

RNG = np.random.default_rng(0)
VECTORS = RNG.normal(size=(21, 6)).astype("float32")
OTHERS = RNG.normal(size=(21, 6)).astype("float32")
TARGETS = RNG.normal(size=(21, 2)).astype("float32")
LABELS = np.arange(21) % 2
WEIGHTS = RNG.uniform(0.2, 2.0, 21).astype("float32")
IMAGES = RNG.normal(size=(4, 8, 8, 3)).astype("float32")
QUIET = {"verbose": 0, "shuffle": False, "batch_size": 7}


def weighted(model, seed=0):
    """MODEL with weights that depend on SEED alone."""
    generator = np.random.default_rng(seed)
    model.set_weights([generator.normal(size=w.shape).astype("float32") * 0.3 for w in model.get_weights()])
    return model


def network(k, activation=None, **settings):
    layers = [k.Input((6,)), k.layers.Dense(3, activation="tanh"), k.layers.Dense(2, activation=activation)]
    model = weighted(k.Sequential(layers))
    model.compile(**{"optimizer": "sgd", "loss": "mse", **settings})
    return model


def values(result):
    """RESULT with tensors as arrays, through lists, tuples and dicts."""
    if isinstance(result, dict):
        return {key: values(value) for key, value in result.items()}
    if isinstance(result, (list, tuple)):
        return [values(value) for value in result]
    if result is None or isinstance(result, (str, bool, int)):
        return result
    return np.asarray(result)


def same(ours, theirs, where="result"):
    """Raises unless the two have one structure, equal names and close numbers."""
    if isinstance(theirs, dict):
        assert isinstance(ours, dict) and list(ours) == list(theirs), where
        for key in theirs:
            same(ours[key], theirs[key], f"{where}[{key!r}]")
    elif isinstance(theirs, list):
        assert isinstance(ours, list) and len(ours) == len(theirs), where
        for i, pair in enumerate(zip(ours, theirs)):
            same(*pair, f"{where}[{i}]")
    elif isinstance(theirs, np.ndarray):
        assert np.shape(ours) == theirs.shape, where
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5, err_msg=where)
    else:
        assert ours == theirs, where


def compare(program):
    """Runs PROGRAM(module, tape class) on both and compares what it returns."""
    import keras
    import tensorflow

    results = []
    for k, tape in ((keras, tensorflow.GradientTape), (cnnpy, cnnpy.GradientTape)):
        k.utils.clear_session()
        k.utils.set_random_seed(0)
        with warnings.catch_warnings():
            if k is keras:
                warnings.simplefilter("ignore")
            results.append(values(program(k, tape)))
    same(results[1], results[0])
