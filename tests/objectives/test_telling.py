"""What is told of a label, against its definition; and that a task whose labels are random teaches nothing."""

import math

import pytest
import torch
from torch import Generator, nn
from torch.nn.functional import cross_entropy

from methods.small import PAIRS, Held, composed, sample, spec_of
from mutua.evaluation import nats_learned
from mutua.objectives import Predictive, Telling, entropy, told
from mutua.types import InputError

MADE = {pair: composed(*pair) for pair in PAIRS}
TELLING = [pair for pair, method in MADE.items() if isinstance(method, Telling)]


def test_told_by_hand():
    logits = torch.tensor([[2.0, 0.0, 1.0], [0.0, 0.0, 0.0], [1.0, 3.0, 0.0], [0.0, 1.0, 1.5]])
    found = told(logits, torch.tensor([0, 1, 1, 1]), 2)  # labels 0 and 2 are of example 0
    losses = [math.log(math.exp(2) + 1 + math.e) - 2, math.log(3)]
    losses += [math.log(math.e + math.exp(3) + 1) - 3, math.log(1 + math.e + math.exp(1.5)) - 1]
    assert found.losses.tolist() == pytest.approx([(losses[0] + losses[2]) / 2, (losses[1] + losses[3]) / 2])
    assert found.right.tolist() == [1.0, 0.0]
    assert found.labels.tolist() == [1.0, 3.0, 0.0]
    assert float(entropy(found.labels)) == pytest.approx(-0.25 * math.log(0.25) - 0.75 * math.log(0.75))


class Coded:
    """Examples that say their class, but for a share which says another."""

    def __call__(self, batch, generator):
        return batch[:, :4], batch[:, 4].long()


def noisy(n, wrong, generator):
    """One-hot codes of four classes, a share of them of another class, and the class."""
    label = torch.randint(4, (n,), generator=generator)
    spoiled = torch.rand(n, generator=generator) < wrong
    said = (label + spoiled * torch.randint(1, 4, (n,), generator=generator)) % 4
    return torch.cat([torch.eye(4)[said], label[:, None].float()], 1)


def test_nats_of_the_posterior_are_the_mutual_information(generator):
    wrong = 0.2
    head = nn.Linear(4, 4)
    with torch.no_grad():
        head.weight.copy_((torch.eye(4) * (1 - wrong) + (1 - torch.eye(4)) * wrong / 3).log())
        head.bias.zero_()
    method = Predictive(nn.Identity(), head, Coded())
    learned = nats_learned(method, Held(noisy(4000, wrong, generator)))
    truth = math.log(4) + (1 - wrong) * math.log(1 - wrong) + wrong * math.log(wrong / 3)
    assert learned.nats == pytest.approx(truth, abs=4 * learned.error)
    assert 0 < learned.error < 0.03
    assert learned.most == pytest.approx(math.log(4), abs=0.002)
    assert learned.accuracy == pytest.approx(80, abs=3)
    assert (learned.classes, learned.examples) == (4, 4000)
    step = method.step(noisy(4000, wrong, generator), generator)
    assert step.logs["nats"].item() == pytest.approx(truth, abs=0.08)
    with pytest.raises(InputError, match="examples: there are none"):
        nats_learned(method, Held(torch.zeros(0, 5)))


def test_a_law_that_the_puzzle_states_is_taken(generator):
    puzzle = Coded()
    puzzle.entropy = 1.25
    method = Predictive(nn.Identity(), nn.Linear(4, 4), puzzle)
    assert nats_learned(method, Held(noisy(30, 0.0, generator))).most == 1.25


def test_each_label_is_told_from_its_parts(generator):
    parts = torch.tensor([[0, 1], [2, 3], [1, 1], [3, 2]])
    labels = torch.tensor([0, 1, 1, 0])
    encoder, head = nn.Linear(3, 2), nn.Linear(4, 2)
    method = Predictive(encoder, head, lambda batch, generator: (batch.flatten(0, 1), labels, parts))
    batch = torch.randn(2, 2, 3, generator=generator)
    z = encoder(batch.flatten(0, 1))
    rows = torch.stack([torch.cat([z[a], z[b]]) for a, b in parts.tolist()])
    step = method.step(batch, generator)
    assert step.loss.item() == pytest.approx(cross_entropy(head(rows), labels).item())
    step.loss.backward()
    assert encoder.weight.grad.any()


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("labelled", [5, 10])
def test_labels_of_more_parts_than_inputs_are_told_as_by_definition(labelled, bias, generator):
    """Whether vectors are laid side by side or pass through the head's first layer once each."""
    z = torch.randn(5, 3, dtype=torch.float64, generator=generator, requires_grad=True)
    parts = torch.randint(0, 5, (labelled, 2), generator=generator)
    labels = torch.randint(0, 4, (labelled,), generator=generator)
    head = nn.Sequential(nn.Linear(6, 7, bias=bias), nn.ReLU(), nn.Linear(7, 4)).double()
    method = Predictive(nn.Identity(), head, lambda batch, generator: (batch, labels, parts))

    def found(loss):
        return [loss, *torch.autograd.grad(loss, [z, *head.parameters()])]

    rows = torch.stack([torch.cat([z[a], z[b]]) for a, b in parts.tolist()])
    told = found(cross_entropy(head(rows).float(), labels))
    for ours, theirs in zip(found(method.step(z, generator).loss), told, strict=True):
        torch.testing.assert_close(ours, theirs)


class Shuffled(nn.Module):
    """The puzzle with its labels dealt at random."""

    def __init__(self, puzzle):
        super().__init__()
        self.puzzle = puzzle
        self.entropy = getattr(puzzle, "entropy", None)

    def forward(self, batch, generator):
        inputs, labels, *rest = self.puzzle(batch, generator)
        return inputs, labels[torch.randperm(len(labels), generator=generator)], *rest


@pytest.mark.parametrize(("name", "kind"), [pair for pair in TELLING if isinstance(MADE[pair], Predictive)])
def test_shuffled_labels_teach_nothing(name, kind):
    """A leak of the label other than by the input would show; the entropy that is stated must be the labels'."""
    method = composed(name, kind)
    method.puzzle = Shuffled(method.puzzle)
    last = [module for module in method.head.modules() if isinstance(module, nn.Linear)][-1]
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    first, second = (
        method.told(sample(spec_of(name, kind), 8), Generator().manual_seed(seed)).labels for seed in (0, 1)
    )
    if torch.equal(first, second):  # the task's frequencies, which are known without an input
        last.bias.data = first.log()
    trained = torch.optim.Adam(method.parameters(), lr=1e-4)
    for seed in range(3):
        trained.zero_grad()
        method.step(sample(spec_of(name, kind), 8), Generator().manual_seed(seed)).loss.backward()
        trained.step()
    learned = nats_learned(method, Held(sample(spec_of(name, kind), 24, Generator().manual_seed(9))))
    assert learned.nats == pytest.approx(0, abs=3 * learned.error + 1e-3)
    assert learned.error < 0.1


@pytest.mark.parametrize(("name", "kind"), TELLING)
def test_what_is_told_is_a_function_of_the_generator(name, kind):
    method, batch = composed(name, kind).eval(), sample(spec_of(name, kind), 4)
    with torch.no_grad():
        one, two, other = (method.told(batch, Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert torch.equal(one.losses, two.losses)
    drawn = name != "colorization"  # which draws nothing: the colours are the picture's own
    assert torch.equal(one.losses, other.losses) != drawn
    assert one.losses.shape == one.right.shape == (4,)
    known = entropy(one.labels) if one.entropy is None else one.entropy
    assert 0 < float(known) <= math.log(len(one.labels)) + 1e-6
