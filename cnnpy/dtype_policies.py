"""Which dtype a layer computes in and which its weights have."""

from cnnpy import config

_NAMES = ("float32", "float64")


def standardize_dtype(dtype):
    """The name of DTYPE (a name, a NumPy dtype or type, None for floatx)."""
    if dtype is None:
        return config.floatx()
    if isinstance(dtype, str):
        name = dtype
    else:
        import numpy

        name = numpy.dtype(dtype).name
    if name not in ("float32", "float64", "uint8", "int32", "int64", "bool"):
        raise ValueError(f"dtype must be one of float32, float64, uint8, int32, int64, bool, got {dtype!r}")
    return name


class DTypePolicy:
    """The policy called NAME: 'float32' or 'float64' for computation and weights alike."""

    def __init__(self, name):
        if name not in _NAMES:
            raise ValueError(f"dtype policy must be one of {', '.join(_NAMES)}, got {name!r}")
        self.name = self.compute_dtype = self.variable_dtype = str(name)
        self.quantization_mode = None

    def get_config(self):
        return {"name": self.name}

    @classmethod
    def from_config(cls, config):
        return cls(**config)

    def __repr__(self):
        return f'<DTypePolicy "{self.name}">'

    def __eq__(self, other):
        return isinstance(other, DTypePolicy) and other.name == self.name

    def __hash__(self):
        return hash(self.name)


class _DataPolicy(DTypePolicy):
    """For layers that only hand data on: any dtype."""

    def __init__(self, name):
        self.name = self.compute_dtype = self.variable_dtype = standardize_dtype(name)
        self.quantization_mode = None


def get(identifier):
    """The policy that IDENTIFIER (a policy, a dtype's name, a dtype, a config, None for the default) means."""
    if identifier is None:
        return config.dtype_policy()
    if isinstance(identifier, DTypePolicy):
        return identifier
    if isinstance(identifier, dict):
        return get(identifier["config"]["name"] if "config" in identifier else identifier["name"])
    name = standardize_dtype(identifier) if not isinstance(identifier, str) else identifier
    if name in ("uint8", "int32", "int64", "bool"):
        return _DataPolicy(name)
    return DTypePolicy(name)
