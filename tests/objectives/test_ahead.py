"""Laws of telling what comes next: a slow twin, causality, padding, windows, negatives."""

from __future__ import annotations

import math
from typing import get_args

import pytest
import torch
from torch import Generator, Tensor, nn

from mutua.data import KINDS
from mutua.encoders import ENCODERS, Ordered, Pieces, grid_ahead
from mutua.objectives import NEGATIVES, Ahead, Over
from mutua.types import Batch, InputError, Spec, parted

SMALL = {kind: each.small for kind, each in KINDS.items()} | {
    "text": Spec("text", (6, 8), "int32", words=24),
}
ORDERED = [
    (name, kind)
    for name, network in ENCODERS.items()
    for kind in sorted(network.takes)
    if name != "towers" and isinstance(network.build(SMALL[kind]), Ordered)  # which wants sound too
]
every_encoder = pytest.mark.parametrize(("name", "kind"), ORDERED)


class Identity(Ordered):
    """Pieces that are the rows of a series (n, t, 2), and contexts that are pieces."""

    field, hop, clean, count = 1, 1, 1, 6
    shapes = {"pieces": (2, 6), "context": (2, 6), "pool": (2,)}  # noqa: RUF012
    spec = Spec("series", (6, 2), "float32")

    def __init__(self) -> None:
        nn.Module.__init__(self)

    def ahead(self, batch: Batch) -> Pieces:
        x, mask = parted(batch)
        return Pieces(x[:, None], x[:, None], mask)


def batch_of(lengths: list[int]) -> dict[str, Tensor]:
    generator = Generator().manual_seed(1)
    x = torch.randn(len(lengths), 6, 2, dtype=torch.float64, generator=generator)
    mask = torch.arange(6) < torch.tensor(lengths)[:, None]
    return {"x": x, "mask": mask, "group": torch.tensor([0, 1, 0, 2, 1])[: len(lengths)]}


def slow(method: Ahead, batch: dict[str, Tensor]) -> tuple[float, dict[str, float]]:
    """One score at a time."""
    x, mask, group = batch["x"], batch["mask"], batch["group"]
    real = [(i, t) for i in range(len(x)) for t in range(6) if mask[i, t]]
    losses, logs = [], {}
    for k, rows in zip(method.horizons, method.predict[0].weight.split(2), strict=True):

        def score(c: tuple[int, int], z: tuple[int, int], rows: Tensor = rows) -> float:
            return float((rows @ x[c]) @ x[z]) / math.sqrt(2)

        def negative(a: tuple[int, int], b: tuple[int, int]) -> bool:
            same, alike = a[0] == b[0], bool(group[a[0]] == group[b[0]])
            related = {"batch": True, "others": not same, "same": same, "group": alike}
            now = a[1] == b[1] and not same
            related |= {"group-others": alike and not same, "moment": now, "group-moment": now and alike}
            return a != b and related[method.negatives]

        ways = []
        for over in ("pieces", "contexts"):
            each, nats, right = [], [], []
            for i, t in real:
                if (i, t + k) not in real:
                    continue
                c, z = (i, t), (i, t + k)
                others = (
                    [score(c, other) for other in real if negative(z, other)]
                    if over == "pieces"
                    else [score(other, z) for other in real if negative(c, other)]
                )
                loss = math.log(sum(map(math.exp, [score(c, z), *others]))) - score(c, z)
                each.append(loss)
                nats.append(math.log(1 + len(others)) - loss)
                right.append(bool(others) and score(c, z) > max(others))
            ways.append([sum(values) / len(values) for values in (each, nats, right)])
        chosen = {"pieces": ways[:1], "contexts": ways[1:], "both": ways}[method.over]
        loss, nats_k, right_k = (sum(values) / len(values) for values in zip(*chosen, strict=True))
        losses.append(loss)
        logs |= {f"nats_{k}": nats_k, f"top1_{k}": 100 * right_k, f"cap_{k}": nats_k + loss}
    return sum(losses) / len(losses), logs


@pytest.mark.parametrize("negatives", NEGATIVES)
@pytest.mark.parametrize("over", get_args(Over))
def test_a_step_is_the_loop_over_scores(negatives, over):
    method = Ahead(Identity(), (1, 3), negatives, over=over).double()
    batch = batch_of([6, 5, 4, 2])
    step = method.step(batch, Generator())
    loss, logs = slow(method, batch)
    assert step.loss.item() == pytest.approx(loss, rel=1e-9)
    assert {name: float(value) for name, value in step.logs.items()} == pytest.approx(logs, rel=1e-9)


def test_each_axis_is_the_bound_with_its_own_margin():
    # Two examples, one anchor each at horizon 5: four pieces' scores are known, so each softmax is closed form.
    method = Ahead(Identity(), (5,), "others", over="pieces").double()
    x = torch.zeros(2, 6, 2, dtype=torch.float64)
    x[0, 0], x[1, 0], x[0, 5], x[1, 5] = (
        torch.tensor(v, dtype=torch.float64) for v in ([1, 0], [0, 1], [1, 2], [3, 4])
    )
    method.predict[0].weight.data = math.sqrt(2) * torch.eye(2, dtype=torch.float64)
    batch = {"x": x, "mask": torch.tensor([[True] + 4 * [True] + [True]] * 2)}
    found = {}
    for over in ("pieces", "contexts"):
        method.over = over
        found[over] = method.step(batch, Generator()).loss.item()
    e = math.exp
    # c_0 scores the pieces of example 1: <(1, 0), z> = 0 (c_1's own), 0 four times in between, 3; its own
    # scores 1.
    want = [math.log(e(1) + 5 * 1 + e(3)) - 1, math.log(e(4) + e(1 - 1) + 4 + e(2)) - 4]
    assert found["pieces"] == pytest.approx(sum(want) / 2)
    # z of example 0, (1, 2): contexts of example 1 are (0, 1), four zeros, (3, 4).
    want = [math.log(e(1) + e(2) + 4 + e(11)) - 1, math.log(e(4) + e(3) + 4 + e(11)) - 4]
    assert found["contexts"] == pytest.approx(sum(want) / 2)


def test_sentences_to_come_move_neither_contexts_nor_sentences_before():
    encoder = ENCODERS["sentences"].build(SMALL["text"]).eval()
    texts = KINDS["text"].sample(SMALL["text"], 2, Generator().manual_seed(0))
    others = texts.clone()
    others[:, 4:] = 3
    one, other = encoder.ahead(texts), encoder.ahead(others)
    assert torch.equal(one.z[:, :, :4], other.z[:, :, :4])
    assert torch.equal(one.c[:, :, :4], other.c[:, :, :4])
    assert not torch.equal(one.c[:, :, 4:], other.c[:, :, 4:])
    longer = torch.cat([texts, torch.zeros_like(texts)], 2)  # room that no word takes
    torch.testing.assert_close(encoder.ahead(longer).z, one.z)


@pytest.mark.parametrize(("name", "kind"), [pair for pair in ORDERED if pair[1] != "text"])
def test_no_context_has_a_gradient_from_the_future(name, kind):
    encoder = ENCODERS[name].build(SMALL[kind]).double().train("batchnorm" not in name)
    x, _ = parted(KINDS[kind].sample(SMALL[kind], 2, Generator().manual_seed(0)))
    x = (x.double() / {torch.int16: 32768, torch.uint8: 255}.get(x.dtype, 1)).requires_grad_()
    axis, k = 2 if kind == "image" else encoder.spec.time + 1, encoder.clean
    pieces = encoder.ahead(x)
    t = encoder.count - k - 1
    end = t * encoder.hop + encoder.field  # of the last step that piece t sees
    for read, (first, last) in {
        "context": (0, end),
        "clean": (end, x.shape[axis]),
        "piece": (t * encoder.hop, end),
    }.items():
        value = {"context": pieces.c[:, :, t], "clean": pieces.z[:, :, t + k], "piece": pieces.z[:, :, t]}[read]
        (gradient,) = torch.autograd.grad(value.square().sum(), x, retain_graph=True)
        size = gradient.abs().movedim(axis, 0).flatten(1).sum(1)
        assert not size[:first].any(), read
        assert not size[last:].any(), read
        assert size[first:last].any(), read
    if k > 1:
        (gradient,) = torch.autograd.grad(pieces.z[:, :, t + k - 1].square().sum(), x)
        assert gradient.abs().movedim(axis, 0).flatten(1).sum(1)[:end].any()  # one step less far shares some


@every_encoder
def test_batch_mates_do_not_move_pieces_and_contexts_in_training(name, kind):
    encoder = ENCODERS[name].build(SMALL[kind]).train()
    batch = KINDS[kind].sample(SMALL[kind], 4, Generator().manual_seed(0))
    whole, alone = encoder.ahead(batch), encoder.ahead(batch[1:2])
    alike = [
        torch.allclose(one[1:2], other, rtol=1e-3, atol=1e-4)
        for one, other in ((whole.z, alone.z), (whole.c, alone.c))
    ]
    assert alike == [name != "grid-batchnorm"] * 2  # the leak that it is there to show


def test_patches_are_where_they_are_said_to_be_and_turns_turn_them():
    spec = Spec("image", (1, 16, 16), "uint8")
    encoder = grid_ahead(spec).eval()
    images = torch.randint(256, (2, 1, 16, 16), dtype=torch.uint8, generator=Generator().manual_seed(0))
    patches = encoder.cut(images)
    assert patches.shape == (2 * 49, 1, 4, 4)
    assert torch.equal(patches[49 + 7 * 3 + 5], images[1, :, 6:10, 10:14])  # row 3, column 5, two pixels each
    codes = encoder.codes(patches)
    torch.testing.assert_close(codes, encoder.read(images, ("pieces",))["pieces"])
    below, left = encoder.turned(codes, 0), encoder.turned(codes, 1)
    assert torch.equal(below.z[1, 5, 3], codes[1, :, 3, 5])  # line 5 is column 5, downwards
    # A quarter turn anticlockwise: what was the last column, from the left on, is the first row.
    assert torch.equal(left.z[1, 0, 0], codes[1, :, 0, 6])
    assert torch.equal(left.z[1, 0, 1], codes[1, :, 0, 5])
    everywhere = [torch.rot90(torch.rot90(codes, q, (2, 3)), -q, (2, 3)) for q in range(4)]
    assert all(torch.equal(codes, one) for one in everywhere)


def test_four_directions_have_predictors_of_their_own_and_one_context():
    spec = Spec("image", (3, 16, 16), "uint8")
    images = torch.randint(256, (3, 3, 16, 16), dtype=torch.uint8, generator=Generator().manual_seed(0))
    encoder = grid_ahead(spec)
    method = Ahead(encoder, (2, 3), directions=4)
    assert len(method.predict) == 4
    parts = method.pieces(images, Generator())
    codes = encoder.read(images, ("pieces",))["pieces"].detach().requires_grad_()
    seen = []
    for quarters in range(4):
        (gradient,) = torch.autograd.grad(encoder.turned(codes, quarters).c[:, :, 1].square().sum(), codes)
        size = gradient.abs().sum((0, 1))
        seen.append((size.sum(1).nonzero()[:, 0].tolist(), size.sum(0).nonzero()[:, 0].tolist()))
    every = list(range(7))
    assert seen == [([0, 1], every), (every, [5, 6]), ([5, 6], every), (every, [0, 1])]
    losses = [
        method.judged(one, predict, None, Generator())[0]
        for one, predict in zip(parts, method.predict, strict=True)
    ]
    assert method.step(images, Generator()).loss.item() == pytest.approx(sum(losses).item() / 4, rel=1e-5)
    with pytest.raises(InputError, match="view, directions: are of patches of a grid, and these are series"):
        Ahead(Identity(), (1,), directions=2)
    with pytest.raises(InputError, match="size: images of 6 px, and a grid of 7 x 7 patches needs 8"):
        grid_ahead(Spec("image", (3, 6, 6), "uint8"))


@pytest.mark.parametrize(("name", "kind"), [pair for pair in ORDERED if pair[1] in ("sound", "series")])
@pytest.mark.parametrize("negatives", ["batch", "same"])
def test_padding_appended_changes_nothing(name, kind, negatives):
    torch.manual_seed(0)
    spec = SMALL[kind]
    encoder = ENCODERS[name].build(spec).double()
    method = Ahead(encoder, (encoder.clean, encoder.clean + 1), negatives).double()
    x, _ = parted(KINDS[kind].sample(spec, 3, Generator().manual_seed(0)))
    x, axis = x.double() / (32768 if x.dtype == torch.int16 else 1), spec.time + 1
    t = x.shape[axis]
    found = []
    for more in (0, t // 2):
        padded = torch.cat([x, torch.full_like(x.narrow(axis, 0, more), 3.0)], axis)
        batch = {"x": padded, "mask": torch.arange(t + more).expand(3, -1) < t}
        step = method.step(batch, Generator())
        gradient = torch.autograd.grad(step.loss, list(method.parameters()))
        found.append([step.loss, method.encode(batch), *step.logs.values(), *gradient])
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-9)


def test_a_window_is_of_one_example_and_of_what_is_real():
    method = Ahead(Identity(), (1,), window=3)
    x = torch.arange(1, 5).reshape(4, 1, 1).expand(4, 6, 2).float()
    lengths = torch.tensor([6, 4, 3, 2])
    mask = torch.arange(6) < lengths[:, None]
    starts = set()
    for seed in range(20):
        ramp = torch.arange(6).reshape(1, 6, 1) / 10
        cut = method.cut({"x": (x + ramp) * mask[..., None], "mask": mask}, Generator().manual_seed(seed))
        assert cut["x"].shape == (4, 3, 2)
        assert cut["mask"].sum(1).tolist() == [3, 3, 3, 2]
        assert torch.equal(cut["x"].floor()[cut["mask"]], x[:, :3][cut["mask"]])  # its own constant alone
        starts.add(round(float(cut["x"][0, 0, 0] - 1) * 10))
    assert starts == {0, 1, 2, 3}
    again = [method.cut({"x": x, "mask": mask}, Generator().manual_seed(3))["x"] for _ in range(2)]
    assert torch.equal(*again)


def test_candidates_are_drawn_alike_for_all_and_the_positive_is_never_among_them():
    method = Ahead(Identity(), (1,), candidates=7).double()
    batch = batch_of([6, 5, 4])
    for parameter in method.parameters():
        parameter.data.zero_()
    values = {method.step(batch, Generator().manual_seed(seed)).loss.item() for seed in range(5)}
    # Constant scores: log(1 + 7), or log 7 where the positive is one of those drawn.
    assert all(math.log(7) < value < math.log(8) for value in values)


def test_what_cannot_be_used_is_one_line():
    with pytest.raises(InputError, match="horizons: 6 pieces ahead, and 6 x 2 steps x columns have 6 in order"):
        Ahead(Identity(), (6,))
    with pytest.raises(InputError, match=r"horizons: 3 pieces ahead, and .* have 3 in order"):
        Ahead(Identity(), (3,), window=3)
    with pytest.raises(InputError, match=r"horizons: .*1 or more"):
        Ahead(Identity(), (0, 1))
    method = Ahead(Identity(), (1,), "group").double()
    with pytest.raises(InputError, match="negatives: group, and the data don't say which group"):
        method.step({name: part for name, part in batch_of([6, 5]).items() if name != "group"}, Generator())


def test_horizons_that_share_input_are_marked():
    encoder = ENCODERS["wave-gru"].build(KINDS["sound"].small)
    assert (encoder.field, encoder.hop, encoder.clean) == (225, 80, 3)
    batch = KINDS["sound"].sample(encoder.spec, 2, Generator())
    logs = Ahead(encoder, (2, 3)).step(batch, Generator()).logs
    assert {name for name in logs if "cap" not in name} == {
        "nats_2_overlapping",
        "top1_2_overlapping",
        "nats_3",
        "top1_3",
    }
    paper = ENCODERS["wave-gru"].build(Spec("sound", (1, 20480), "int16", 16000.0))
    assert (paper.field, paper.hop, paper.clean, paper.count) == (465, 160, 3, 126)
