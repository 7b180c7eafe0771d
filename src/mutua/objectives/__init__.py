"""The usual ways to compose a method: judging views of one example, telling pairs apart, predicting what was
done to the input, restoring what was hidden of it, and telling what comes next."""

from mutua.objectives.adversary import Adversary
from mutua.objectives.ahead import Ahead, Over
from mutua.objectives.contrastive import Contrastive
from mutua.objectives.given import Given
from mutua.objectives.negatives import NEGATIVES, Negatives
from mutua.objectives.permutations import permutations
from mutua.objectives.pixels import LIKELIHOODS, Pixels
from mutua.objectives.predictive import Predictive, Puzzle, Puzzled
from mutua.objectives.queue import Queue
from mutua.objectives.reconstructive import Reconstructive, square_error
from mutua.objectives.scoring import scored, scored_views
from mutua.objectives.siamese import Siamese, Views, draw_views, head_mlp
from mutua.objectives.spread import off_diagonal, spread
from mutua.objectives.target import Followed, Target
from mutua.objectives.telling import Telling, Told, entropy, told
from mutua.objectives.tiles import TilePuzzle, check_tiled, mosaic

__all__ = [
    "LIKELIHOODS",
    "NEGATIVES",
    "Adversary",
    "Ahead",
    "Contrastive",
    "Followed",
    "Given",
    "Negatives",
    "Over",
    "Pixels",
    "Predictive",
    "Puzzle",
    "Puzzled",
    "Queue",
    "Reconstructive",
    "Siamese",
    "Target",
    "Telling",
    "TilePuzzle",
    "Told",
    "Views",
    "check_tiled",
    "draw_views",
    "entropy",
    "head_mlp",
    "mosaic",
    "off_diagonal",
    "permutations",
    "scored",
    "scored_views",
    "spread",
    "square_error",
    "told",
]
