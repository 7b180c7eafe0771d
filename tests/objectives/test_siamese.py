"""Views of batches of any structure; embedding methods and their step; targets and queues."""

import pytest
import torch
from torch import Generator, nn

from mutua.objectives import Followed, Queue, Siamese, Target, head_mlp
from mutua.objectives.batches import joined, length
from mutua.types import Embedding, InputError, Method, Step, parted
from mutua.views import HorizontalFlip


class Shift:
    """A view of padded examples (n, t): a number of its own is added where there is data."""

    def __init__(self, scale=1.0):
        self.scale = scale

    def draw(self, n, shape, generator):
        return {"by": self.scale * torch.randn(n, 1, generator=generator)}

    def apply(self, batch, parameters):
        x, mask = parted(batch)
        return {"x": x + parameters["by"] * mask, "mask": mask}

    def __call__(self, batch, generator):
        raise AssertionError("views are drawn and applied")


class Mean(nn.Module):
    """The mean over what the mask shows, of every example."""

    def forward(self, batch):
        x, mask = parted(batch)
        return ((x * mask).sum(1) / mask.sum(1))[:, None]


class Apart(Siamese):
    """How far two views' projections lie apart."""

    def judge(self, z):
        x, y = self.projected(z)
        return Step((x - y).square().mean())


def padded(n=4, t=6):
    lengths = torch.arange(2, 2 + n)[:, None]
    return {"x": torch.randn(n, t, generator=Generator().manual_seed(1)), "mask": torch.arange(t)[None] < lengths}


def test_padded_batches_are_viewed_encoded_and_shown():
    batch = padded()
    method = Apart(Mean(), nn.Identity(), Shift())
    drawn = method.draw(batch, Generator().manual_seed(0))
    z = method.embed(batch, drawn)
    mean = Mean()(batch)
    for k in range(2):
        assert torch.allclose(z[:, k], mean + drawn[f"view {k + 1}"]["by"], atol=1e-6)
    want = (drawn["view 1"]["by"] - drawn["view 2"]["by"]).square().mean()
    assert torch.isclose(method.step(batch, Generator().manual_seed(0)).loss, want)
    assert torch.equal(method.encode(batch), mean)
    shown = method.shown(batch, Generator().manual_seed(0))
    assert list(shown) == ["original", "view 1", "view 2"]
    assert torch.equal(shown["view 1"]["mask"], batch["mask"])


def test_views_together_are_one_batch_and_apart_two():
    class Together(Apart):
        together = True

    batch, counted = padded(), []
    for kind in (Apart, Together):
        encoder = Mean()
        encoder.register_forward_pre_hook(lambda _module, args: counted.append(length(args[0])))
        method = kind(encoder, nn.Identity(), Shift())
        loss = method.step(batch, Generator().manual_seed(0)).loss
        assert loss > 0
    assert counted == [4, 4, 8]


def test_each_view_may_have_its_own():
    method = Apart(Mean(), nn.Identity(), (Shift(0.0), Shift(1.0)))
    batch = padded()
    z = method.embed(batch, method.draw(batch, Generator().manual_seed(0)))
    assert torch.allclose(z[:, 0], Mean()(batch))
    assert not torch.allclose(z[:, 1], z[:, 0])
    with pytest.raises(InputError, match="view: 2 of them for 3 views; give one, or one for each"):
        Apart(Mean(), nn.Identity(), (Shift(), Shift()), 3)


def test_joined_is_one_after_another():
    one, two = padded(2), padded(3)
    both = joined([one, two])
    assert torch.equal(both["x"], torch.cat([one["x"], two["x"]]))
    assert both["mask"].shape == (5, 6)
    assert joined([torch.zeros(1, 2), torch.ones(1, 2)]).tolist() == [[0, 0], [1, 1]]


def test_a_step_of_its_own_is_refused_as_the_class_is_made():
    message = "Hasty: has a step of its own, which micro_batch would pass over; define draw, embed and judge alone"
    with pytest.raises(InputError, match=message):

        class Hasty(Siamese):
            def step(self, batch, generator):
                return Step(torch.zeros(()))

    class Plain(Method):
        def step(self, batch, generator):
            return Step(torch.zeros(()))

    with pytest.raises(InputError, match="Both: has a step of its own"):
        type("Both", (Plain, Embedding), {})
    for part, arguments in (("draw", (1, Generator())), ("embed", (1, {})), ("judge", (torch.zeros(2, 1, 1),))):
        with pytest.raises(NotImplementedError, match=f"Embedding must define {part}"):
            getattr(Embedding(), part)(*arguments)


def test_a_head_of_no_width_is_refused():
    with pytest.raises(InputError, match="width: 0 is too few"):
        head_mlp(3, 0, 2)


# --- targets and queues ------------------------------------------------------------------------------------


def test_a_target_follows_and_takes_no_gradient():
    encoder, head = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)), nn.Linear(3, 2)
    target = Target(encoder, head)
    assert not any(p.requires_grad for p in target.parameters())
    before = [p.clone() for p in (*encoder.parameters(), *head.parameters())]
    with torch.no_grad():
        for p in (*encoder.parameters(), *head.parameters()):
            p.add_(1)
        encoder[1].running_mean += 10
    target.follow(encoder, head, 0.75)
    for mine, old in zip((*target.encoder.parameters(), *target.head.parameters()), before, strict=True):
        assert torch.allclose(mine, old + 0.25)
    assert target.encoder[1].running_mean.tolist() == [0, 0, 0]  # its own, of the batches that it sees


def test_a_target_sees_the_views_that_it_is_given():
    class Second(Followed):
        asked, given = slice(0, 1), slice(1, 2)

        def judge(self, z):
            (x,), (y,) = self.both(z)
            return Step((x - y).square().mean())

    method = Second(nn.Flatten(), nn.Linear(4, 2), HorizontalFlip(1.0), 0.5)
    with torch.no_grad():
        method.target.head.weight.zero_()
        method.target.head.bias.zero_()
    images = torch.rand(3, 1, 2, 2)
    step = method.step(images, Generator().manual_seed(0))
    assert torch.isclose(step.loss, method.head(images.flip(3).flatten(1)).square().mean())
    with pytest.raises(InputError, match=r"momentum .*: -0\.1 is no share"):
        Second(nn.Flatten(), nn.Linear(4, 2), HorizontalFlip(1.0), -0.1)


def test_a_queue_lets_in_at_its_turn_the_oldest_go():
    queue = Queue(5, 2)
    assert torch.allclose(queue.vectors.norm(dim=1), torch.ones(5))
    first = queue.vectors.clone()
    a, b = torch.full((2, 2), 1.0), torch.full((1, 2), 2.0)
    queue.add(a)
    queue.add(b)
    assert torch.equal(queue.vectors, first)
    queue.turn()
    assert torch.equal(queue.vectors, torch.cat([first[3:], a, b]))
    queue.turn()
    assert torch.equal(queue.vectors, torch.cat([first[3:], a, b]))  # each comes in once
    queue.eval()
    queue.add(a)
    queue.turn()
    assert torch.equal(queue.vectors, torch.cat([first[3:], a, b]))
    queue.train()
    many = torch.arange(14.0).reshape(7, 2)
    queue.add(many)
    queue.turn()
    assert torch.equal(queue.vectors, many[2:])
    for _ in range(20):
        queue.add(b)
    assert len(queue.waiting) <= 5  # steps that nobody takes fill no memory
