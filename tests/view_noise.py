"""The slow twin of the noise that views add."""

import math

import numpy as np


def slow_words(seed, count):
    """SplitMix64 in whole numbers."""
    words, full = [], (1 << 64) - 1
    for k in range(1, count + 1):
        z = (seed + k * 0x9E3779B97F4A7C15) & full
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & full
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & full
        words.append(z ^ (z >> 31))
    return words


def slow_noise(seed, c, t):
    half = -(-t // 2)
    words = slow_words(int(seed), c * half)
    out = np.zeros((c, t))
    for j, word in enumerate(words):
        u, v = ((word >> 32) + 1) / 2**32, (word & 0xFFFFFFFF) / 2**32
        channel, step = divmod(j, half)
        radius = math.sqrt(-2 * math.log(u))
        out[channel, step] = radius * math.cos(2 * math.pi * v)
        if step + half < t:
            out[channel, step + half] = radius * math.sin(2 * math.pi * v)
    return out
