"""Sets of permutations that differ in as many places as can be, for jigsaws."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Int, UInt8
from torch import Tensor

from mutua.types import InputError, names

__all__ = ["ALGEBRA", "CHOICES", "affine", "greedy", "permutations", "projective"]

Rows = Int[np.ndarray, "count places"]


class _Field:
    """GF(p^k): its elements are the numbers below p^k, whose digits to base p are a polynomial's coefficients.

    Args:
        p, k: prime, and degree.
        modulus: x^k = -(the rest of an irreducible polynomial), as digits, lowest first.
    """

    def __init__(self, p: int, k: int, modulus: tuple[int, ...]) -> None:
        self.p, self.k, self.q, self.modulus = p, k, p**k, modulus
        every = range(self.q)
        self.sums = [[self._add(a, b) for b in every] for a in every]
        self.products = [[self._multiply(a, b) for b in every] for a in every]
        self.inverses = [0, *(row.index(1) for row in self.products[1:])]

    def _digits(self, a: int) -> list[int]:
        return [a // self.p**i % self.p for i in range(self.k)]

    def _number(self, digits: list[int]) -> int:
        return sum(digit % self.p * self.p**i for i, digit in enumerate(digits))

    def _add(self, a: int, b: int) -> int:
        return self._number([x + y for x, y in zip(self._digits(a), self._digits(b), strict=True)])

    def _multiply(self, a: int, b: int) -> int:
        found = [0] * (2 * self.k - 1)
        for (i, x), (j, y) in itertools.product(enumerate(self._digits(a)), enumerate(self._digits(b))):
            found[i + j] += x * y
        for power in range(2 * self.k - 2, self.k - 1, -1):  # x^power = x^(power - k) modulus
            for i, digit in enumerate(self.modulus):
                found[power - self.k + i] += found[power] * digit
        return self._number(found[: self.k])


GF4 = _Field(2, 2, (1, 1))  # x^2 = x + 1
GF8 = _Field(2, 3, (1, 1, 0))  # x^3 = x + 1
GF9 = _Field(3, 2, (2, 0))  # x^2 = -1


def affine(field: _Field) -> Rows:
    """AGL(1, q): x -> a x + b, a != 0. q (q - 1) permutations of q places, any two of which agree in one at most.

    Sharply two-transitive, and the largest set of that distance, q! / (q - 2)!. Every tile is in every place
    equally often.
    """
    q = field.q
    maps = itertools.product(range(1, q), range(q))
    return np.array([[field.sums[field.products[a][x]][b] for x in range(q)] for a, b in maps])


def projective(field: _Field) -> Rows:
    """PGL(2, q): x -> (a x + b) / (c x + d), a d != b c, on GF(q) and infinity, the place q. (q + 1) q (q - 1)
    permutations of q + 1 places, any two of which agree in two at most: sharply three-transitive, the largest set.
    """
    q, sums, products = field.q, field.sums, field.products
    rows = set()
    for a, b, c, d in itertools.product(range(q), repeat=4):
        if products[a][d] == products[b][c]:
            continue
        row = []
        for x in range(q + 1):
            top, bottom = (a, c) if x == q else (sums[products[a][x]][b], sums[products[c][x]][d])
            row.append(products[top][field.inverses[bottom]] if bottom else q)
        rows.add(tuple(row))
    return np.array(sorted(rows))


ALGEBRA: dict[tuple[int, int], Callable[[], Rows]] = {
    (4, 12): lambda: affine(GF4),
    (9, 72): lambda: affine(GF9),
    (9, 504): lambda: projective(GF8),
}
"""(Places, permutations) to the group of that many: least Hamming distance 3, 8 and 7."""


def greedy(places: int, count: int, seed: int = 0) -> Rows:
    """The paper's choice: from a random one on, each time the one of largest mean Hamming distance to those
    chosen, none twice. Nothing keeps the least distance up: it is 2 in the authors' set of 100 for 9 places.

    Paper: Noroozi and Favaro 2016, Unsupervised Learning of Visual Representations by Solving Jigsaw Puzzles,
    arXiv:1603.09246, algorithm 1.
    """
    every: UInt8[np.ndarray, "places all"] = np.array(
        list(itertools.permutations(range(places))), np.uint8
    ).T.copy()
    total = np.zeros(every.shape[1], np.int32)  # distances to those chosen, summed
    chosen = [int(np.random.RandomState(seed).randint(every.shape[1]))]
    while len(chosen) < count:
        last = every[:, chosen[-1]]
        for place in range(places):
            total += every[place] != last[place]
        total[chosen] = -1
        chosen.append(int(total.argmax()))
    return every[:, chosen].T.astype(np.int64)


CHOICES = ("algebra", "greedy")


def permutations(places: int, count: int = 0, choice: str = "algebra") -> Int[Tensor, "count places"]:
    """A set of permutations; entry i of each says which tile goes to place i. The same on every machine.

    Args:
        places: 4 or 9 by algebra, up to 9 by the greedy choice.
        count: 12 of 4 places, 72 or 504 of 9 by algebra; any number by the greedy choice. 0: the least by algebra.
        choice: algebra or greedy.

    Raises `InputError` for any other number.

    >>> permutations(4).shape
    torch.Size([12, 4])
    """
    if choice not in CHOICES:
        raise InputError(f"choice: {choice!r} is none of {names(CHOICES)}")
    known = [size for of, size in ALGEBRA if of == places]
    if choice == "greedy" and places <= 9:
        most = math.factorial(places)
        count = count or min(known, default=most)
        if not 2 <= count <= most:
            raise InputError(f"permutations: {count} of {places} tiles; give 2 to {most:,}")
        return torch.from_numpy(greedy(places, count))
    if not known:
        raise InputError(f"permutations: none are known of {places} tiles; use a grid of 2 or 3")
    count = count or min(known)
    if count not in known:
        those = " or ".join(map(str, known))
        raise InputError(
            f"permutations: {count} of {places} tiles; algebra gives {those}, choice=greedy any number"
        )
    return torch.from_numpy(ALGEBRA[places, count]().astype(np.int64))
