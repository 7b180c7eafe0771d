"""The usual ways to compose a method: judging views of one example, telling pairs apart, and predicting what was
done to the input."""

from mutua.objectives.contrastive import Contrastive
from mutua.objectives.given import Given
from mutua.objectives.pixels import LIKELIHOODS, Pixels
from mutua.objectives.predictive import Predictive, Puzzle
from mutua.objectives.queue import Queue
from mutua.objectives.scoring import scored, scored_views
from mutua.objectives.siamese import Siamese, Views, draw_views, head_mlp
from mutua.objectives.spread import off_diagonal, spread
from mutua.objectives.target import Followed, Target

__all__ = [
    "LIKELIHOODS",
    "Contrastive",
    "Followed",
    "Given",
    "Pixels",
    "Predictive",
    "Puzzle",
    "Queue",
    "Siamese",
    "Target",
    "Views",
    "draw_views",
    "head_mlp",
    "off_diagonal",
    "scored",
    "scored_views",
    "spread",
]
