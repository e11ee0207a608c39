"""Sequences of different lengths, made one array."""

import numpy as np


def pad_sequences(sequences, maxlen=None, dtype="int32", padding="pre", truncating="pre", value=0.0):
    """An array of shape (len(sequences), maxlen, ...) with each of SEQUENCES, cut or filled up with VALUE.

    MAXLEN is by default the length of the longest. PADDING says where the filling goes and TRUNCATING where a longer
    sequence loses its surplus: "pre", the start, or "post", the end. DTYPE is the result's; strings need `object`.
    Raises ValueError for other words, for items without a length, and for items whose steps differ in shape.
    """
    for name, word in (("padding", padding), ("truncating", truncating)):
        if word not in ("pre", "post"):
            raise ValueError(f"pad_sequences: {name} must be 'pre' or 'post', got {word!r}")
    if not hasattr(sequences, "__len__"):
        raise ValueError(f"pad_sequences: sequences must be a list of sequences, got {type(sequences).__name__}")
    if isinstance(value, str) and dtype is not object and np.dtype(dtype).kind not in "USO":
        raise ValueError(f"pad_sequences: the value {value!r} does not fit the dtype {dtype}; pass dtype=object")
    for index, sequence in enumerate(sequences):
        if not hasattr(sequence, "__len__"):
            raise ValueError(f"pad_sequences: item {index} is not a sequence but {sequence!r}")
    if maxlen is None:
        maxlen = max(map(len, sequences), default=0)
    step = next((np.shape(sequence)[1:] for sequence in sequences if len(sequence)), ())
    result = np.full((len(sequences), maxlen, *step), value, dtype=dtype)
    for index, sequence in enumerate(sequences):
        kept = sequence[max(len(sequence) - maxlen, 0) :] if truncating == "pre" else sequence[:maxlen]
        if not len(kept):
            continue
        kept = np.asarray(kept, dtype=dtype)
        if kept.shape[1:] != step:
            raise ValueError(f"pad_sequences: the steps of item {index} have shape {kept.shape[1:]}, expected {step}")
        start = maxlen - len(kept) if padding == "pre" else 0
        result[index, start : start + len(kept)] = kept
    return result
