"""Models drawn with symbolic tensors: several inputs and outputs, shared layers, models within models."""

from cnnpy import tree
from cnnpy.layers.core import InputLayer
from cnnpy.layers.layer import Layer
from cnnpy.layers.symbolic import KerasTensor
from cnnpy.models.graph_model import GraphModel
from cnnpy.models.trainer import Trainer
from cnnpy.utils.naming import auto_name


class Functional(GraphModel):
    """The model between INPUTS and OUTPUTS, each a symbolic tensor or a list or dict of them.

    INPUTS may be any symbolic tensors, also such inside another model. A layer that was called with `training=` keeps
    that, whatever the model is called with: `Dropout(0.5)(x, training=True)` drops in `predict` too. (Keras 3 lets the
    model's flag win, against its own guide to transfer learning.) Raises ValueError if the outputs depend on other
    inputs, or two layers have one name.
    """

    def __init__(self, inputs, outputs, name=None, trainable=True, **kwargs):
        Trainer.__init__(self)
        default = auto_name("Functional" if type(self) is Functional else type(self).__name__) if name is None else name
        Layer.__init__(self, name=default, trainable=True, **kwargs)
        for what, structure in (("inputs", inputs), ("outputs", outputs)):
            leaves = tree.flatten(structure)
            if not leaves:
                raise ValueError(f"Model: {what} is empty")
            for x in leaves:
                if not isinstance(x, KerasTensor):
                    raise ValueError(
                        f"Model: {what} must be symbolic tensors, as Input(...) and layers called on it return; got "
                        f"{x!r}"
                    )
        flat = tree.flatten(inputs)
        if len({id(x) for x in flat}) != len(flat):
            raise ValueError("Model: an input is listed twice")
        self._set_graph(inputs, outputs)
        self._operations = list(self._graph.layers)
        self.built = True
        if not trainable:
            self.trainable = False

    @property
    def operations(self):
        """The layers, and the functions between them, in the order of `layers`."""
        return list(self._operations)

    def build(self, input_shape=None):
        """A functional model is built when it is made."""

    # ---- configuration ----

    def _own_index(self, layer, node_index):
        """The number of a layer's call among those that belong to this model."""
        own = {id(node) for node in self._graph.all_nodes}
        return sum(id(node) in own for node in layer._inbound_nodes[:node_index])

    def _address(self, x):
        """[name of the layer, number of its call, number of the output] of a symbolic tensor."""
        layer, node_index, index = x._keras_history
        return [layer.name, self._own_index(layer, node_index), index]

    def get_config(self):
        if type(self).__init__ is not Functional.__init__:
            return Layer.get_config(self)
        return self._graph_config()

    def _graph_config(self):
        from cnnpy.saving import serialize_keras_object
        from cnnpy.saving.operations import to_keras

        inner = [x for x in self._graph.inputs if not isinstance(x._keras_history[0], InputLayer)]
        if inner:
            raise NotImplementedError(
                f'Functional "{self.name}": a model that starts inside another (at {inner[0]!r}) has no config of '
                "its own; start from an Input"
            )

        def put(x):
            if not isinstance(x, KerasTensor):
                return x
            config = {"shape": x.shape, "dtype": x.dtype, "keras_history": self._address(x)}
            return {"class_name": "__keras_tensor__", "config": config}

        own = {id(node) for node in self._graph.all_nodes}
        layers = []
        for layer in self._graph.layers:
            config = serialize_keras_object(layer)
            config["name"] = layer.name
            config["inbound_nodes"] = [
                {
                    "args": serialize_keras_object(tree.map_structure(put, list(node.args))),
                    "kwargs": serialize_keras_object(tree.map_structure(put, node.kwargs)),
                }
                for node in layer._inbound_nodes
                if id(node) in own and node.input_tensors
            ]
            layers.append(to_keras(config))
        return {
            "name": self.name,
            "trainable": self.trainable,
            "layers": layers,
            "input_layers": tree.map_structure(self._address, self._inputs_struct),
            "output_layers": tree.map_structure(self._address, self._outputs_struct),
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """The model that CONFIG describes, with fresh weights."""
        if "layers" not in config:
            return cls(**config)
        from cnnpy.saving import CustomObjectScope

        with CustomObjectScope(custom_objects):
            return cls(**_read_graph(config), name=config.get("name"), trainable=config.get("trainable", True))


def _read_graph(config):
    """{'inputs', 'outputs'} from a config: makes the layers and repeats their calls as soon as their inputs exist."""
    from cnnpy.saving import deserialize_keras_object
    from cnnpy.saving.old_configs import modern_model

    config = modern_model(config)
    layers, waiting = {}, []
    for entry in config["layers"]:
        bare = {key: value for key, value in entry.items() if key not in ("inbound_nodes", "name", "build_config")}
        layer = deserialize_keras_object(bare)
        name = entry.get("name", layer.name)
        layers[name] = layer, len(layer._inbound_nodes) if not isinstance(layer, InputLayer) else 0
        waiting += [(name, number, node) for number, node in enumerate(entry["inbound_nodes"])]

    def tensor(address):
        name, node, index = address[:3]
        layer, first = layers[name]
        if len(layer._inbound_nodes) <= first + node:
            raise LookupError
        return layer._inbound_nodes[first + node].output_tensors[index]

    def fill(part):
        if isinstance(part, dict):
            if part.get("class_name") == "__keras_tensor__":
                return tensor(part["config"]["keras_history"])
            return deserialize_keras_object(part) if "class_name" in part else {k: fill(v) for k, v in part.items()}
        if isinstance(part, (list, tuple)):
            return type(part)(fill(item) for item in part)
        return part

    while waiting:
        later = []
        for name, number, node in waiting:
            layer, first = layers[name]
            try:
                if len(layer._inbound_nodes) != first + number:
                    raise LookupError  # an earlier call of it comes first
                args, kwargs = fill(node["args"]), fill(node["kwargs"])
            except LookupError:
                later.append((name, number, node))
                continue
            layer(*args, **kwargs)
        if len(later) == len(waiting):
            raise ValueError(f"the config's layers {[name for name, _, _ in later]} wait for inputs that nothing makes")
        waiting = later

    def structure(part):
        if isinstance(part, dict):
            return {key: structure(value) for key, value in part.items()}
        if part and isinstance(part[0], str):
            return tensor(part)
        return type(part)(structure(item) for item in part)

    return {"inputs": structure(config["input_layers"]), "outputs": structure(config["output_layers"])}
