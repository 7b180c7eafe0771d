"""How points fly in a box: exactly, so that what is reversible is so to the last digit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int64

__all__ = ["Flight", "bouncing", "gliding"]

_REST = 0.01
"""px a frame, below which a bounce leaves a point at rest on the floor: it would bounce without end."""


@dataclass(frozen=True)
class Flight:
    """Places and velocities at each frame, and how often each point bounced."""

    place: Float[np.ndarray, "n t 2"]
    velocity: Float[np.ndarray, "n t 2"]
    bounces: Int64[np.ndarray, " n"]


def gliding(
    place: Float[np.ndarray, "n 2"], velocity: Float[np.ndarray, "n 2"], frames: int, room: float, friction: float
) -> Flight:
    """p(t) = p0 + v0 (1 - exp(-friction t)) / friction, folded into [0, room] at walls that keep all speed."""
    time = np.arange(frames)[None, :, None]
    left = np.exp(-friction * time)
    gone = time if friction == 0 else (1 - left) / friction
    free = place[:, None] + velocity[:, None] * gone  # (n, t, 2), as if there were no walls
    cell = np.floor(free / room)
    away = np.mod(cell, 2) == 1
    rest = free - cell * room
    folded = np.where(away, room - rest, rest)
    turned = velocity[:, None] * left * np.where(away, -1.0, 1.0)
    return Flight(folded, turned, np.abs(cell[:, -1] - cell[:, 0]).sum(1).astype(np.int64))


def bouncing(
    place: Float[np.ndarray, "n 2"],
    velocity: Float[np.ndarray, "n 2"],
    frames: int,
    room: float,
    gravity: float,
    restitution: float,
) -> Flight:
    """Parabolas from wall to wall of [0, room]^2; each bounce leaves a share `restitution` of the speed across it.

    With gravity, points are pulled towards `room` along the first axis.
    """
    p, v = place.astype(float).copy(), velocity.astype(float).copy()
    pull = np.zeros_like(p)
    pull[:, 0] = gravity
    bounces = np.zeros(len(p), np.int64)
    places, velocities = [p.copy()], [v.copy()]
    for _ in range(frames - 1):
        left = np.ones(len(p))
        while (left > 0).any():
            hit = np.stack([_until(p[:, k], v[:, k], pull[:, k], room) for k in range(2)], 1)  # (n, 2)
            step = np.minimum(hit.min(1), left)
            p += v * step[:, None] + pull * step[:, None] ** 2 / 2
            v += pull * step[:, None]
            struck = (hit <= left[:, None]) & (hit == hit.min(1, keepdims=True))
            v = np.where(struck, -restitution * v, v)
            # On the wall exactly: a rounding beyond it would be another bounce.
            p = np.where(struck, np.where(p > room / 2, room, 0.0), p.clip(0, room))
            bounces += struck.sum(1)
            still = struck[:, 0] & (p[:, 0] > 0) & (np.abs(v[:, 0]) < _REST) & (pull[:, 0] > 0)
            v[still, 0], pull[still, 0] = 0.0, 0.0
            left -= step
        places.append(p.copy())
        velocities.append(v.copy())
    return Flight(np.stack(places, 1), np.stack(velocities, 1), bounces)


def _until(p: np.ndarray, v: np.ndarray, pull: np.ndarray, room: float) -> Float[np.ndarray, " n"]:
    """When a point first meets 0 going down or `room` going up, by p + v t + pull t^2 / 2; infinity for never."""
    with np.errstate(divide="ignore", invalid="ignore"):
        straight = np.where(v > 0, (room - p) / v, np.where(v < 0, -p / v, np.inf))
        # Towards `room`, where it is pulled: always met; and, thrown against the pull, perhaps 0 before.
        far = (-v + np.sqrt(np.maximum(v * v + 2 * pull * (room - p), 0))) / pull
        square = v * v - 2 * pull * p
        near = np.where((v < 0) & (square >= 0), (-v - np.sqrt(np.maximum(square, 0))) / pull, np.inf)
    return np.where(pull > 0, np.minimum(far, near), straight)
