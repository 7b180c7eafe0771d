import math
import subprocess
import sys

import pytest
import torch

import scoring_workers
from mutua.critics import Dot
from mutua.objectives import scored, scored_views
from mutua.objectives.scoring import Pooled
from mutua.scores import Streamed, paired
from mutua.types import Scores


@pytest.fixture(scope="module", params=[2, 3])
def together(request, tmp_path_factory):
    """What so many processes found, dense and streamed."""
    folder = tmp_path_factory.mktemp("together")
    command = [sys.executable, scoring_workers.__file__]
    arguments = [str(request.param), str(folder)]
    started = [
        subprocess.Popen([*command, str(k), *arguments], stderr=subprocess.PIPE) for k in range(request.param)
    ]
    for process in started:
        _, errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors.decode()
    return {on: torch.load(folder / f"{on}.pt", weights_only=True) for on in (False, True)}


def test_ranks_that_score_their_own_rows_give_the_value_and_gradients_of_one(together):
    whole = scoring_workers.everything(False)
    for streaming, found in together.items():
        assert found.keys() == whole.keys()
        for name, want in whole.items():
            assert found[name].keys() == want.keys()
            for key, value in want.items():
                torch.testing.assert_close(
                    found[name][key], value, rtol=1e-9, atol=1e-11,
                    msg=lambda text, at=(streaming, name, key): f"{at}: {text}",
                )  # fmt: skip


def test_one_process_is_the_special_case():
    x, y = torch.randn(5, 3), torch.randn(5, 3)
    scores = paired(Dot(), x, y)
    assert not isinstance(scored(paired, Dot(), x, y), Pooled)
    pooled = Pooled(scores)
    assert isinstance(pooled, Scores)
    assert pooled.others == 4
    assert torch.equal(pooled.joint, scores.joint)
    assert pooled.mean(torch.exp).item() == pytest.approx(scores.mean(torch.exp).item())
    assert pooled.logmeanexp().item() == pytest.approx(scores.logmeanexp().item())
    assert torch.equal(pooled.row_logmeanexp(), scores.row_logmeanexp())


def test_scores_are_widened_whether_streamed_or_not():
    for n in (8, 1024):
        with torch.autocast("cpu", torch.bfloat16):
            scores = scored_views(Dot(), torch.randn(2, n, 4).bfloat16())
        assert isinstance(scores, Streamed) == (n == 1024)
        rows = scores.row_logmeanexp()
        assert scores.joint.dtype == rows.dtype == torch.float32
        assert math.isfinite(rows.sum().item())
