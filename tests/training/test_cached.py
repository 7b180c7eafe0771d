from contextlib import nullcontext
from dataclasses import replace

import pytest
import torch
from torch import Generator, nn

from mutua.methods import rotation
from mutua.objectives.batches import length, part
from mutua.training import Plan, cached_step, fit
from mutua.types import Embedding, InputError
from training.cut_toys import ENCODERS, Dropping, Nested, agree, contrastive, cut, images, whole
from training.toys import Numbers, Toy

PLAN = Plan(epochs=2, batch=10, lr=1e-2, accelerator="cpu", save_every=0.0, log_every=1)


class Pictures:
    """Rows of double precision, which the plan's precision leaves alone."""

    def __init__(self, n=20):
        self.images = images(n)

    def __len__(self):
        return len(self.images)

    def take(self, index):
        return self.images[index]


@pytest.mark.parametrize("views", [2, 3])
@pytest.mark.parametrize("micro_batch", [1, 2, 3, 5, 10, 11, 64])
def test_the_gradient_is_the_whole_batchs_for_any_chunk(micro_batch, views):
    batch = images(11)
    want = whole(contrastive(views=views), batch)
    assert want["gradient of critic.log_temperature"].abs() > 1e-4
    agree(cut(contrastive(views=views), batch, micro_batch), want)


def test_the_gradient_of_a_residual_network_of_group_norms():
    agree(cut(contrastive("resnet18"), images(5), 2), whole(contrastive("resnet18"), images(5)))


@pytest.mark.parametrize("encoder", ["tangled", "dim32"])
@pytest.mark.parametrize("micro_batch", [2, 4, 9])
def test_batch_norm_of_chunks_exact_is_that_of_the_whole_batch(encoder, micro_batch):
    batch = images(9, ENCODERS[encoder][1])
    want = whole(contrastive(encoder), batch)
    agree(cut(contrastive(encoder), batch, micro_batch, "exact"), want)


def test_exact_where_there_is_no_batch_norm():
    agree(cut(contrastive(), images(7), 3, "exact"), whole(contrastive(), images(7)))


def test_batch_norm_chunk_by_chunk_is_another_function():
    """The control of the test above, and what `chunk` says it is: a loop over chunks, each with its statistics."""
    batch = images(9)
    want, got = whole(contrastive("tangled"), batch), cut(contrastive("tangled"), batch, 4, "chunk")
    assert not torch.allclose(got["loss"], want["loss"], rtol=1e-3)
    twin = contrastive("tangled").train()
    drawn = twin.draw(batch, Generator().manual_seed(2))
    chunks = []
    for span in (slice(0, 4), slice(4, 8), slice(8, 9)):
        taken = {name: {a: {b: c[span] for b, c in v.items()} for a, v in d.items()} for name, d in drawn.items()}
        chunks.append(twin.embed(batch[span], taken))
    step = twin.judge(torch.cat(chunks))
    step.loss.backward()
    assert torch.allclose(got["loss"], step.loss)
    for name, p in twin.named_parameters():
        assert torch.allclose(got[f"gradient of {name}"], p.grad, atol=1e-12), name
    for name, buffer in twin.named_buffers():
        assert torch.equal(got[name], buffer), name  # counted once, though each chunk ran twice


@pytest.mark.parametrize("encoder", ["tangled", "dim32"])
def test_batch_norm_is_refused_with_the_mend(encoder):
    with pytest.raises(InputError, match="normalising 4 examples is another function than normalising 9; take an"):
        cut(contrastive(encoder), images(9, ENCODERS[encoder][1]), 4)


def test_batch_norm_in_eval_mode_ties_nothing_together():
    methods = [contrastive("tangled"), contrastive("tangled")]
    for method in methods:
        for module in method.encoder.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.running_mean is not None:
                module.eval()
            elif isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.track_running_stats, module.running_mean = True, torch.zeros(4, dtype=torch.float64)
                module.running_var = torch.ones(4, dtype=torch.float64)
                module.eval()
        method.train = lambda method=method: method
    agree(cut(methods[0], images(9), 4), whole(methods[1], images(9)))


def test_dropout_is_the_same_in_both_passes_and_differs_among_chunks():
    method = Dropping()
    torch.manual_seed(3)
    before = torch.random.get_rng_state()
    cut(method, torch.ones(9, 3, 6, 6, dtype=torch.float64), 3)
    first, second = method.passes[:3], method.passes[3:]
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    assert any((chunk == 0).any() for chunk in first)
    assert not torch.equal(first[0], first[1])
    assert not torch.equal(torch.random.get_rng_state(), before)  # the next step drops others


def test_a_scaled_loss_scales_every_gradient_alike():
    want = whole(contrastive("tangled"), images(9))
    method = contrastive("tangled").train()
    cached_step(
        method, images(9), Generator().manual_seed(2), 4, "exact", backward=lambda loss: (1024 * loss).backward()
    )
    for name, p in method.named_parameters():
        assert torch.allclose(p.grad, 1024 * want[f"gradient of {name}"], atol=1e-8), name


@pytest.mark.parametrize(("encoder", "batch_norm"), [("plain", "refuse"), ("tangled", "exact")])
def test_under_autocast_the_gradient_is_that_of_autocast(encoder, batch_norm):
    batch = images(8, 6).float()
    found = []
    for micro_batch in (8, 3):
        method = contrastive(encoder).float().train()
        context = lambda: torch.autocast("cpu", torch.bfloat16)  # noqa: E731
        cached_step(method, batch, Generator().manual_seed(2), micro_batch, batch_norm, context=context)
        found.append(torch.cat([p.grad.flatten() for p in method.encoder.parameters()]))
        assert found[-1].dtype == torch.float32
    exact = contrastive(encoder).train()
    whole(exact, batch.double())
    truth = torch.cat([p.grad.flatten() for p in exact.encoder.parameters()])
    rounding = (found[0] - truth).norm()
    assert found[0].abs().max() > 0
    assert (found[1] - truth).norm() < 2 * rounding  # no further from the truth than the whole batch is


def test_batches_of_any_structure():
    batch = {"pair": tuple(torch.randn(2, 7, 3, dtype=torch.float64, generator=Generator().manual_seed(0)))}
    method, twin = Nested(), Nested()
    assert length(batch) == 7
    assert part(batch, slice(2, 5))["pair"][1].shape == (3, 3)
    agree(cut(method, batch, 3), whole(twin, batch))


@pytest.mark.parametrize(
    ("encoder", "plan"),
    [
        ("plain", PLAN),
        ("plain", replace(PLAN, accumulate=2, clip=0.1, ema=0.5, epochs=3)),
        ("tangled", replace(PLAN, batch_norm="exact", optimizer="sgd")),
    ],
    ids=["plain", "accumulated", "exact"],
)
def test_training_in_chunks_is_training(encoder, plan):
    want, got, start = contrastive(encoder), contrastive(encoder), contrastive(encoder)
    rows = fit(want, Pictures(), replace(plan, micro_batch=0))
    cut_rows = fit(got, Pictures(), replace(plan, micro_batch=3))
    assert [row["loss"] for row in cut_rows] == pytest.approx([row["loss"] for row in rows], rel=1e-6)
    agree(got.state_dict(), want.state_dict(), rtol=1e-6, atol=1e-7)
    moved = torch.cat([(a - b).flatten() for a, b in zip(want.parameters(), start.parameters(), strict=True)])
    assert moved.abs().max() > 1e-3


def test_resuming_with_other_chunks(tmp_path):
    def interrupted(error):
        method = contrastive("plain")
        judge, left = method.judge, [3]

        def stumbling(z):
            if not left[0]:
                raise error
            left[0] -= 1
            return judge(z)

        method.judge = stumbling
        return method

    plan = replace(PLAN, micro_batch=4)
    want = contrastive("plain")
    fit(want, Pictures(), plan)
    with pytest.raises(ZeroDivisionError):
        fit(interrupted(ZeroDivisionError()), Pictures(), plan, folder=tmp_path)
    same = contrastive("plain")
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "checkpoint.pt").write_bytes((tmp_path / "checkpoint.pt").read_bytes())
    fit(same, Pictures(), plan, folder=tmp_path / "copy", resume=True)
    assert all(torch.equal(a, b) for a, b in zip(same.parameters(), want.parameters(), strict=True))
    other = contrastive("plain")
    fit(other, Pictures(), replace(plan, micro_batch=7), folder=tmp_path, resume=True)
    agree(other.state_dict(), want.state_dict(), rtol=1e-6, atol=1e-8)


def test_chunks_of_another_size_are_another_function_where_each_has_its_statistics(tmp_path):
    plan = replace(PLAN, micro_batch=5, batch_norm="chunk")
    fit(contrastive("tangled"), Pictures(), plan, folder=tmp_path)
    with pytest.raises(InputError, match="is of micro_batch 5, not 2; resume with its settings"):
        fit(contrastive("tangled"), Pictures(), replace(plan, micro_batch=2), folder=tmp_path, resume=True)


def test_a_checkpoint_from_before_there_were_chunks_is_resumed(tmp_path):
    path = tmp_path / "checkpoint.pt"
    fit(Toy(), Numbers(), PLAN, folder=tmp_path)
    state = torch.load(path, weights_only=True)
    state["about"] = {k: v for k, v in state["about"].items() if k not in ("batch_norm", "scaling")}
    torch.save(state, path)
    fit(Toy(), Numbers(), PLAN, folder=tmp_path, resume=True)
    with pytest.raises(InputError, match="is of scaling 'none', not 'sqrt'"):
        fit(Toy(), Numbers(), replace(PLAN, scaling="sqrt"), folder=tmp_path, resume=True)


def test_a_method_that_cannot_be_cut_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(InputError, match="micro_batch: a step of Toy has no draw, embed and judge"):
        fit(Toy(), Numbers(), replace(PLAN, micro_batch=4), folder=tmp_path)
    assert not list(tmp_path.iterdir())
    fit(Toy(), Numbers(), replace(PLAN, micro_batch=10))  # the whole batch: nothing to cut
    from mutua.encoders import dim32

    assert not isinstance(rotation(dim32(3, 16)), Embedding)


def test_no_context_is_needed():
    method = contrastive().train()
    cached_step(method, images(4), Generator(), 2, context=nullcontext)
    assert all(p.grad is not None for p in method.parameters())


def test_a_frozen_encoder_trains_its_head(tmp_path):
    found = []
    for micro_batch in (0, 3):
        method = contrastive()
        method.encoder.requires_grad_(False)
        fit(method, Pictures(), replace(PLAN, micro_batch=micro_batch))
        found.append(dict(method.named_parameters()))
    for name, value in found[0].items():
        torch.testing.assert_close(found[1][name], value, msg=name)


def test_a_resumption_with_other_batch_norm_names_it(tmp_path):
    plan = replace(PLAN, micro_batch=3, batch_norm="exact")
    fit(contrastive(), Pictures(), plan, folder=tmp_path)
    with pytest.raises(InputError, match="is of batch_norm 'exact', not 'chunk'"):
        fit(contrastive(), Pictures(), replace(plan, batch_norm="chunk"), folder=tmp_path, resume=True)
