"""Scores that are never held as a matrix, and when they are worth it."""

from mutua.streamed.choice import factorised, room, streams
from mutua.streamed.inner import Streamed, few

__all__ = ["Streamed", "factorised", "few", "room", "streams"]
