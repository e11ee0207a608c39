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


def adamax(v, g, slots, step, rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    slots["m"] = beta_1 * slots.get("m", 0) + (1 - beta_1) * g
    slots["u"] = np.maximum(beta_2 * slots.get("u", 0), np.abs(g))
    return v - rate / (1 - beta_1**step) * slots["m"] / (slots["u"] + epsilon)


def nadam(v, g, slots, step, rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    slots["m"] = beta_1 * slots.get("m", 0) + (1 - beta_1) * g
    slots["s"] = beta_2 * slots.get("s", 0) + (1 - beta_2) * g**2
    u = [beta_1 * (1 - 0.5 * 0.96**t) for t in range(1, step + 2)]
    product = np.prod(u[:-1])
    ahead = u[-1] * slots["m"] / (1 - product * u[-1]) + (1 - u[-2]) * g / (1 - product)
    return v - rate * ahead / (np.sqrt(slots["s"] / (1 - beta_2**step)) + epsilon)


def lion(v, g, slots, step, rate=0.001, beta_1=0.9, beta_2=0.99):
    m = slots.get("m", 0)
    slots["m"] = beta_2 * m + (1 - beta_2) * g
    return v - rate * np.sign(beta_1 * m + (1 - beta_1) * g)


def ftrl(v, g, slots, step, rate=0.001, power=-0.5, start=0.1, l1=0.0, l2=0.0, shrinkage=0.0, beta=0.0):
    before, after = slots.get("a", start) ** -power, (slots.get("a", start) + g**2) ** -power
    slots["a"] = slots.get("a", start) + g**2
    slots["z"] = slots.get("z", 0) + g + 2 * shrinkage * v - (after - before) / rate * v
    return (np.clip(slots["z"], -l1, l1) - slots["z"]) / (after / rate + 2 * (l2 + beta / (2 * rate)))


def schedulefreeadamw(v, g, slots, step, rate=0.0025, beta_1=0.9, beta_2=0.999, epsilon=1e-8, warmup_steps=0):
    z, x = slots.get("z", v), slots.get("x", v)
    slots["s"] = beta_2 * slots.get("s", 0) + (1 - beta_2) * g**2
    rate = rate * min(1, step / warmup_steps) if warmup_steps else rate
    slots["z"] = z - rate * g / (np.sqrt(slots["s"] / (1 - beta_2**step)) + epsilon)
    slots["x"] = (1 - 1 / step) * x + slots["z"] / step
    return (1 - beta_1) * slots["z"] + beta_1 * slots["x"]


def lamb(v, g, slots, step, rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    slots["m"] = beta_1 * slots.get("m", 0) + (1 - beta_1) * g
    slots["s"] = beta_2 * slots.get("s", 0) + (1 - beta_2) * g**2
    change = slots["m"] / (1 - beta_1**step) / (np.sqrt(slots["s"] / (1 - beta_2**step)) + epsilon)
    long, short = np.sqrt((v**2).sum()), np.sqrt((change**2).sum())
    return v - rate * (long / short if long > 0 and short > 0 else 1) * change


def adafactor(v, g, slots, step, rate=0.001, decay=-0.8, epsilon_1=1e-30, epsilon_2=1e-3, threshold=1.0):
    keep, squares = 1 - float(step) ** decay, g**2 + epsilon_1
    if v.size == 0:
        return v
    if v.ndim < 2:
        s = slots["s"] = keep * slots.get("s", 0) + (1 - keep) * squares
    else:
        r = slots["r"] = keep * slots.get("r", 0) + (1 - keep) * squares.mean(-1)
        c = slots["c"] = keep * slots.get("c", 0) + (1 - keep) * squares.mean(-2)
        s = r[..., None] * c[..., None, :] / r.mean(-1)[..., None, None]
    change = g / np.sqrt(s)
    change /= max(1, np.sqrt((change**2).mean()) / threshold)
    return v - max(epsilon_2, np.sqrt((v**2).mean())) * min(rate, 1 / np.sqrt(step)) * change


def muon(v, g, slots, step, rate=0.001, momentum=0.95, nesterov=True, rms_rate=0.2, decay=0.004, steps=5):
    v = v * (1 - rate * decay)
    if v.ndim != 2:
        return adam(v, g, slots, step, rate)
    slots["m"] = momentum * slots.get("m", 0) + g
    x = g + momentum * slots["m"] if nesterov else slots["m"]
    x = x / (np.sqrt((x**2).sum()) + 1e-7)
    for _ in range(steps):
        y = x @ x.T
        x = 3.4445 * x + (-4.775 * y + 2.0315 * y @ y) @ x
    return v - rate * x * (1 if rms_rate is None else rms_rate * np.sqrt(max(v.shape)))
