"""Philox4x32-10 and dropout's noise in NumPy, from the paper (Salmon et al. 2011)."""

import numpy as np

MASK = np.uint64(0xFFFFFFFF)


def philox(seed, stream, counters):
    """[len(counters), 4] random words."""
    counters = np.asarray(counters, np.uint64)
    x = [counters & MASK, counters >> np.uint64(32)]
    x += [np.full_like(counters, stream & 0xFFFFFFFF), np.full_like(counters, stream >> 32)]
    k0, k1 = seed & 0xFFFFFFFF, seed >> 32
    for _ in range(10):
        p0, p1 = x[0] * np.uint64(0xD2511F53), x[2] * np.uint64(0xCD9E8D57)
        x = [
            (p1 >> np.uint64(32)) ^ x[1] ^ np.uint64(k0),
            p1 & MASK,
            (p0 >> np.uint64(32)) ^ x[3] ^ np.uint64(k1),
            p0 & MASK,
        ]
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return np.stack(x, axis=-1).astype(np.uint32)


def dropout(x, rate, seed, offset, noise_shape=()):
    shape = [n if m == -1 else m for n, m in zip(x.shape, noise_shape)] if noise_shape else x.shape
    size = int(np.prod(shape))
    words = philox(seed, offset, np.arange(-(-size // 4))).reshape(-1)[:size].reshape(shape)
    return np.where(words >= rate * 2.0**32, x / (1 - rate) if rate < 1 else 0 * x, 0).astype(x.dtype)
