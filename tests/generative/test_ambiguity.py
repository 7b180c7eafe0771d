"""The study's promises: equal to 1e-9 where the model says so, and not where it doesn't; latents always move."""

import pytest

from mutua.generative.ambiguity import Ambiguity, ambiguity
from mutua.types import InputError


@pytest.mark.parametrize("seed", range(3))
def test_likelihoods_and_latents(seed):
    result = ambiguity(Ambiguity(n_samples=300, seed=seed))
    assert [table.title for table in result.tables] == ["ProbabilisticPCA", "FactorAnalysis"]
    for table in result.tables:
        by_model = {row["model"]: row for row in table.records()}
        alone = by_model.pop("W rescaled alone")
        assert alone["difference"] < -0.1
        assert abs(alone["linear R2"] - 1) < 1e-9
        for name, row in by_model.items():
            assert abs(row["difference"]) < 1e-9
            assert (row["latents moved"] > 0.1) == (name != "as fitted")
            assert row["linear R2"] == pytest.approx(1)


def test_one_factor_has_no_rotation():
    with pytest.raises(InputError, match="n_components=1"):
        ambiguity(Ambiguity(n_components=1))
