"""The two usual ways to compose a method: telling pairs apart, and predicting what was done to the input."""

from mutua.objectives.contrastive import Contrastive, draw_views, head_mlp
from mutua.objectives.given import Given
from mutua.objectives.predictive import Predictive, Puzzle
from mutua.objectives.scoring import scored, scored_views

__all__ = ["Contrastive", "Given", "Predictive", "Puzzle", "draw_views", "head_mlp", "scored", "scored_views"]
