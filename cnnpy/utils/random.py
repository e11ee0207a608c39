"""Where seeds come from."""

import random as python_random

_MASK = (1 << 64) - 1
_global_generator = None


def make_default_seed():
    """A seed for something that was given none: from Python's `random`, so that seeding it fixes all that follows."""
    return python_random.randint(1, 10**9)


class SeedGenerator:
    """Gives a new (seed, offset) pair at each draw; the pairs depend on SEED alone.

    SEED is a whole number, or None for one from Python's `random`. Layers that draw at each call keep one, so that two
    runs with the same seed see the same values however the calls of other layers fall.
    """

    def __init__(self, seed=None, name=None, **kwargs):
        if kwargs:
            raise TypeError(f"SeedGenerator: unknown arguments {sorted(kwargs)}; it takes seed, name")
        if seed is not None and (isinstance(seed, bool) or not hasattr(seed, "__index__")):
            raise ValueError(f"SeedGenerator: seed must be an integer or None, got {seed!r}")
        self._initial_seed = None if seed is None else int(seed)
        self.seed = make_default_seed() if seed is None else int(seed)
        self.offset = 0
        self.name = name or "seed_generator"

    @property
    def state(self):
        """[seed, offset of the next draw]."""
        return [self.seed, self.offset]

    def next(self):
        """The pair (seed, offset) of this draw."""
        offset = self.offset
        self.offset = offset + 1
        return self.seed & _MASK, offset

    def save_own_variables(self, store):
        """Writes seed and offset to STORE, a mapping of name to array."""
        import numpy

        store["0"] = numpy.array(self.state, "int64" if self.seed >> 32 else "uint32")

    def load_own_variables(self, store):
        """Goes on where the generator that wrote STORE stood."""
        self.seed, self.offset = (int(value) for value in store.read("0", (2,)))

    def get_config(self):
        return {"seed": self._initial_seed}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


def global_generator():
    """The generator behind `cnnpy.random` where no seed is given."""
    global _global_generator
    if _global_generator is None:
        _global_generator = SeedGenerator()
    return _global_generator


def reset_global_generator():
    """The next draw makes a new one."""
    global _global_generator
    _global_generator = None


def global_state():
    """[seed, offset] of the generator behind `cnnpy.random`; None if there is none yet."""
    return None if _global_generator is None else _global_generator.state


def set_global_state(state):
    """Lets that generator go on from what `global_state` gave."""
    global _global_generator
    _global_generator = None
    if state is not None:
        global_generator().seed, global_generator().offset = state


def draw_seed(seed):
    """(seed, offset) for SEED: an integer (the same values each time), a SeedGenerator, or None for the global one."""
    if seed is None:
        return global_generator().next()
    if isinstance(seed, SeedGenerator):
        return seed.next()
    if isinstance(seed, bool) or not hasattr(seed, "__index__"):
        raise ValueError(f"seed must be an integer, a SeedGenerator or None, got {seed!r}")
    return int(seed) & _MASK, 0


def numpy_generator(seed):
    """A NumPy generator (Philox) for SEED as in `draw_seed`."""
    import numpy.random

    return numpy.random.Generator(numpy.random.Philox(key=draw_seed(seed)))


def set_random_seed(seed):
    """Seeds Python's `random`, NumPy and cnnpy: weights, dropout, shuffling and augmentation repeat from here on.

    Results depend on no thread count. SEED is a whole number from 0 to 2**32 - 1.
    """
    if isinstance(seed, bool) or not hasattr(seed, "__index__"):
        raise ValueError(f"set_random_seed: seed must be an integer, got {seed!r}")
    seed = int(seed)
    if not 0 <= seed < 1 << 32:
        raise ValueError(f"set_random_seed: seed must be from 0 to 2**32 - 1, got {seed}")
    import numpy.random

    python_random.seed(seed)
    numpy.random.seed(seed)
    reset_global_generator()
