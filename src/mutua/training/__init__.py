"""Training anything with a step: `fit(method, data, plan)`."""

from mutua.training.loop import fit
from mutua.training.optimizers import LARS, OPTIMIZERS
from mutua.training.plan import SCHEDULES, Plan
from mutua.training.stopping import Diverged, Interrupted

__all__ = ["LARS", "OPTIMIZERS", "SCHEDULES", "Diverged", "Interrupted", "Plan", "fit"]
