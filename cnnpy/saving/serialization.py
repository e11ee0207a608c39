"""Objects as plain dicts of numbers, strings and lists (what JSON can hold), in Keras 3's format.

An object becomes {"module", "class_name", "config", "registered_name"}; `module` is the public Keras module, so that
Keras reads what cnnpy writes. A config may come from a file that anybody made, so reading never takes something by a
module's name: classes and functions come from the public names of cnnpy's own rooms, from what was registered or
passed as custom objects, and from what this process itself has put into configs.
"""

import importlib
import threading
import types
import weakref

import numpy as np

from cnnpy._core import Tensor
from cnnpy.utils.suggest import suggestion

_ROOMS = (
    "activations",
    "constraints",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "models",
    "optimizers",
    "regularizers",
)
_registered = {}
_registered_names = {}
_written = weakref.WeakValueDictionary()  # (module, name): classes and functions that went into configs
_scope = threading.local()


def get_custom_objects():
    """The dict of names that `custom_object_scope` has put in force, or that the program adds to."""
    if not hasattr(_scope, "objects"):
        _scope.objects = {}
    return _scope.objects


class CustomObjectScope:
    """`with custom_object_scope({"MyLayer": MyLayer}):` these names are known when configs are read."""

    def __init__(self, custom_objects):
        self._added = dict(custom_objects or {})

    def __enter__(self):
        self._before = dict(get_custom_objects())
        get_custom_objects().update(self._added)
        return self

    def __exit__(self, *error):
        get_custom_objects().clear()
        get_custom_objects().update(self._before)


custom_object_scope = CustomObjectScope


class keeping_lambdas:
    """Within this block configs refer to lambdas by number, and reading them gives the same objects: for copies made in
    one process, which no file takes part in."""

    def __enter__(self):
        self._before = getattr(_scope, "lambdas", None)
        _scope.lambdas = [] if self._before is None else self._before
        return self

    def __exit__(self, *error):
        _scope.lambdas = self._before


def register_keras_serializable(package="Custom", name=None):
    """A decorator: the class (or function) is known as "package>name" when configs are read."""

    def register(item):
        if isinstance(item, type) and not hasattr(item, "get_config"):
            raise ValueError(f"{item.__name__} cannot be registered: it has no get_config()")
        key = f"{package}>{name or item.__name__}"
        _registered[key] = item
        _registered_names[item] = key
        return item

    return register


def get_registered_name(item):
    """The name ITEM was registered under, else its own."""
    return _registered_names.get(item, item.__name__)


def get_registered_object(name, custom_objects=None, module_objects=None):
    """What NAME stands for, or None."""
    for known in (custom_objects, getattr(_scope, "objects", None), _registered, module_objects):
        if known and name in known:
            return known[name]
    return None


def _public_module(module):
    """The Keras module under which our MODULE's names are public."""
    parts = module.split(".")
    if len(parts) == 1:
        return "keras"
    if parts[1:3] == ["optimizers", "schedules"]:
        return "keras.optimizers.schedules"
    if parts[1] == "applications":  # the layers of networks, which are not public
        return f"keras.src.{'.'.join(parts[1:])}"
    return "keras" if parts[1] in ("models", "dtype_policies") else f"keras.{parts[1]}"


def serialize_keras_object(obj):
    """OBJ as a plain dict, list or value."""
    if obj is None or isinstance(obj, (bool, int, float, str)):
        return obj
    if isinstance(obj, list):
        return [serialize_keras_object(item) for item in obj]
    if isinstance(obj, tuple):
        return tuple(serialize_keras_object(item) for item in obj)
    if isinstance(obj, dict):
        return {key: serialize_keras_object(value) for key, value in obj.items()}
    if isinstance(obj, np.generic) or (isinstance(obj, np.ndarray) and obj.ndim == 0):
        return obj.item()
    special = _serialize_special(obj)
    if special is not None:
        return special
    if isinstance(obj, (types.FunctionType, types.BuiltinFunctionType)):
        return _serialize_function(obj)
    if not hasattr(obj, "get_config"):
        raise TypeError(f"{obj!r} cannot be put into a config: it has no get_config()")
    cls = type(obj)
    _written[cls.__module__, cls.__name__] = cls
    ours = cls.__module__.split(".")[0] == "cnnpy" and cls not in _registered_names
    config = {
        "module": _public_module(cls.__module__) if ours else None if cls.__module__ == "__main__" else cls.__module__,
        "class_name": cls.__name__,
        "config": serialize_keras_object(obj.get_config()),
        "registered_name": None if ours else get_registered_name(cls),
    }
    if ours and cls.__name__ == "Functional":
        config["module"] = "keras.src.models.functional"
    build_config = obj.get_build_config() if hasattr(obj, "get_build_config") else None
    if build_config is not None:
        config["build_config"] = serialize_keras_object(build_config)
    return config


def _serialize_special(obj):
    """What is neither plain nor has a config of its own; None for all else."""
    if isinstance(obj, np.ndarray):
        return {"class_name": "__numpy__", "config": {"value": obj.tolist(), "dtype": obj.dtype.name}}
    if isinstance(obj, Tensor):
        return {"class_name": "__tensor__", "config": {"value": np.asarray(obj).tolist(), "dtype": obj.dtype}}
    if isinstance(obj, np.dtype) or (isinstance(obj, type) and issubclass(obj, np.generic)):
        return np.dtype(obj).name
    if isinstance(obj, slice):
        return {"class_name": "__slice__", "config": {"start": obj.start, "stop": obj.stop, "step": obj.step}}
    if obj is Ellipsis:
        return {"class_name": "__ellipsis__", "config": {}}
    if isinstance(obj, bytes):
        return {"class_name": "__bytes__", "config": {"value": obj.decode()}}
    history = getattr(obj, "_keras_history", None)
    if history is not None:
        layer, node, index = history
        return {
            "class_name": "__keras_tensor__",
            "config": {"shape": obj.shape, "dtype": obj.dtype, "keras_history": [layer.name, node, index]},
        }
    return None


def _serialize_function(function):
    if function.__name__ == "<lambda>":
        kept = getattr(_scope, "lambdas", None)
        if kept is not None:
            kept.append(function)
            return {"class_name": "__lambda__", "config": {"kept": len(kept) - 1}}
        import base64
        import marshal

        code = base64.b64encode(marshal.dumps(function.__code__)).decode()
        cells = tuple(cell.cell_contents for cell in function.__closure__ or ())
        config = {"code": code, "defaults": function.__defaults__, "closure": cells or None}
        return {"class_name": "__lambda__", "config": config}
    if function.__module__.startswith("cnnpy.activations"):
        return function.__name__
    _written[function.__module__, get_registered_name(function)] = function
    return {
        "module": function.__module__,
        "class_name": "function",
        "config": get_registered_name(function),  # by which Keras looks for it
        "registered_name": get_registered_name(function),
    }


def is_lambda(config):
    """True for the config of a Python lambda."""
    return isinstance(config, dict) and config.get("class_name") == "__lambda__"


def _deserialize_lambda(config):
    """The lambda of this process that `keeping_lambdas` wrote. Code in a config is never run, whoever asks for it."""
    kept, number = getattr(_scope, "lambdas", None), config.get("kept") if isinstance(config, dict) else None
    if kept is not None and isinstance(number, int) and 0 <= number < len(kept):
        return kept[number]
    raise ValueError(
        "the config holds the code of a Python lambda. Code in a file could do anything with this machine, so cnnpy "
        "never runs it, with safe_mode=False neither. For a Lambda layer pass the function, under the layer's name: "
        "custom_objects={'lambda': lambda x: ...}; elsewhere build the model in Python and call load_weights, or save "
        "it anew with a function registered by @cnnpy.saving.register_keras_serializable()"
    )


def _array(config):
    """The array of numbers that CONFIG holds."""
    dtype = np.dtype(config["dtype"])
    if dtype.kind not in "fiub":
        raise ValueError(f"an array in a config must be of numbers, got dtype {config['dtype']!r}")
    return np.array(config["value"], dtype=dtype)


_SPECIAL = {
    "__numpy__": _array,
    "__tensor__": lambda config: Tensor(_array(config)),
    "__slice__": lambda c: slice(c["start"], c["stop"], c["step"]),
    "__ellipsis__": lambda c: Ellipsis,
    "__bytes__": lambda c: c["value"].encode(),
    "__lambda__": _deserialize_lambda,
}


def deserialize_keras_object(config, custom_objects=None, safe_mode=True, module_objects=None, **kwargs):
    """The object that `serialize_keras_object` made CONFIG from.

    CUSTOM_OBJECTS maps names to classes and functions. Raises ValueError for names nothing is known of, and for the
    code of lambdas: SAFE_MODE=False, with which Keras runs it, changes nothing here, since a config is data.
    """
    if custom_objects:
        with CustomObjectScope(custom_objects):
            return deserialize_keras_object(config, module_objects=module_objects)
    if config is None or isinstance(config, (bool, int, float)):
        return config
    if isinstance(config, str):
        found = get_registered_object(config, None, module_objects)
        return config if found is None else found
    if isinstance(config, (list, tuple)):
        return type(config)(deserialize_keras_object(item, module_objects=module_objects) for item in config)
    if not isinstance(config, dict):
        raise TypeError(f"a config is made of dicts, lists, numbers and strings; got {config!r}")
    if "class_name" not in config or "config" not in config:
        return {key: deserialize_keras_object(value, module_objects=module_objects) for key, value in config.items()}
    name, inner = config["class_name"], config["config"]
    if name in _SPECIAL:
        return _SPECIAL[name](inner)
    if name == "function":
        return _find(inner, config.get("registered_name"), config.get("module"), module_objects)
    if name == "DTypePolicy":
        from cnnpy import dtype_policies

        return dtype_policies.get(inner["name"])
    cls = _find(name, config.get("registered_name"), config.get("module"), module_objects)
    if not hasattr(cls, "from_config"):
        return cls
    made = cls.from_config(inner)
    build_config = config.get("build_config")
    if build_config and hasattr(made, "build_from_config") and not made.built:
        made.build_from_config(build_config)
    if config.get("compile_config") and hasattr(made, "compile_from_config"):
        made.compile_from_config(config["compile_config"])
    return made


def _offered(room):
    """The public names of ROOM that configs may hold."""
    names = importlib.import_module(f"cnnpy.{room}").__all__
    if room in ("layers", "models", "optimizers"):  # these have functions too that are none for configs
        return [name for name in (*names, "SymbolicOp") if name[0].isupper()]
    return [name for name in names if name not in ("deserialize", "get", "serialize")]


def _layer_of_network(name, module):
    """The layer NAME that a network of cnnpy.applications brings along."""
    from cnnpy import applications
    from cnnpy.layers import Layer

    room = getattr(applications, module, None) if module in applications.__dir__() else None
    found = getattr(room, name, None) if name in getattr(room, "__all__", ()) else None
    if isinstance(found, type) and issubclass(found, Layer):
        return found
    raise ValueError(f"{name!r} of module 'applications.{module}' is not known; pass it in custom_objects")


def _find(name, registered_name, module, module_objects):
    """The class or function called NAME."""
    for key in (registered_name, name):
        found = get_registered_object(key, None, module_objects) if key else None
        if found is not None:
            return found
    parts = (module or "").split(".")
    if parts[0] in ("keras", "cnnpy", "tf_keras"):
        if "applications" in parts:
            return _layer_of_network(name, parts[-1])
        rooms = [part for part in parts if part in _ROOMS] or ["models", "layers"]
        for room in rooms:
            found = getattr(importlib.import_module(f"cnnpy.{room}"), name, None) if name in _offered(room) else None
            if found is not None:
                return found
        known = [n for room in rooms for n in _offered(room)]
    else:
        found = _written.get((module or "__main__", name))
        if found is not None:
            return found
        known = [*_registered, *get_custom_objects(), *(module_objects or ())]
    raise ValueError(
        f"{name!r}{f' of module {module!r}' if module else ''} is not known.{suggestion(name, known)} Pass it in "
        "custom_objects, or register it with @cnnpy.saving.register_keras_serializable()"
    )
