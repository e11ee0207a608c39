"""Which dtype a layer computes in and which its weights have."""

import re
from collections.abc import MutableMapping

from cnnpy import config

_DTYPES = ("float32", "float64", "uint8", "int32", "int64", "bool")
_QUANTIZED = ("int8", "int4", "float8", "gptq", "awq")
_ABSENT = (
    "AWQDTypePolicy",
    "GPTQDTypePolicy",
    "Int4DTypePolicy",
    "QuantizedDTypePolicy",
    "QuantizedFloat8DTypePolicy",
)


def standardize_dtype(dtype):
    """The name of DTYPE (a name, a NumPy dtype or type, None for floatx)."""
    if dtype is None:
        return config.floatx()
    if isinstance(dtype, str):
        name = dtype
    else:
        import numpy

        name = numpy.dtype(dtype).name
    if name not in _DTYPES:
        raise ValueError(f"dtype must be one of {', '.join(_DTYPES)}, got {dtype!r}")
    return name


class DTypePolicy:
    """The policy called NAME, a dtype for computation and weights alike; None is the name of the default policy.

    There is no half precision (mixed_float16, mixed_bfloat16) and nothing quantised. Policies of integers and bools are
    for layers that only hand data on.
    """

    quantization_mode = None

    def __init__(self, name=None):
        name = config.dtype_policy().name if name is None else name
        if not isinstance(name, str):
            raise TypeError(f"the name of a dtype policy must be a string such as 'float32', got {name!r}")
        if name not in _DTYPES:
            raise ValueError(f"dtype policy must be one of {', '.join(_DTYPES)}, got {name!r}{_reason(name)}")
        self.name = self.compute_dtype = self.variable_dtype = str(name)

    def convert_input(self, x, autocast, dtype):
        """X, if it is a tensor, array or symbolic tensor, as a tensor; with AUTOCAST one of reals as DTYPE."""
        from cnnpy import ops
        from cnnpy._core import Tensor
        from cnnpy.layers.symbolic import is_keras_tensor

        if not is_keras_tensor(x) and not isinstance(x, Tensor):
            if not hasattr(x, "__array__"):
                return x
            x = ops.convert_to_tensor(x)
        dtype = standardize_dtype(dtype)
        return ops.cast(x, dtype) if autocast and x.dtype.startswith("float") and x.dtype != dtype else x

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


class FloatDTypePolicy(DTypePolicy):
    """Another name of DTypePolicy."""


class DTypePolicyMap(DTypePolicy, MutableMapping):
    """Policies by the path of a layer, or by a regular expression that all of a path matches; DEFAULT_POLICY (None: the
    default of the moment) for all others, and for the map where it stands for one policy."""

    def __init__(self, default_policy=None, policy_map=None):
        if isinstance(default_policy, DTypePolicyMap):
            raise ValueError("DTypePolicyMap: default_policy must be no DTypePolicyMap")
        if policy_map is not None and not isinstance(policy_map, dict):
            raise TypeError(f"DTypePolicyMap: policy_map must be a dict, got {policy_map!r}")
        self._default = None if default_policy is None else get(default_policy)
        self._map = {path: get(policy) for path, policy in (policy_map or {}).items()}

    @property
    def default_policy(self):
        """What paths that are not in the map have."""
        return get(self._default)

    @property
    def name(self):
        return f"map_{self.default_policy.name}"

    @property
    def compute_dtype(self):
        return self.default_policy.compute_dtype

    @property
    def variable_dtype(self):
        return self.default_policy.variable_dtype

    def __getitem__(self, key):
        if key in self._map:
            return self._map[key]
        found = [pattern for pattern in self._map if re.fullmatch(pattern, key)]
        if len(found) > 1:
            raise ValueError(f"DTypePolicyMap: {key!r} matches {found}; a path may match only one of them")
        return self._map[found[0]] if found else self.default_policy

    def __setitem__(self, key, policy):
        if key in self._map:
            raise ValueError(f"DTypePolicyMap: {key!r} has the policy {self._map[key].name} already; delete it first")
        self._map[key] = get(policy)

    def __delitem__(self, key):
        del self._map[key]

    def __contains__(self, key):
        return key in self._map

    def __len__(self):
        return len(self._map)

    def __iter__(self):
        return iter(self._map)

    def __eq__(self, other):
        return isinstance(other, DTypePolicyMap) and (self._default, self._map) == (other._default, other._map)

    __hash__ = None

    def __repr__(self):
        default = None if self._default is None else self._default.name
        mapping = [(path, policy.name) for path, policy in self._map.items()]
        return f"<DTypePolicyMap default_policy={default}, mapping={mapping}>"

    def get_config(self):
        default = None if self._default is None else self._default.name
        return {"default_policy": default, "policy_map": {path: serialize(p) for path, p in self._map.items()}}


def _reason(name):
    """Why a dtype that Keras has is not here, as the end of a message."""
    if name.startswith(_QUANTIZED):
        return "; there are no quantised dtypes"
    return "; there is no half precision" if "16" in name else ""


def serialize(dtype_policy):
    """DTYPE_POLICY as a config."""
    from cnnpy.saving import serialize_keras_object

    return serialize_keras_object(dtype_policy)


def deserialize(config, custom_objects=None):
    """The policy that CONFIG describes."""
    from cnnpy.saving import deserialize_keras_object

    known = {cls.__name__: cls for cls in (DTypePolicy, FloatDTypePolicy, DTypePolicyMap)}
    if isinstance(config, dict) and config.get("class_name") in _ABSENT:
        raise NotImplementedError(f"{config['class_name']}: there are no quantised dtypes")
    return deserialize_keras_object(config, custom_objects, module_objects=known)


def get(identifier):
    """The policy that IDENTIFIER (a policy, a dtype's name, a dtype, a config, None for the default) means."""
    if identifier is None:
        return config.dtype_policy()
    if isinstance(identifier, DTypePolicy):
        return identifier
    if isinstance(identifier, dict):
        return deserialize(identifier) if "class_name" in identifier else DTypePolicy(identifier["name"])
    return DTypePolicy(identifier if isinstance(identifier, str) else standardize_dtype(identifier))


def of_path(policy, path):
    """What POLICY is for the layer at PATH: of a map the entry."""
    return policy[path] if isinstance(policy, DTypePolicyMap) else policy


def __getattr__(name):
    from cnnpy.utils.suggest import no_attribute

    why = "is not offered: there are no quantised dtypes" if name in _ABSENT else "does not exist"
    raise no_attribute(__name__, name, f"{__name__}.{name} {why}")
