"""Muon."""

import math
import re

import numpy as np

from cnnpy import _core
from cnnpy.optimizers.optimizer import Optimizer, with_common_arguments


class Muon(Optimizer):
    """Momentum made orthogonal, for matrices (Jordan et al. 2024); AdamW for all else.

    m = momentum m + g; with NESTEROV g + momentum m takes its place; its singular values are drawn to 1 by NS_STEPS
    Newton-Schulz steps x = a x + (b y + c y y) x, y = x x^T (MUON_A, _B, _C); v -= rate rms_rate sqrt(max(rows,
    columns)) x, without the last two factors if RMS_RATE is None (Liu et al. 2025). AdamW, with ADAM_BETA_1,
    ADAM_BETA_2, ADAM_WEIGHT_DECAY and the rate times ADAM_LR_RATIO, moves what is no matrix, matrices whose path has
    'embedding' in it (unless EXCLUDE_EMBEDDINGS is False) and those whose path matches one of EXCLUDE_LAYERS (regular
    expressions). The other arguments are those of Optimizer.
    """

    _own = (
        "adam_beta_1", "adam_beta_2", "epsilon", "exclude_layers", "muon_a", "muon_b", "muon_c", "adam_lr_ratio",
        "momentum", "ns_steps", "nesterov", "exclude_embeddings", "adam_weight_decay", "rms_rate",
    )  # fmt: skip

    @with_common_arguments
    def __init__(
        self,
        learning_rate=0.001,
        adam_beta_1=0.9,
        adam_beta_2=0.999,
        adam_weight_decay=0.004,
        epsilon=1e-7,
        weight_decay=0.004,
        *,
        exclude_layers=None,
        exclude_embeddings=True,
        muon_a=3.4445,
        muon_b=-4.7750,
        muon_c=2.0315,
        adam_lr_ratio=1,
        momentum=0.95,
        ns_steps=5,
        nesterov=True,
        rms_rate=0.2,
        **common,
    ):
        self.adam_beta_1 = adam_beta_1
        self.adam_beta_2 = adam_beta_2
        self.adam_weight_decay = adam_weight_decay
        self.epsilon = epsilon
        self.exclude_layers = exclude_layers or []
        self.exclude_embeddings = exclude_embeddings
        self.muon_a = muon_a
        self.muon_b = muon_b
        self.muon_c = muon_c
        self.adam_lr_ratio = adam_lr_ratio
        self.momentum = momentum
        self.ns_steps = ns_steps
        self.nesterov = nesterov
        self.rms_rate = rms_rate
        super().__init__(learning_rate, weight_decay, **common)

    def _should_use_adamw(self, variable):
        path = variable.path
        if len(variable.shape) != 2 or (self.exclude_embeddings and "embedding" in path.lower()):
            return True
        return any(re.search(pattern, path) for pattern in self.exclude_layers)

    def _make_slots(self, variables):
        self.momentums, self.adam_velocities = [], []
        for variable in variables:
            self.momentums.append(self.add_variable_from_reference(variable, "momentum"))
            own = self.add_variable_from_reference(variable, "velocity") if self._should_use_adamw(variable) else None
            self.adam_velocities.append(own)
        return self.momentums, self.adam_velocities

    def _decay_of(self, variable):
        return self.adam_weight_decay if self._should_use_adamw(variable) else self.weight_decay

    def update_step(self, gradient, variable, learning_rate):
        i, rate = self._get_variable_index(variable), float(np.asarray(learning_rate))
        m, s = self.momentums[i], self.adam_velocities[i]
        if s is not None:
            numbers = rate * self.adam_lr_ratio, self.adam_beta_1, self.adam_beta_2, self.epsilon
            iterations = int(np.asarray(self.iterations))
            _core.optimizer_step("adam", [variable], [gradient], ([m], [s]), numbers, iterations)
            return
        self._blend(m, self.momentum, gradient, 1.0)
        ahead = _core.add(gradient, _core.multiply(m, self.momentum)) if self.nesterov else m
        if self.rms_rate is not None:
            rate *= math.sqrt(max(variable.shape)) * self.rms_rate
        self.assign_sub(variable, _core.multiply(self._orthogonal(ahead), rate))

    def _orthogonal(self, x):
        """The matrix X with its singular values near 1."""
        tall = x.shape[0] > x.shape[1]
        if tall:
            x = _core.transpose(x)
        norm = float(np.sqrt(np.asarray(_core.sum(_core.square(x))))) + 1e-7
        x = _core.divide(x, norm)
        for _ in range(self.ns_steps):
            y = _core.matmul(x, _core.transpose(x))
            z = _core.add(_core.multiply(y, self.muon_b), _core.multiply(_core.matmul(y, y), self.muon_c))
            x = _core.add(_core.multiply(x, self.muon_a), _core.matmul(z, x))
        return _core.transpose(x) if tall else x
