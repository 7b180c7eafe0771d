"""The two usual ways to compose a method: telling pairs apart, and predicting what was done to the input."""

from mutua.objectives.contrastive import Contrastive, draw_views, head_mlp, scored
from mutua.objectives.predictive import Predictive, Puzzle

__all__ = ["Contrastive", "Predictive", "Puzzle", "draw_views", "head_mlp", "scored"]
