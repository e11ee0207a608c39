"""Layer: what all layers and models share.

A layer is configuration, weights made by `build` for the first input's shape, and `call`. `Layer.__call__` readies the
inputs, builds, passes `training` on and, for symbolic inputs, notes the call in the graph; for a built layer of ours
and one Tensor it goes straight to `call`.
"""

import functools

from cnnpy import dtype_policies, tree
from cnnpy._core import Tensor, Variable
from cnnpy.layers import calling, stateless
from cnnpy.layers.symbolic import KerasTensor, Node, call_state, has_symbolic, infer_outputs
from cnnpy.layers.tracking import find, freezing_changed, structure, structure_changed, tracked
from cnnpy.utils.naming import auto_name

_SHAPE_KEYWORDS = ("input_shape", "batch_input_shape", "batch_shape", "input_dim", "batch_size")


def _wrap_build(build):
    """BUILD with what goes around it: once only, under the layer's name, nothing left of a failed one."""

    @functools.wraps(build)
    def wrapper(self, *args, **kwargs):
        state = self.__dict__
        if state.get("_building"):  # super().build(...)
            return build(self, *args, **kwargs)
        calling.check_initialised(self)
        shapes = args[0] if args else next(iter(kwargs.values()), None)
        if self.built and calling.is_built_for(self, shapes):
            return None
        scope = call_state.scope
        call_state.scope = (*scope, self._name)
        state["_building"] = True
        counts = len(self._trainable_variables), len(self._non_trainable_variables)
        try:
            build(self, *args, **kwargs)
        except BaseException:
            del self._trainable_variables[counts[0] :]
            del self._non_trainable_variables[counts[1] :]
            state["built"] = False
            raise
        finally:
            call_state.scope = scope
            del state["_building"]
            structure_changed()
        state["built"] = True
        state["_path"] = "/".join((*scope, self._name))
        state["_build_shapes"] = tree.map_shapes(lambda s: None if s is None else tuple(s), shapes)
        self._bind_ops()
        return None

    wrapper._wraps_build = True
    return wrapper


class Layer:
    """The base of all layers.

    Subclasses define `build(input_shape)`, which makes weights with `add_weight`, and `call(inputs, ...)`; also
    `compute_output_shape(input_shape)` where running the layer on zeros would not tell it, and `get_config()`.

    ACTIVITY_REGULARIZER penalises outputs (per sample of the batch). TRAINABLE=False freezes the weights. DTYPE is
    that of weights and computation, by default `config.floatx()`. NAME is by default the class in snake case, counted
    up. The first layer of a Sequential may be given `input_shape` (without the batch), `input_dim` or
    `batch_input_shape`.
    """

    # True for layers of ours whose call has no effects but its result: models call them without __call__ around it.
    _plain = False
    # True for other layers whose first argument must be of Tensors too.
    _only_tensors = False
    # True if whole numbers are to become floats before `call`.
    _float_inputs = False
    # False if inputs of any dtype go to `call` as they are.
    _casts = True
    # Whether masks of inputs go on to outputs, through `compute_mask`; true for classes that define one.
    supports_masking = False
    # True if `compute_mask` does more than to hand on; if outputs may have masks though no input has; if the end of a
    # mask here is worth a warning.
    _computes_masks = False
    _makes_masks = False
    _warns_of_masks = True
    _untracked = frozenset({"_inbound_nodes", "_losses", "_init_arguments", "_metrics"})
    _lean = False
    # What is known of `call`: its parameters, their defaults, whether it takes any keyword, where `training` stands.
    _call_names = ()
    _call_defaults = {}
    _call_takes_any = True
    _takes_training = False
    _training_position = 1 << 30

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        own = cls.__dict__
        if "build" in own and not hasattr(own["build"], "_wraps_build"):
            cls.build = _wrap_build(own["build"])
        if "call" in own:
            cls._call_names, cls._call_defaults, cls._call_takes_any = calling.parameters(own["call"])
            cls._takes_training = "training" in cls._call_names
            cls._training_position = cls._call_names.index("training") if cls._takes_training else 1 << 30
        ours = cls.__module__.startswith("cnnpy.")
        if "compute_mask" in own:
            cls._computes_masks = True
            cls._makes_masks = own.get("_makes_masks", not ours)
            if "supports_masking" not in own:
                cls.supports_masking = True
        if not ours and ("call" in own or "__call__" in own or "build" in own):
            cls._plain = False
            cls._float_inputs = cls._float_inputs and "call" not in own

    def __new__(cls, *args, **kwargs):
        self = object.__new__(cls)
        if cls.get_config is Layer.get_config:  # so that layers without a get_config can still tell what made them
            self.__dict__["_init_arguments"] = (args, kwargs)
        return self

    def __init__(self, *, activity_regularizer=None, trainable=True, dtype=None, autocast=True, name=None, **kwargs):
        calling.check_keywords(self, kwargs, _SHAPE_KEYWORDS)
        if name is None:
            name = auto_name(type(self).__name__)
        elif not isinstance(name, str) or not name or "/" in name:
            raise ValueError(f"{type(self).__name__}: name must be a str without '/', got {name!r}")
        policy = dtype_policies.of_path(dtype_policies.get(dtype), name)
        state = self.__dict__
        state["_name"] = name
        state["_dtype_policy"] = policy
        state["_compute_dtype"] = policy.compute_dtype
        state["autocast"] = autocast
        state["_trainable"] = bool(trainable)
        state["built"] = False
        state["input_spec"] = None
        state["_trainable_variables"] = []
        state["_non_trainable_variables"] = []
        state["_losses"] = []
        state["_losses_of_call"] = state["_call_id"] = -1
        state["_inbound_nodes"] = []
        state["_build_shapes"] = None
        state["_path"] = name
        state["_batch_input_shape"] = calling.batch_shape_from_keywords(self, kwargs)
        if activity_regularizer is not None:
            from cnnpy import regularizers

            activity_regularizer = regularizers.get(activity_regularizer)
        state["activity_regularizer"] = activity_regularizer

    # ---- attributes ----

    def __setattr__(self, name, value):
        tracks = (Layer, Variable, list, tuple, dict, set)
        changes = isinstance(value, tracks)
        if changes:
            if name not in self._untracked:
                value = tracked(value)
        elif (
            name in ("activity_regularizer", "input_spec")
            or isinstance(self.__dict__.get(name), tracks)
            or hasattr(value, "update_state")  # a metric, which models list
        ):
            changes = True
            self.__dict__["_lean"] = False
        object.__setattr__(self, name, value)
        if changes:
            structure_changed()

    def __delattr__(self, name):
        object.__delattr__(self, name)
        structure_changed()

    def _held(self):
        """(own trainable variables, own other variables, sublayers), found on the attributes."""
        state = self.__dict__
        cache = state.get("_held_cache")
        version = structure.version
        if cache is not None and cache[0] == version:
            return cache[1]
        calling.check_initialised(self)
        layers, variables, seen = [], [], {id(self)}
        find(self._trainable_variables, Layer, Variable, layers, variables, seen)
        find(self._non_trainable_variables, Layer, Variable, layers, variables, seen)
        registered = {id(v) for v in self._trainable_variables}
        others = {id(v) for v in self._non_trainable_variables}
        for name, value in list(state.items()):  # another thread may be calling the layer for the first time
            if name not in self._untracked and name not in calling.REMEMBERED:
                find(value, Layer, Variable, layers, variables, seen)
        first = [v for v in variables if id(v) in registered or (id(v) not in others and v.trainable)]
        chosen = {id(v) for v in first}
        held = first, [v for v in variables if id(v) not in chosen], layers
        state["_held_cache"] = (version, held)
        return held

    @property
    def _layers(self):
        return self._held()[2]

    def _flatten_layers(self, include_self=True, recursive=True):
        """The layer and all below it, each once, outer ones first."""
        result, seen = [], set()

        def walk(layer, deep):
            for inner in layer._held()[2]:
                if id(inner) not in seen:
                    seen.add(id(inner))
                    result.append(inner)
                    if deep:
                        walk(inner, True)

        if include_self:
            seen.add(id(self))
            result.append(self)
        walk(self, recursive)
        return result

    def _all_layers(self):
        """`_flatten_layers()`, remembered."""
        cache = self.__dict__.get("_all_layers_cache")
        if cache is None or cache[0] != structure.version:
            cache = (structure.version, self._flatten_layers())
            self.__dict__["_all_layers_cache"] = cache
        return cache[1]

    @property
    def name(self):
        return self._name

    @property
    def path(self):
        """The names of the layers around it and its own, parted by slashes."""
        return self._path

    @property
    def dtype_policy(self):
        """The policy of computation and weights. Setting it concerns weights made from then on."""
        return self._dtype_policy

    @dtype_policy.setter
    def dtype_policy(self, value):
        policy = dtype_policies.get(value)
        own = self._trainable_variables + self._non_trainable_variables
        if any(v.dtype.startswith("float") and v.dtype != policy.variable_dtype for v in own):
            raise ValueError(
                f"{calling.label(self)}: has weights of {self.dtype} already; set dtype_policy before it is built, or "
                "make it with dtype=..."
            )
        self.__dict__.update(_dtype_policy=policy, _compute_dtype=policy.compute_dtype, _lean=False)
        structure_changed()

    quantization_mode = None  # there is no quantization
    supports_jit = True  # there is nothing to compile

    @property
    def dtype(self):
        """The dtype of the weights."""
        return self._dtype_policy.variable_dtype

    variable_dtype = dtype

    @property
    def compute_dtype(self):
        """The dtype that inputs are cast to and computation is done in."""
        return self._compute_dtype

    input_dtype = compute_dtype

    @property
    def trainable(self):
        """False freezes: no gradients for the weights, batch normalisation infers. Setting it reaches sublayers."""
        return self._trainable

    @trainable.setter
    def trainable(self, value):
        value = bool(value)
        self.__dict__["_trainable"] = value
        freezing_changed()
        own, _, layers = self._held()
        for v in own:
            v.trainable = value
        for layer in layers:
            layer.trainable = value

    # ---- weights ----

    def add_weight(
        self, *args, shape=None, initializer=None, dtype=None, trainable=True, autocast=True, regularizer=None,
        constraint=None, aggregation="none", overwrite_with_gradient=False, name=None,
    ):  # fmt: skip
        """Makes a weight: a Variable that the layer holds.

        SHAPE () by default; INITIALIZER glorot_uniform for floats, zeros for others; REGULARIZER adds to the loss
        while the weight is trainable; CONSTRAINT holds it after each update. AUTOCAST has no effect, since weights
        are kept in the dtype that layers compute in; AGGREGATION concerns several devices, of which there is one here.
        Raises NotImplementedError for OVERWRITE_WITH_GRADIENT. Returns the Variable.
        """
        if args and isinstance(args[0], str):  # Keras 2 took the name first
            name, args = args[0], args[1:]
        if len(args) > 3:
            raise TypeError(f"{calling.label(self)}: add_weight takes shape, initializer and dtype, got {args!r}")
        given = dict(zip(("shape", "initializer", "dtype"), args))
        shape = given.get("shape", shape)
        initializer = given.get("initializer", initializer)
        dtype = given.get("dtype", dtype)
        return calling.make_weight(
            self, shape, initializer, dtype, trainable, regularizer, constraint, aggregation, overwrite_with_gradient,
            name,
        )  # fmt: skip

    def add_variable(self, *args, **kwargs):
        """The other name of `add_weight`."""
        return self.add_weight(*args, **kwargs)

    @property
    def weights(self):
        """All Variables: own trainable ones, own others, then those of the sublayers in their order."""
        cache = self.__dict__.get("_weights_cache")
        version = structure.version
        if cache is None or cache[0] != version:
            own, others, layers = self._held()
            unique = {id(v): v for v in (*own, *others)}
            for layer in layers:
                for v in layer.weights:
                    unique.setdefault(id(v), v)
            cache = (version, list(unique.values()))
            self.__dict__["_weights_cache"] = cache
        return list(cache[1])

    @property
    def trainable_weights(self):
        """The weights that training changes; none if the layer is frozen."""
        return [v for v in self.weights if v.trainable] if self._trainable else []

    @property
    def non_trainable_weights(self):
        """The weights that training leaves."""
        return [v for v in self.weights if not v.trainable] if self._trainable else self.weights

    variables = weights
    trainable_variables = trainable_weights
    non_trainable_variables = non_trainable_weights

    def get_weights(self):
        """The values of `weights` as a list of NumPy arrays."""
        return [v.numpy() for v in self.weights]

    def set_weights(self, weights):
        """Gives `weights` new values, a list of arrays in their order. Raises ValueError before anything is changed."""
        calling.set_weights(self, list(weights))

    def count_params(self):
        """The number of elements of all weights."""
        if not self.built:
            raise ValueError(
                f"{calling.label(self)}: has no weights yet; call it on an input or build(input_shape) first"
            )
        return sum(v.size for v in self.weights)

    # ---- files ----

    def _own_variables(self):
        own, others, _ = self._held()
        return [*own, *others]

    def save_own_variables(self, store):
        """Writes the layer's own variables to STORE, a mapping of name to array; override it with the two below."""
        from cnnpy.saving.variables import save_variables

        save_variables(self._own_variables(), store)

    def check_own_variables(self, store):
        """Raises ValueError if `load_own_variables` would not find what it needs in STORE."""
        if type(self).load_own_variables is Layer.load_own_variables:
            from cnnpy.saving.variables import check_variables

            check_variables(self, self._own_variables(), store)

    def load_own_variables(self, store):
        """Reads the layer's own variables from STORE, a mapping of name to array."""
        from cnnpy.saving.variables import load_variables

        load_variables(self._own_variables(), store)

    # ---- losses and metrics ----

    def add_loss(self, loss):
        """Within `call`: adds LOSS (a scalar, or several) to what training minimises. It stands until the next call."""
        if call_state.probing:
            return
        if self._losses_of_call != call_state.call_id:
            self.__dict__["_losses"] = []
            self.__dict__["_losses_of_call"] = call_state.call_id
        for value in tree.flatten(loss):
            if isinstance(value, KerasTensor):
                raise NotImplementedError(
                    f"{calling.label(self)}: add_loss takes values, {value!r} has none; put add_loss into the call() "
                    "of a Layer of your own"
                )
            if not isinstance(value, (Tensor, int, float)):
                raise ValueError(f"{calling.label(self)}: add_loss takes scalars, within call(); got {value!r}")
            self._losses.append(value)

    @property
    def losses(self):
        """Scalars to add to the loss: those of the last call's `add_loss` and activities, then of the weights."""
        result = []
        for layer in self._all_layers():
            if layer._losses and layer._losses_of_call >= self._call_id:
                result.extend(layer._losses)
        for v in self.trainable_weights:
            regularizer = getattr(v, "regularizer", None)
            if regularizer is not None:
                result.append(regularizer(v))
        return result

    @property
    def metrics(self):
        """Metrics kept as attributes here and below."""
        return calling.metrics_of(self)

    @property
    def metrics_variables(self):
        """The Variables of `metrics`. (Metrics of cnnpy that keep plain numbers have none.)"""
        return [variable for metric in self.metrics for variable in metric.variables]

    def add_metric(self, *args, **kwargs):
        """Keras 2's; raises NotImplementedError."""
        raise NotImplementedError(
            f"{calling.label(self)}: add_metric() is Keras 2's. Pass metrics to compile(), or keep one as an attribute "
            "(self.seen = metrics.Mean(name='seen')) and call self.seen.update_state(value) in call()"
        )

    # ---- building and calling ----

    def build(self, input_shape):
        """Makes the weights for inputs of INPUT_SHAPE (None where a size is open)."""

    def _build_for(self, args, kwargs):
        """Builds the layer for the arguments of its first call."""
        calling.build_for(self, args, kwargs)

    def _bind_ops(self):
        """Readies the core's ops; called when the layer has been built and when it has been copied."""

    def _check_shape(self, shape):
        """Raises ValueError if the layer cannot take an input of SHAPE."""

    def call(self, *args, **kwargs):
        """What the layer computes."""
        raise NotImplementedError(f"{type(self).__name__} must define call(self, inputs)")

    def __call__(self, *args, **kwargs):
        if self._lean and len(args) == 1 and not kwargs:
            x = args[0]
            if type(x) is Tensor and x.dtype == self._compute_dtype and x._keras_mask is None:
                return self.call(x, training=call_state.training) if self._takes_training else self.call(x)
        return self._full_call(args, kwargs)

    def _full_call(self, args, kwargs):
        """A call in general: of a layer that may be unbuilt, on anything."""
        calling.check_initialised(self)
        args, kwargs = calling.convert_arguments(self, args, kwargs)
        calling.check_input_spec(self, args, kwargs)
        if has_symbolic(args) or has_symbolic(kwargs.values()):
            return self._symbolic_call(args, kwargs)
        if not self.built:
            self._build_for(args, kwargs)
        outer = call_state.training, call_state.scope
        kwargs, training = calling.resolve_training(self, args, kwargs)
        first = args[0] if args else next(iter(kwargs.values()))
        kwargs, masks = calling.masks_for_call(self, args, kwargs)
        if call_state.depth == 0:
            call_state.call_id += 1
        self.__dict__["_call_id"] = call_state.call_id
        call_state.depth += 1
        call_state.training = training
        call_state.scope = (*outer[1], self._name)
        try:
            outputs = self.call(*args, **kwargs)
            if self.activity_regularizer is not None:
                calling.add_activity_losses(self, outputs)
        finally:
            call_state.training, call_state.scope = outer
            call_state.depth -= 1
        calling.mask_outputs(self, first, outputs, masks)
        if (
            self._plain
            and len(args) == 1
            and self.activity_regularizer is None
            and not self._makes_masks
            and not self._held()[2]
        ):
            self.__dict__["_lean"] = True
        return outputs

    def _symbolic_call(self, args, kwargs):
        """Notes the call in the graph and returns symbolic outputs."""
        if not self.built:
            self._build_for(args, kwargs)
        kwargs = {key: value for key, value in kwargs.items() if key != "training" or value is not None}
        outputs = self.compute_output_spec(*args, **kwargs)
        Node(self, args, kwargs, outputs)
        return outputs

    def symbolic_call(self, *args, **kwargs):
        """The symbolic outputs of a call on symbolic inputs, noted in the graph."""
        return self._symbolic_call(args, kwargs)

    def stateless_call(self, trainable_variables, non_trainable_variables, *args, return_losses=False, **kwargs):
        """A call with these values in place of those of the layer's variables, which keep their own.

        Returns `(outputs, non_trainable_variables)`, the latter as the call has left them; with RETURN_LOSSES also the
        list of losses. Tapes follow the layer's Variables, not the values.
        """
        return stateless.call(self, trainable_variables, non_trainable_variables, args, kwargs, return_losses)

    def compute_output_spec(self, *args, **kwargs):
        """Symbolic outputs for symbolic inputs: from `compute_output_shape` if the class has one, else by trying."""
        if type(self).compute_output_shape is not Layer.compute_output_shape:
            shapes = calling.call_with_shapes(self, self.compute_output_shape, args, kwargs)
            dtype = self.compute_output_dtype(args[0] if args else None)
            return tree.map_shapes(lambda shape: KerasTensor(shape, dtype=dtype), shapes)
        return infer_outputs(calling.probing_call(self), args, kwargs)

    def compute_output_shape(self, input_shape):
        """The shape (or structure of shapes) of the output for an input of INPUT_SHAPE."""
        spec = tree.map_shapes(lambda shape: KerasTensor(shape, dtype=self._compute_dtype), input_shape)
        if not self.built:
            self.build(input_shape)
        return tree.map_structure(lambda x: x.shape, infer_outputs(calling.probing_call(self), (spec,), {}))

    def compute_output_dtype(self, inputs):
        """The dtype of the output."""
        return self._compute_dtype

    def compute_mask(self, inputs, previous_mask):
        """The masks of the outputs for INPUTS that have PREVIOUS_MASK: the same. None is no mask."""
        return previous_mask

    def _may_be_masked(self, kwargs, inputs):
        """Whether outputs for symbolic INPUTS, called with KWARGS, can have masks when there is data."""
        return calling.may_be_masked(self, kwargs, inputs)

    # ---- what is not offered ----

    def _refuse(self, what, reason):
        raise NotImplementedError(f"{calling.label(self)}: {what} is not offered: {reason}")

    def rematerialized_call(self, layer_call, *args, **kwargs):
        """Raises NotImplementedError."""
        self._refuse("rematerialized_call", "the tape keeps what backward reads; train on smaller batches")

    def quantize(self, mode=None, type_check=True, config=None):
        """Raises NotImplementedError."""
        self._refuse("quantize", "weights are float32 or float64")

    def quantized_build(self, input_shape, mode):
        """Raises NotImplementedError."""
        self._refuse("quantized_build", "weights are float32 or float64")

    def quantized_call(self, *args, **kwargs):
        """Raises NotImplementedError."""
        self._refuse("quantized_call", "weights are float32 or float64")

    # ---- the graph ----

    def _first_node(self, what):
        if not self._inbound_nodes:
            raise AttributeError(
                f"{calling.label(self)} has no {what}: it was never called on a symbolic input. Build the model with "
                "cnnpy.Input(...) or input_shape=..., or call the model once on data"
            )
        return self._inbound_nodes[0]

    @property
    def input(self):
        """The symbolic input of the first symbolic call: a tensor, or a list of several."""
        tensors = self._first_node("input").input_tensors
        return tensors[0] if len(tensors) == 1 else tensors

    @property
    def output(self):
        """The symbolic output of the first symbolic call."""
        return self._first_node("output").outputs

    @property
    def input_shape(self):
        return tree.map_structure(lambda x: x.shape, self.input)

    @property
    def output_shape(self):
        return tree.map_structure(lambda x: x.shape, self.output)

    # ---- configuration ----

    def get_config(self):
        """The arguments that make this layer again, as a dict of plain values."""
        base = {"name": self._name, "trainable": self._trainable, "dtype": self._dtype_policy.name}
        if self.activity_regularizer is not None:
            from cnnpy import regularizers

            base["activity_regularizer"] = regularizers.serialize(self.activity_regularizer)
        if "_init_arguments" in self.__dict__ and type(self).__init__ is not Layer.__init__:
            return calling.config_from_arguments(self, base)
        return base

    @classmethod
    def from_config(cls, config):
        """A layer of this configuration, with fresh weights."""
        try:
            return cls(**config)
        except (TypeError, ValueError) as error:
            raise TypeError(
                f"{cls.__name__}.from_config: {error}. The config was {config}; if the class has a get_config(), it "
                "must return what __init__ takes"
            ) from error

    def get_build_config(self):
        """What `build_from_config` needs to make the weights before data comes."""
        return None if self._build_shapes is None else {"input_shape": self._build_shapes}

    def build_from_config(self, config):
        """Builds for the shape that `get_build_config` noted."""
        shape = (config or {}).get("input_shape")
        if shape is not None and not self.built:
            self.build(tree.map_shapes(tuple, shape))

    # ---- copies ----

    def __getstate__(self):
        return calling.state_to_copy(self)

    def __setstate__(self, state):
        self.__dict__.update(state)
        structure_changed()
        if self.built:
            self._bind_ops()

    def __repr__(self):
        return (
            f"<{type(self).__name__} name={self.__dict__.get('_name', '?')}, built={self.__dict__.get('built', False)}>"
        )


Layer.build = _wrap_build(Layer.build)
