"""Which layers a compiled model trains: what the first step after `compile` found, until it is compiled again."""

import contextlib
import warnings

from cnnpy.layers.tracking import structure


class SettledLayers:
    """The `trainable` of each layer of MODEL, as it is now."""

    def __init__(self, model):
        self._seen = structure.freezings
        self._flags = [(layer, layer.trainable) for layer in model._flatten_layers()]
        self._warned = False

    def changed(self):
        """The layers whose `trainable` is not what it was, as (layer, what it was)."""
        now = structure.freezings
        if self._seen == now:
            return ()
        changed = [(layer, flag) for layer, flag in self._flags if layer.trainable is not flag]
        if not changed:
            self._seen = now
        elif not self._warned:
            self._warned = True
            warnings.warn(
                "`trainable` has changed since the model was compiled and first trained, for the layers "
                f"{[layer.name for layer, _ in changed]}: training goes on as before. Call compile() again for the "
                "change to take effect",
                stacklevel=6,
            )
        return changed


@contextlib.contextmanager
def _as_they_were(changed):
    """Puts the layers CHANGED back to what they were, as long as the block runs."""
    variables = [v for layer, _ in changed for v in layer._held()[0]]
    present = [layer.trainable for layer, _ in changed], [v.trainable for v in variables]
    for layer, flag in changed:
        layer.__dict__["_trainable"] = flag
        for v in layer._held()[0]:
            v.trainable = flag
    try:
        yield
    finally:
        for (layer, _), flag in zip(changed, present[0]):
            layer.__dict__["_trainable"] = flag
        for v, flag in zip(variables, present[1]):
            v.trainable = flag


def settled_step(model, step):
    """STEP, a function of a batch, which trains the layers that its first call since `compile` trained."""

    def call(batch):
        settled = model._settled
        if settled is None:
            result = step(batch)
            model._keep(_settled=SettledLayers(model))
            return result
        changed = settled.changed()
        if not changed:
            return step(batch)
        model._keep(_fit_variables_cache=None)
        with _as_they_were(changed):
            return step(batch)

    return call
