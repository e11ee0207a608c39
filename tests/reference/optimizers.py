"""Update rules in NumPy: each takes (variable, gradient, slots, step, ...), changes slots, gives the new variable."""

import numpy as np


def sgd(v, g, slots, step, rate=0.01, momentum=0.0, nesterov=False):
    if not momentum:
        return v - rate * g
    slots["m"] = momentum * slots.get("m", 0) - rate * g
    return v + (momentum * slots["m"] - rate * g if nesterov else slots["m"])


def rmsprop(v, g, slots, step, rate=0.001, rho=0.9, momentum=0.0, epsilon=1e-7, centered=False):
    slots["s"] = rho * slots.get("s", 0) + (1 - rho) * g**2
    under = slots["s"]
    if centered:
        slots["a"] = rho * slots.get("a", 0) + (1 - rho) * g
        under = under - slots["a"] ** 2
    change = rate * g / np.sqrt(under + epsilon)
    if momentum:
        change = slots["m"] = momentum * slots.get("m", 0) + change
    return v - change


def adagrad(v, g, slots, step, rate=0.001, start=0.1, epsilon=1e-7):
    slots["a"] = slots.get("a", start) + g**2
    return v - rate * g / np.sqrt(slots["a"] + epsilon)


def adadelta(v, g, slots, step, rate=0.001, rho=0.95, epsilon=1e-7):
    slots["a"] = rho * slots.get("a", 0) + (1 - rho) * g**2
    change = np.sqrt(slots.get("d", 0) + epsilon) / np.sqrt(slots["a"] + epsilon) * g
    slots["d"] = rho * slots.get("d", 0) + (1 - rho) * change**2
    return v - rate * change


def adam(v, g, slots, step, rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, amsgrad=False):
    slots["m"] = beta_1 * slots.get("m", 0) + (1 - beta_1) * g
    slots["s"] = beta_2 * slots.get("s", 0) + (1 - beta_2) * g**2
    under = slots["s"]
    if amsgrad:
        under = slots["top"] = np.maximum(slots.get("top", 0), under)
    alpha = rate * np.sqrt(1 - beta_2**step) / (1 - beta_1**step)
    return v - alpha * slots["m"] / (np.sqrt(under) + epsilon)
