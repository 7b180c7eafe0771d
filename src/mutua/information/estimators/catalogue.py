"""The neural estimators of mutual information: what each trains by, and how the critic is then read, in nats.

`ESTIMATORS` names them. An objective is raised on training pairs (`fit_critic`), the reading taken of the same
critic on other pairs (`held_out_scores`, `neural_estimate`). N paired rows give N joint scores; "2N" takes one
draw from the product for each (`one_negative`), "N^2" takes all N (N - 1) of them (`all_pairs`). A separable
critic makes the N^2 scores by N passes of its networks and a matrix product.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

from jaxtyping import Float
from torch import Generator, Tensor, nn

from mutua.bounds import dv, infonce, interpolated, jsd, nwj, smile, tuba
from mutua.critics import Separable
from mutua.information.estimators.club import GaussianConditional, club, leave_one_out, likelihood, paired_by_y
from mutua.information.estimators.mine import Mine
from mutua.information.estimators.tuba_baseline import LogBaseline
from mutua.scores import paired, shuffled
from mutua.types import Bound, Contrast, Critic, Scores

__all__ = ["ESTIMATORS", "Arrangement", "Estimator", "all_pairs", "one_negative", "plugin"]

Arrangement = Callable[[Critic, Tensor, Tensor, Generator], Scores]
"""Critic, x (n, dx), y (n, dy) and a generator to scores: which pairs stand for the product in training."""

Pairs = Callable[[Critic, Tensor, Tensor], Scores]
"""Critic, x (*b, n, dx), y (*b, n, dy) to scores of all pairs: how held-out blocks are read."""


def all_pairs(critic: Critic, x: Float[Tensor, "n dx"], y: Float[Tensor, "n dy"], generator: Generator) -> Scores:
    """N^2: every (x_i, y_j), j != i, is from the product. Draws nothing from the generator."""
    return paired(critic, x, y)


def one_negative(
    critic: Critic, x: Float[Tensor, "n dx"], y: Float[Tensor, "n dy"], generator: Generator
) -> Scores:
    """2N: one (x_i, y_s(i)) for each i, s a random cycle, so that no true pair is among them."""
    return shuffled(critic, x, y, generator)


def plugin(scores: Scores) -> Float[Tensor, "*b"]:
    """E_p T: I itself where T = log r, being the mean of log r over the joint. No bound, no normaliser."""
    return scores.joint.mean((-2, -1))


@dataclass(frozen=True)
class Estimator:
    """A neural estimator of mutual information.

    Args:
        name: its key in `ESTIMATORS`.
        objective: makes the function of scores that training raises, new for each training (it may keep state).
        read: scores of pairs not trained on to nats.
        side: of the truth, in expectation over readings of a fixed critic ("lower" of `dv` and its kin: in
            population, see its bias).
        optimum: what the critic becomes; r = p(x, y)/p(x)p(y).
        evaluations: of the critic on a batch of N pairs: "2N or N^2" where one negative a pair is enough to
            train by (`one_negative` or `all_pairs`), "N^2" where rows of negatives belong to the formula.
        formula: one line; T the critic, E_p over the joint, E_q over the product, K the size of a block.
        bias, variance: a sentence each.
        paper: where it is from.
        arrangement: the pairs of training, where no other is asked for.
        pairs: the pairs of reading.
        critic: dx and dy to a critic of the kind it needs.
        baseline: dx to a network log a(x), learned with the critic and taken off its scores.
    """

    name: str
    objective: Callable[[], Bound | Contrast]
    read: Bound
    side: Literal["lower", "upper", "neither"]
    optimum: str
    evaluations: Literal["2N or N^2", "N^2"]
    formula: str
    bias: str
    variance: str
    paper: str
    arrangement: Arrangement = all_pairs
    pairs: Pairs = paired
    critic: Callable[[int, int], Critic] = Separable
    baseline: Callable[[int], nn.Module] | None = None


MEMBERS: tuple[Estimator, ...] = (
    Estimator(
        name="dv",
        objective=lambda: dv,
        read=dv,
        side="lower",
        optimum="log r + c",
        evaluations="2N or N^2",
        formula="E_p T - log E_q e^T",
        bias="Up on samples, since the log of a mean of samples is too low (Jensen): by about "
        "var_q(e^T)/2n relative to (E_q e^T)^2; training on small batches exploits it.",
        variance="At least (e^I - 1)/n at the optimum: grows with exp of the information.",
        paper="Donsker and Varadhan 1983; Belghazi et al. 2018, arXiv:1801.04062",
    ),
    Estimator(
        name="mine",
        objective=Mine,
        read=dv,
        side="lower",
        optimum="log r + c",
        evaluations="2N or N^2",
        formula="E_p T - log E_q e^T, trained along E_p dT - E_q[e^T dT] / average of E_q e^T",
        bias="The reading's is that of dv, up; the gradient's is removed by the average over batches.",
        variance="That of dv: at least (e^I - 1)/n at the optimum.",
        paper="Belghazi et al. 2018, arXiv:1801.04062",
    ),
    Estimator(
        name="nwj",
        objective=lambda: nwj,
        read=nwj,
        side="lower",
        optimum="1 + log r",
        evaluations="2N or N^2",
        formula="E_p T - e^-1 E_q e^T (MINE-f, f-GAN's KL)",
        bias="None at a fixed critic beyond its gap; the critic lags where the information is high.",
        variance="At least (e^I - 1)/n at the optimum, for Gaussians far more: a single pair can decide it.",
        paper="Nguyen, Wainwright and Jordan 2010, arXiv:0809.0853",
    ),
    Estimator(
        name="tuba",
        objective=lambda: tuba,
        read=tuba,
        side="lower",
        optimum="log r, once its learned log a(x) is taken off",
        evaluations="2N or N^2",
        formula="1 + E_p log(e^T / a(x)) - E_q[e^T / a(x)], log a an MLP",
        bias="None at a fixed critic and baseline beyond their gap.",
        variance="That of nwj at the optimum; the baseline spares the critic from learning the scale.",
        paper="Poole et al. 2019, arXiv:1905.06922",
        baseline=LogBaseline,
    ),
    Estimator(
        name="jsd",
        objective=lambda: jsd,
        read=tuba,
        side="lower",
        optimum="log r",
        evaluations="2N or N^2",
        formula="trained by -E_p softplus(-T) - E_q softplus(T), read 1 + E_p T - E_q e^T",
        bias="None at a fixed critic beyond its gap (reading E_p T - e^-1 E_q e^T, as public code does, is "
        "1/e = 0.368 low).",
        variance="Training has little; the reading's is that of nwj.",
        paper="Hjelm et al. 2019, arXiv:1808.06670; Poole et al. 2019, arXiv:1905.06922",
    ),
    Estimator(
        name="infonce",
        objective=lambda: infonce,
        read=infonce,
        side="lower",
        optimum="log r + c(x)",
        evaluations="N^2",
        formula="log K + E_p log [e^T(x, y) / sum over the block's K of e^T(x, y_j)]",
        bias="Down: never above log K, and low by at least I - log K beyond.",
        variance="Little: near the cap it vanishes, which makes it look surer than it is right.",
        paper="van den Oord et al. 2018, arXiv:1807.03748",
    ),
    Estimator(
        name="interpolated",
        objective=lambda: interpolated,
        read=interpolated,
        side="lower",
        optimum="1 + log r as K grows",
        evaluations="N^2",
        formula="1 + E_p log(e^T / a) - E_q[e^T / a], a = (mean e^T of the block + e)/2",
        bias="Down: capped near log 2K.",
        variance="Between those of infonce and nwj, near infonce's.",
        paper="Poole et al. 2019, arXiv:1905.06922",
    ),
    Estimator(
        name="interpolated_0.01",
        objective=lambda: partial(interpolated, alpha=0.01),
        read=partial(interpolated, alpha=0.01),
        side="lower",
        optimum="1 + log r as K grows",
        evaluations="N^2",
        formula="1 + E_p log(e^T / a) - E_q[e^T / a], a = 0.01 mean e^T of the block + 0.99 e",
        bias="Down: capped near log 100K.",
        variance="Between those of infonce and nwj, near nwj's until the cap.",
        paper="Poole et al. 2019, arXiv:1905.06922",
    ),
    Estimator(
        name="smile_1",
        objective=lambda: jsd,
        read=partial(smile, tau=1.0),
        side="neither",
        optimum="log r",
        evaluations="2N or N^2",
        formula="trained as jsd, read E_p T - log E_q e^clip(T, -1, 1)",
        bias="Up at the optimum, by .4 to 1 nat from 2 to 10 on Gaussians of 20 columns; a critic that lags "
        "reads down, and the two may cancel.",
        variance="Little: of the normaliser at most about (e - 1/e)^2/n.",
        paper="Song and Ermon 2020, arXiv:1910.06222",
    ),
    Estimator(
        name="smile_5",
        objective=lambda: jsd,
        read=partial(smile, tau=5.0),
        side="neither",
        optimum="log r",
        evaluations="2N or N^2",
        formula="trained as jsd, read E_p T - log E_q e^clip(T, -5, 5)",
        bias="Up at the optimum where the information is high: by 2.1 nats at 10.",
        variance="Of the normaliser at most about (e^5 - e^-5)^2/n.",
        paper="Song and Ermon 2020, arXiv:1910.06222",
    ),
    Estimator(
        name="smile_inf",
        objective=lambda: jsd,
        read=dv,
        side="lower",
        optimum="log r",
        evaluations="2N or N^2",
        formula="trained as jsd, read E_p T - log E_q e^T",
        bias="Up on samples (Jensen), as dv; JSD training doesn't exploit it.",
        variance="Training has little; the reading's is that of dv.",
        paper="Song and Ermon 2020, arXiv:1910.06222",
    ),
    Estimator(
        name="jsd_plugin",
        objective=lambda: jsd,
        read=plugin,
        side="neither",
        optimum="log r",
        evaluations="2N or N^2",
        formula="trained as jsd, read E_p T (GAN-DIME)",
        bias="That of the critic, first order in its error, where bounds are of the second.",
        variance="var_p(log r)/n, the least of all: nothing is exponentiated.",
        paper="Letizia, Novello and Tonello 2024, Mutual information estimation via f-divergence and data "
        "derangements, arXiv:2305.20025",
    ),
    Estimator(
        name="kl_plugin",
        objective=lambda: tuba,
        read=plugin,
        side="neither",
        optimum="log r",
        evaluations="2N or N^2",
        formula="trained by 1 + E_p T - E_q e^T, read E_p T (KL-DIME)",
        bias="That of the critic, first order in its error.",
        variance="var_p(log r)/n in the reading; training has that of nwj.",
        paper="Letizia, Novello and Tonello 2024, arXiv:2305.20025",
    ),
    Estimator(
        name="tnce",
        objective=lambda: likelihood,
        read=infonce,
        side="lower",
        optimum="log p(y|x)",
        evaluations="N^2",
        formula="infonce of T = log q(y|x), q trained by likelihood",
        bias="Down: never above log K, and lower the worse q.",
        variance="Little, as infonce.",
        paper="Poole et al. 2019, arXiv:1905.06922",
        arrangement=one_negative,
        critic=GaussianConditional,
    ),
    Estimator(
        name="club",
        objective=lambda: likelihood,
        read=club,
        side="upper",
        optimum="log p(y|x)",
        evaluations="2N or N^2",
        formula="E_p log q(y|x) - E_q log q(y|x), q trained by likelihood",
        bias="Up if q is accurate, by KL(p(x)p(y) | p(x, y)), which may exceed I many times; else unknown.",
        variance="Grows with the inverse of q's variance, hence with exp of the information.",
        paper="Cheng et al. 2020, arXiv:2006.12013",
        arrangement=one_negative,
        critic=GaussianConditional,
    ),
    Estimator(
        name="leave_one_out",
        objective=lambda: likelihood,
        read=leave_one_out,
        side="upper",
        optimum="log p(y|x)",
        evaluations="N^2",
        formula="E[log q(y_i|x_i) - log mean over j != i of q(y_i|x_j)], q trained by likelihood",
        bias="Up if q is accurate, less with a larger block; else unknown.",
        variance="That of log q; one outlying y, far from every other row's conditional, can dominate.",
        paper="Poole et al. 2019, arXiv:1905.06922",
        arrangement=one_negative,
        pairs=paired_by_y,
        critic=GaussianConditional,
    ),
)

ESTIMATORS: dict[str, Estimator] = {member.name: member for member in MEMBERS}
