"""The loss of label sequences without alignment, as a composition of ops."""

import numpy as np

from cnnpy import _core

_IMPOSSIBLE = -1e30  # for ln 0: sums of it stay finite, so that gradients do


def _log_sum(first, *others):
    """ln(sum of exp), element by element."""
    top = first
    for x in others:
        top = _core.maximum(top, x)
    top = _core.stop_gradient(top)
    total = _core.exp(_core.subtract(first, top))
    for x in others:
        total = _core.add(total, _core.exp(_core.subtract(x, top)))
    return _core.add(_core.log(total), top)


def _later(x, places):
    """X moved by PLACES to the right along its last axis, which nothing reaches from the left."""
    kept = _core.slice(x, begin=(0, 0), end=(x.shape[0], x.shape[1] - places))
    fill = np.full((x.shape[0], places), _IMPOSSIBLE, x.dtype)
    return _core.concatenate([fill, kept], axis=1)


def ctc_loss(target, output, target_length, output_length, mask_index=0):
    """-ln of the probability of each label sequence, summed over all its alignments (Graves et al. 2006): [B].

    TARGET: labels [B, L], of which the first TARGET_LENGTH [B] count; OUTPUT: float logits [B, T, C], of which the
    first OUTPUT_LENGTH [B] steps count; MASK_INDEX: the class of the blank. inf for a sequence that does not fit into
    its steps. Differentiable by OUTPUT.
    """
    target, lengths, steps = (np.asarray(a).astype("int64") for a in (target, target_length, output_length))
    batch, longest = target.shape
    _, time, classes = output.shape
    used = np.arange(longest) < lengths[:, None]
    if used.any() and not ((target >= 0) & (target < classes))[used].all():
        raise ValueError(f"ctc: labels must be whole numbers in [0, {classes})")
    # Blanks between all labels: a path goes on by 0 or 1 places, or by 2 from one label to another unlike it.
    places = np.full((batch, 2 * longest + 1), mask_index)
    places[:, 1::2] = np.where(used, target, mask_index)
    leap = np.zeros(places.shape, bool)
    leap[:, 2:] = (places[:, 2:] != mask_index) & (places[:, 2:] != places[:, :-2])
    each = np.broadcast_to(places[:, None, :], (batch, time, places.shape[1]))
    scores = _core.take_along_axis(_core.log_softmax(output, axis=-1), np.ascontiguousarray(each), axis=-1)

    def at(t):
        row = _core.slice(scores, begin=(0, t, 0), end=(batch, t + 1, places.shape[1]))
        return _core.squeeze(row, axis=1)

    begin = np.arange(places.shape[1]) < np.minimum(2 * lengths[:, None], 1) + 1
    path = _core.where(begin, at(0), _IMPOSSIBLE)
    for t in range(1, time):
        leaped = _core.where(leap, _later(path, 2), _IMPOSSIBLE) if longest else _later(path, 1)
        ahead = _core.add(_log_sum(path, _later(path, 1), leaped), at(t))
        path = ahead if (t < steps).all() else _core.where((t < steps)[:, None], ahead, path)
    last = 2 * lengths[:, None]
    ends = [_core.squeeze(_core.take_along_axis(path, np.maximum(last - k, 0), axis=1), axis=1) for k in (0, 1)]
    total = _core.where(lengths > 0, _log_sum(*ends), ends[0])
    return _core.where(_core.less(total, _IMPOSSIBLE / 2), np.inf, _core.negative(total))
