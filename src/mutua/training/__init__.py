"""Training anything with a step: `fit(method, data, plan)`; rows in memory by `descend`."""

from mutua.training.cached import cached_step
from mutua.training.calibrate import calibrate
from mutua.training.inner import descend, shuffled_batches
from mutua.training.loop import fit
from mutua.training.optimizers import LARS, OPTIMIZERS
from mutua.training.plan import SCALINGS, SCHEDULES, Plan
from mutua.training.stopping import Diverged, Interrupted

__all__ = [
    "LARS",
    "OPTIMIZERS",
    "SCALINGS",
    "SCHEDULES",
    "Diverged",
    "Interrupted",
    "Plan",
    "cached_step",
    "calibrate",
    "descend",
    "fit",
    "shuffled_batches",
]
