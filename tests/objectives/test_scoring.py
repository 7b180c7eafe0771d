import math
import subprocess
import sys

import pytest
import torch

import scoring_workers
from mutua.critics import Bilinear, Cosine, Dot, Separable
from mutua.objectives import scored, scored_views, scoring
from mutua.objectives.scoring import Pooled
from mutua.scores import Dense, Streamed, local, paired
from mutua.streamed import inner
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
        _, errors = process.communicate()
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


class There(torch.Tensor):
    """A tensor that says it lies on CUDA."""

    is_cuda = True


@pytest.fixture
def autocast_to():
    """Autocast of CUDA as it is inside a step: torch.autocast refuses where there is none."""
    before = torch.is_autocast_enabled("cuda"), torch.get_autocast_dtype("cuda")

    def to(dtype):
        torch.set_autocast_enabled("cuda", dtype is not None)
        torch.set_autocast_dtype("cuda", dtype or torch.float16)

    yield to
    torch.set_autocast_enabled("cuda", before[0])
    torch.set_autocast_dtype("cuda", before[1])


@pytest.mark.parametrize(
    ("autocast", "dtype", "brief"),
    [
        (None, torch.float32, False),
        (None, torch.bfloat16, True),
        (torch.bfloat16, torch.float32, True),
        (torch.float16, torch.float32, False),
        (torch.float16, torch.bfloat16, False),
    ],
)
def test_products_are_brief_on_cuda_alone_as_autocast_has_them(autocast, dtype, brief, autocast_to):
    autocast_to(autocast)
    x = torch.zeros(3, dtype=dtype)
    assert scoring._brief(x.as_subclass(There)) == brief
    assert not scoring._brief(x)


@pytest.fixture
def handed(monkeypatch):
    """The factors that rows are summed from, where they may be brief."""
    seen = []
    monkeypatch.setattr(inner, "fused_rows", lambda left, right, apart: seen.append((left, right)))
    monkeypatch.setattr(scoring, "_brief", lambda x: True)
    return seen


CRITICS = {
    "cosine": lambda: Cosine(0.2),
    "bilinear": lambda: Bilinear(8, 8),
    "separable": lambda: Separable(8, 8, 16, 1, 8),
    "dot": Dot,
}


@pytest.mark.parametrize("critic", CRITICS)
@pytest.mark.parametrize("arrangement", ["views", "pairs", "places"])
def test_brief_factors_reach_the_kernels_and_change_little(critic, arrangement, handed, monkeypatch, generator):
    torch.manual_seed(0)
    critic = CRITICS[critic]()
    x = torch.randn(2, 2100, 8, generator=generator).requires_grad_()
    found = []
    for brief in (True, False):
        monkeypatch.setattr(scoring, "_brief", lambda x, brief=brief: brief)
        if arrangement == "views":
            scores = scored_views(critic, x)
        elif arrangement == "pairs":
            scores = scored(paired, critic, x[0], x[1])
        else:
            scores = scored(local, critic, x[0], x[1].unflatten(0, (2100, 1)).expand(-1, 3, -1))
        assert isinstance(scores, Streamed)
        rows = scores.row_logmeanexp()
        assert rows.dtype == scores.joint.dtype == torch.float32
        (grad,) = torch.autograd.grad((scores.joint.mean(-1) - rows).mean(), x)
        found.append((rows.detach(), grad))
    kinds = {factor.dtype for factor in handed[0]}
    assert kinds == {torch.bfloat16}
    assert {factor.dtype for factor in handed[1]} == {torch.float32}
    assert (handed[0][0] is handed[0][1]) == (handed[1][0] is handed[1][1])
    for brief, wide in zip(*found, strict=True):
        assert float((brief - wide).norm() / wide.norm()) < 1e-2
        assert not torch.equal(brief, wide)


def test_few_pairs_are_never_brief(handed, generator):
    x = torch.randn(2, 8, 4, generator=generator)
    scores = scored_views(Dot(), x)
    assert isinstance(scores, Dense)
    assert torch.equal(scores.product, x.flatten(0, 1) @ x.flatten(0, 1).T)
    assert not handed
