"""The base of all optimizers.

An optimizer of cnnpy names a rule of the core, the numbers it wants and the slots it keeps, and updates all variables
in one call. A subclass may instead write `update_step(gradient, variable, learning_rate)` as in Keras; it is then
called for one variable after the other.
"""

import functools
import inspect
import operator
import re
import warnings

import numpy as np

from cnnpy import _core, config
from cnnpy._core import Variable
from cnnpy.optimizers.learning_rate import HasLearningRate
from cnnpy.utils.naming import auto_name
from cnnpy.utils.stateless import borrowed, check_values


class _Planned:
    """An argument that stays assignable: what was worked out from it is worked out again."""

    def __set_name__(self, owner, name):
        self.key = f"_{name}"

    def __get__(self, optimizer, owner=None):
        return self if optimizer is None else optimizer.__dict__.get(self.key)

    def __set__(self, optimizer, value):
        optimizer.__dict__[self.key] = value
        if optimizer.__dict__.get("built"):
            optimizer._plan()


class Optimizer(HasLearningRate):
    """Changes variables by their gradients.

    learning_rate: a number, a LearningRateSchedule, or a function without arguments. weight_decay: variables first
    lose this times the learning rate of themselves (decoupled; reaches biases too, see exclude_from_weight_decay).
    clipnorm: the largest norm of each gradient; global_clipnorm: of all together; clipvalue: the largest value; at
    most one of them. use_ema: moving averages of the variables are kept (momentum ema_momentum) and put in their
    place every ema_overwrite_frequency steps, or at the end of training. loss_scale_factor: the loss was multiplied
    by this, gradients are divided by it. gradient_accumulation_steps: variables change at every such step only, by
    the mean of the gradients since.

    The old spellings `lr` and `decay` (rate / (1 + decay * iterations)) work with a warning.
    """

    _rule = None  # the core's rule; None: update_step does the work
    _own = ()  # names of the arguments that are the optimizer's own, which its config tells
    _exclusive = ("clipnorm", "clipvalue", "global_clipnorm")
    clipnorm = _Planned()
    clipvalue = _Planned()
    global_clipnorm = _Planned()
    weight_decay = _Planned()
    loss_scale_factor = _Planned()

    def __init__(
        self,
        learning_rate,
        weight_decay=None,
        clipnorm=None,
        clipvalue=None,
        global_clipnorm=None,
        use_ema=False,
        ema_momentum=0.99,
        ema_overwrite_frequency=None,
        loss_scale_factor=None,
        gradient_accumulation_steps=None,
        name=None,
        **kwargs,
    ):
        self.name = name or auto_name(type(self).__name__)
        learning_rate, self._decay = self._old_spellings(learning_rate, kwargs)
        self.weight_decay = weight_decay
        self.clipnorm = clipnorm
        self.clipvalue = clipvalue
        self.global_clipnorm = global_clipnorm
        self.use_ema = use_ema
        self.ema_momentum = ema_momentum
        self.ema_overwrite_frequency = ema_overwrite_frequency
        self.loss_scale_factor = loss_scale_factor
        self.gradient_accumulation_steps = gradient_accumulation_steps
        self._check_arguments()
        self.built = False
        self._variables = []
        self._trainable_variables = []
        self._index = {}
        self._slots = ()
        self._excluded, self._excluded_pattern = set(), None
        self._iterations = self.add_variable((), dtype="int64", name="iteration")
        self._learning_rate = self._rate_from(learning_rate)
        self._plain = self._constrained = None

    def _check_arguments(self):
        label = type(self).__name__
        given = [name for name in self._exclusive if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(
                f"{label}: only one of clipnorm, clipvalue and global_clipnorm can be set, got {', '.join(given)}"
            )
        steps = self.gradient_accumulation_steps
        if steps and not steps >= 2:
            raise ValueError(f"{label}: gradient_accumulation_steps must be an integer >= 2, got {steps!r}")
        if self.use_ema:
            if not 0 <= self.ema_momentum <= 1:
                raise ValueError(f"{label}: ema_momentum must be between 0 and 1, got {self.ema_momentum!r}")
            every = self.ema_overwrite_frequency
            if every and (not isinstance(every, int) or every < 1):
                raise ValueError(f"{label}: ema_overwrite_frequency must be None or an integer >= 1, got {every!r}")

    @property
    def iterations(self):
        """How many updates were made: a Variable (with gradient accumulation an int)."""
        if self.gradient_accumulation_steps:
            return int(self._iterations.numpy()) // self.gradient_accumulation_steps
        return self._iterations

    # ---- variables ----

    @property
    def variables(self):
        """The optimizer's own variables: iteration, learning rate, then the slots in Keras's order."""
        return list(self._variables)

    def add_variable(self, shape, initializer="zeros", dtype=None, aggregation=None, layout=None, name=None):
        """A new Variable of the optimizer. AGGREGATION concerns several devices, of which there is one here; so
        does LAYOUT, which is refused."""
        if layout is not None:
            raise NotImplementedError("Optimizer.add_variable: layout is for several devices; leave it None")
        dtype = dtype or config.floatx()
        variable = Variable(initializer, shape, dtype, False, aggregation=aggregation, name=name or "variable")
        variable.path = f"{self.name}/{variable.name}"
        self._variables.append(variable)
        return variable

    def add_variable_from_reference(self, reference_variable, name=None, initializer="zeros"):
        """A new Variable of the optimizer with the shape and dtype of another one."""
        path = getattr(reference_variable, "path", None) or reference_variable.name
        return self.add_variable(
            reference_variable.shape,
            initializer,
            reference_variable.dtype,
            name=f"{path.replace('/', '_')}_{name or 'var'}",
        )

    def add_optimizer_variables(self, trainable_variables, name, initializer="zeros"):
        """One Variable for each of TRAINABLE_VARIABLES, as a list; for several names, a tuple of lists."""
        names = [name] if isinstance(name, str) else list(name)
        initializers = initializer if isinstance(initializer, (list, tuple)) else [initializer] * len(names)
        if len(initializers) != len(names):
            raise ValueError(f"there are {len(names)} names but {len(initializers)} initializers")
        lists = tuple([] for _ in names)
        for variable in trainable_variables:
            for own, one_name, one_initializer in zip(lists, names, initializers):
                own.append(self.add_variable_from_reference(variable, one_name, one_initializer))
        return lists[0] if isinstance(name, str) else lists

    def check_own_variables(self, store):
        """Raises ValueError if STORE does not have what `load_own_variables` needs."""
        from cnnpy.saving.variables import check_variables

        check_variables(self, self.variables, store)

    def build(self, variables):
        """Makes the slots for VARIABLES, the only ones this optimizer can then be applied to."""
        variables = list(variables)
        for variable in variables:
            if not isinstance(variable, Variable):
                raise TypeError(f"{type(self).__name__}.build: takes Variables, got {type(variable).__name__}")
        if len({id(v) for v in variables}) != len(variables):
            raise ValueError(f"{type(self).__name__}.build: a variable is listed twice")
        if self.use_ema:
            self._averages = self.add_optimizer_variables(variables, "average")
        if self.gradient_accumulation_steps:
            self._accumulated = self.add_optimizer_variables(variables, "gradient_accumulator")
        self._index = {id(variable): i for i, variable in enumerate(variables)}
        self._trainable_variables = variables
        self._decays = [self._use_weight_decay(v) for v in variables]
        self._slots = self._make_slots(variables)
        self.built = True
        self._plan()

    def _make_slots(self, variables):
        """The rule's slots, a tuple of lists; None for a slot that is not in use."""
        return ()

    def _numbers(self, rate):
        """The rule's numbers, the learning rate first."""
        raise NotImplementedError

    def _plan(self):
        """What does not change from step to step."""
        options = {}
        for name in (*self._exclusive, "weight_decay"):
            if getattr(self, name):
                options[name] = float(getattr(self, name))
        if self.weight_decay and not all(self._decays):
            options["decays"] = bytes(self._decays)
        if self.loss_scale_factor:
            options["gradient_scale"] = 1 / self.loss_scale_factor
        self._options = options
        self._constrained = [v for v in self._trainable_variables if getattr(v, "constraint", None) is not None]
        own_step = self._steps_itself()
        self._plain = not (own_step or self.use_ema or self.gradient_accumulation_steps or self._constrained)

    def exclude_from_weight_decay(self, var_list=None, var_names=None):
        """Leaves these variables, and those whose name matches one of VAR_NAMES, out of weight decay. Before
        building."""
        if self.built:
            raise ValueError(
                "exclude_from_weight_decay() must come before the optimizer is built (by the first step or build())"
            )
        self._excluded = {id(variable) for variable in var_list or ()}
        self._excluded_pattern = re.compile("|".join(sorted(set(var_names)))) if var_names else None

    def _decay_of(self, variable):
        """The weight decay of a VARIABLE that is not excluded from it."""
        return self.weight_decay

    def _use_weight_decay(self, variable):
        if id(variable) in self._excluded:
            return False
        return not (self._excluded_pattern and self._excluded_pattern.search(variable.name))

    # ---- a step ----

    def apply_gradients(self, grads_and_vars):
        """One step for pairs of (gradient, variable). Returns the iterations."""
        pairs = list(grads_and_vars)
        self.apply([gradient for gradient, _ in pairs], [variable for _, variable in pairs])
        return self._iterations

    def apply(self, grads, trainable_variables=None):
        """One step: GRADS one to one with TRAINABLE_VARIABLES, or with the variables the optimizer was built for.

        Variables whose gradient is None stay as they are, with a warning; if all are None it is a ValueError. Shapes
        and dtypes are checked for all variables before any changes.
        """
        if not grads:
            return
        own = self._trainable_variables
        if trainable_variables is None:
            if not self.built:
                raise ValueError(
                    f"{type(self).__name__}.apply: pass the variables with the gradients, or call build() first"
                )
            trainable_variables = own
        elif not self.built:
            self.build(trainable_variables)
            own = self._trainable_variables
        if len(grads) != len(trainable_variables):
            raise ValueError(
                f"{type(self).__name__}.apply: {len(grads)} gradients for {len(trainable_variables)} variables"
            )
        if len(own) != len(trainable_variables) or not all(map(operator.is_, own, trainable_variables)):
            grads = self._in_order(grads, trainable_variables)
        if self._plain:
            updated = _core.optimizer_step(
                self._rule, own, grads, self._slots, self._numbers(self._rate()), self._iterations, **self._options
            )
            if updated == len(own):
                return
            if updated:
                self._report_missing(grads, trainable_variables)
                return
        self._apply_slowly(grads, trainable_variables)

    def _in_order(self, grads, variables):
        """GRADS in the order the optimizer was built for; None for variables that are not among VARIABLES."""
        ordered = [None] * len(self._trainable_variables)
        for gradient, variable in zip(grads, variables):
            self._check_known(variable)
            ordered[self._index[id(variable)]] = gradient
        return ordered

    def _check_known(self, variable):
        if id(variable) not in self._index:
            name = getattr(variable, "name", variable)
            raise ValueError(
                f'{type(self).__name__}: variable "{name}" is unknown to this optimizer, built for others; '
                "make a new one (or compile the model again) when the set of variables changes"
            )

    def _report_missing(self, grads, variables):
        """Warns of VARIABLES without a gradient; GRADS are in the optimizer's order."""
        missing = [v.name for v in variables if grads[self._index[id(v)]] is None]
        if missing:
            warnings.warn(
                f"Gradients do not exist for variables {missing} when minimizing the loss, since it does not depend "
                "on them. If you use model.compile(), did you forget the loss?",
                stacklevel=3,
            )

    def _apply_slowly(self, grads, variables):
        """A step with what is rarely asked for: an own update_step, averages, accumulation, constraints."""
        present = sum(gradient is not None for gradient in grads)
        if not present:
            raise ValueError("No gradients provided for any variable: the loss depends on none of them")
        if present < len(variables):
            self._report_missing(grads, variables)
        before = int(self._iterations.numpy())
        steps = self.gradient_accumulation_steps
        if steps:
            self._accumulate(grads, before, steps)
        else:
            self._update(grads, before, self._options)
        if self.use_ema:
            self._update_averages(before // steps if steps else before)
        for variable in self._constrained:
            if grads[self._index[id(variable)]] is not None:
                variable.assign(variable.constraint(variable))
        self._iterations.assign(np.asarray(before + 1, "int64"))

    def _steps_itself(self):
        return self._rule is None or type(self).update_step is not Optimizer.update_step

    def _update(self, grads, iterations, options):
        if not self._steps_itself():
            rate = self._rate()
            _core.optimizer_step(
                self._rule, self._trainable_variables, grads, self._slots, self._numbers(rate), iterations, **options
            )
            return
        clipped = [None if g is None else Variable(g, trainable=False) for g in grads]
        changes = {k: v for k, v in options.items() if k not in ("weight_decay", "decays")}
        _core.optimizer_step("blend", _without_none(clipped), _without_none(grads), (), (0.0, 1.0), None, **changes)
        rate = self.learning_rate
        for variable, gradient, decays in zip(self._trainable_variables, clipped, self._decays):
            if gradient is None:
                continue
            share = self._decay_of(variable) if decays else None
            if share:
                keep = 1 - share * float(np.asarray(rate))
                _core.optimizer_step("blend", [variable], [variable], (), (keep, 0.0), None)
            self.update_step(gradient, variable, rate)

    def _accumulate(self, grads, before, steps):
        options = {k: v for k, v in self._options.items() if k == "gradient_scale"}
        _core.optimizer_step("blend", self._accumulated, grads, (), (1.0, 1.0), None, **options)
        if (before + 1) % steps:
            return
        means = [None if g is None else a for g, a in zip(grads, self._accumulated)]
        self._update(means, before // steps, {**self._options, "gradient_scale": 1 / steps})
        _core.optimizer_step("blend", self._accumulated, self._accumulated, (), (0.0, 0.0), None)

    def _update_averages(self, iterations):
        momentum = self.ema_momentum if iterations else 0.0
        own = self._trainable_variables
        _core.optimizer_step("blend", self._averages, own, (), (momentum, 1 - momentum), None)
        every = self.ema_overwrite_frequency
        if every and (iterations + 1) % every == 0:
            self._put_averages(own)

    def _put_averages(self, variables):
        averages = [self._averages[self._index[id(v)]] for v in variables]
        _core.optimizer_step("blend", list(variables), averages, (), (0.0, 1.0), None)

    def finalize_variable_values(self, var_list):
        """At the end of training: with use_ema, VAR_LIST take their moving averages."""
        if self.use_ema and self.built:
            self._put_averages([v for v in var_list if id(v) in self._index])

    def update_step(self, gradient, variable, learning_rate):
        """Changes one VARIABLE; for subclasses. Optimizers of cnnpy do it by the rule of the core."""
        if self._rule is None:
            raise NotImplementedError(f"{type(self).__name__} has no update_step(gradient, variable, learning_rate)")
        i = self._index[id(variable)]
        slots = tuple(None if slot is None else [slot[i]] for slot in self._slots)
        iterations = int(np.asarray(self.iterations))
        _core.optimizer_step(self._rule, [variable], [gradient], slots, self._numbers(learning_rate), iterations)

    def assign(self, variable, value):
        """variable = value, for update_step."""
        variable.assign(value)

    def assign_add(self, variable, value):
        """variable += value, for update_step."""
        variable.assign(_core.add(variable, value))

    def assign_sub(self, variable, value):
        """variable -= value, for update_step."""
        variable.assign(_core.subtract(variable, value))

    def _blend(self, variable, keep, value, take=None):
        """variable = keep variable + take value, TAKE being 1 - keep unless given."""
        numbers = keep, 1 - keep if take is None else take
        _core.optimizer_step("blend", [variable], [value], (), numbers, None)

    def _get_variable_index(self, variable):
        return self._index[id(variable)]

    def stateless_apply(self, optimizer_variables, grads, trainable_variables):
        """What a step makes of these values of the trainable variables and of the optimizer's, which stay as they are:
        (new trainable values, new optimizer values), lists of Tensors."""
        label = f"{type(self).__name__}.stateless_apply"
        if not self.built:
            raise ValueError(f"{label}: call build(trainable_variables) first")
        own, trained = self.variables, self._trainable_variables
        check_values(label, own, optimizer_variables, "optimizer_variables")
        check_values(label, trained, trainable_variables, "trainable_variables")
        with borrowed([*trained, *own], [*trainable_variables, *optimizer_variables]):
            self.apply(grads)
            return [v.value for v in trained], [v.value for v in own]

    def scale_loss(self, loss):
        """LOSS times loss_scale_factor, if there is one."""
        return loss if self.loss_scale_factor is None else _core.multiply(loss, float(self.loss_scale_factor))

    # ---- state ----

    def set_weights(self, weights):
        """Gives the optimizer's variables the values WEIGHTS (arrays, in the order of `variables`)."""
        if not self.built:
            raise ValueError(f"{type(self).__name__}.set_weights: call build(variables) first")
        variables = self.variables
        if len(weights) != len(variables):
            raise ValueError(
                f"{type(self).__name__}.set_weights: {len(variables)} variables, but {len(weights)} arrays"
            )
        for variable, weight in zip(variables, weights):
            variable.assign(weight)

    def get_weights(self):
        """The values of the optimizer's variables, as arrays."""
        return [variable.numpy() for variable in self.variables]

    def save_own_variables(self, store):
        """Puts the variables' values into STORE, by '0', '1', ..."""
        for i, variable in enumerate(self.variables):
            store[str(i)] = variable.numpy()

    def load_own_variables(self, store):
        """Takes the variables' values from STORE; with a warning not, if it holds another number of them."""
        variables = self.variables
        if len(store.keys()) != len(variables):
            warnings.warn(
                f"the state of optimizer '{self.name}' was not loaded: it has {len(variables)} variables, "
                f"the saved one {len(store.keys())}",
                stacklevel=2,
            )
            return
        for i, variable in enumerate(variables):
            variable.assign(np.asarray(store[str(i)]))

    def get_config(self):
        """The arguments this optimizer was made with, for `from_config`."""
        from cnnpy.saving import serialize_keras_object

        rate = self._learning_rate
        rate = float(rate.numpy()) if isinstance(rate, Variable) else serialize_keras_object(rate)
        values = {
            "name": self.name,
            "learning_rate": rate,
            "weight_decay": self.weight_decay,
            "clipnorm": self.clipnorm,
            "global_clipnorm": self.global_clipnorm,
            "clipvalue": self.clipvalue,
            "use_ema": self.use_ema,
            "ema_momentum": self.ema_momentum,
            "ema_overwrite_frequency": self.ema_overwrite_frequency,
            "loss_scale_factor": self.loss_scale_factor,
            "gradient_accumulation_steps": self.gradient_accumulation_steps,
        }
        if self._decay:
            values["decay"] = self._decay
        return values | {name: getattr(self, name) for name in self._own}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """An optimizer from what get_config gave."""
        rate = config.get("learning_rate")
        if isinstance(rate, dict):
            from cnnpy.optimizers import schedules

            config = {**config, "learning_rate": schedules.deserialize(rate, custom_objects)}
        return cls(**config)

    def __setstate__(self, state):
        self.__dict__.update(state)
        self._index = {id(variable): i for i, variable in enumerate(self._trainable_variables)}

    def __repr__(self):
        return f"<{type(self).__name__} name={self.name}>"


def _without_none(items):
    return [item for item in items if item is not None]


def with_common_arguments(init):
    """Completes the constructor `init(self, learning_rate, own, *, late, **common)` of an optimizer.

    It then takes what Optimizer takes, which arrives in `common`, between its own arguments and the late ones, by
    position too: the order of Keras. What of these it names itself keeps its place and default.
    """
    parameters = list(inspect.signature(init).parameters.values())
    given = {parameter.name for parameter in parameters}
    shared = [p for p in inspect.signature(Optimizer.__init__).parameters.values() if p.name not in given]
    late = [p.replace(kind=p.POSITIONAL_OR_KEYWORD) for p in parameters if p.kind is p.KEYWORD_ONLY]
    first = [p for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    signature = inspect.Signature([*first, *shared[:-1], *late, shared[-1]])
    names = [name for name in signature.parameters][1:-1]

    @functools.wraps(init)
    def constructor(self, *args, **kwargs):
        if len(args) > len(names):
            raise TypeError(f"{type(self).__name__}: takes at most {len(names)} arguments, got {len(args)}")
        init(self, **dict(zip(names, args)), **kwargs)

    constructor.__signature__ = signature
    return constructor
