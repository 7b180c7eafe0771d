"""Laws that every encoder of the catalogue keeps, for every kind of data it takes, and a wrapped one beside."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Generator, Tensor, nn

from mutua.data import KINDS
from mutua.encoders import ENCODERS, Readable, Wrapped, build, image_spec
from mutua.types import Batch, Encoder, InputError, Spec, parted


def plain(spec: Spec) -> Wrapped:
    channels, size = spec.shape[0], spec.shape[1]
    net = nn.Sequential(
        nn.Conv2d(channels, 6, 3, 2, 1), nn.BatchNorm2d(6), nn.ReLU(inplace=True), nn.Flatten(), nn.LazyLinear(5)
    )
    net(torch.zeros(2, channels, size, size))
    return Wrapped(net, spec, depths={"conv": "0", "norm": "1", "relu": "2"})


def made(name: str, spec: Spec) -> Readable:
    torch.manual_seed(0)
    return plain(spec) if name == "wrapped" else ENCODERS[name].build(spec)


def batch_of(spec: Spec, n: int) -> Batch:
    return KINDS[spec.kind].sample(spec, n, Generator().manual_seed(4))


def rows(batch: Batch, index: slice) -> Batch:
    return {name: part[index] for name, part in batch.items()} if isinstance(batch, dict) else batch[index]


def specs(kind: str) -> list[Spec]:
    """Examples of a kind, those that tests are fast on first."""
    small = KINDS[kind].small
    if kind == "image":
        return [image_spec(3, 16), image_spec(1, 15), image_spec(1, 28), image_spec(3, 32), image_spec(13, 64)]
    if kind == "sound":
        return [small, replace(small, masked=True), Spec("sound", (2, 6000), "float32", 16000.0)]
    if kind == "series":
        return [small, replace(small, masked=True), Spec("series", (9, 1), "float32", 4.0)]
    if kind == "text":
        return [Spec("text", (6, 8), "int32", masked=masked, words=24) for masked in (False, True)]
    if kind == "video":
        return [replace(small, sound=4000.0)]
    return [small]


TAKES = {"wrapped": frozenset({"image"})} | {name: network.takes for name, network in ENCODERS.items()}
CASES = [(name, spec) for name, takes in TAKES.items() for kind in sorted(takes) for spec in specs(kind)]
SMALL = [
    (name, spec)
    for name, spec in CASES
    if spec in [one for kind in KINDS for one in specs(kind)[:2]][:9] and spec != image_spec(1, 15)
]


@pytest.mark.parametrize(("name", "spec"), CASES)
def test_shapes_are_true_at_every_depth_and_the_last_is_the_output(name: str, spec: Spec) -> None:
    encoder, batch = made(name, spec).eval(), batch_of(spec, 2)
    assert isinstance(encoder, Encoder)
    assert encoder.spec == spec
    with torch.no_grad():
        read = encoder.read(batch, encoder.depths)
        output = encoder(batch)
    assert set(encoder.depths) == set(read) == set(encoder.shapes)
    assert {depth: tuple(value.shape) for depth, value in read.items()} == {
        depth: (2, *shape) for depth, shape in encoder.shapes.items()
    }
    assert torch.equal(read[encoder.depths[-1]], output)
    assert output.shape == (2, encoder.width)
    assert torch.isfinite(output).all()
    assert (output[0] != output[1]).any()


@pytest.mark.parametrize(("name", "spec"), SMALL)
def test_a_depth_read_alone_is_that_of_one_pass(name: str, spec: Spec) -> None:
    encoder, batch = made(name, spec).eval(), batch_of(spec, 2)
    with torch.no_grad():
        together = encoder.read(batch, encoder.depths)
        for depth in encoder.depths:
            assert torch.equal(encoder.read(batch, (depth,))[depth], together[depth])
    assert encoder.read(batch, ()) == {}


@pytest.mark.parametrize(
    ("name", "spec"),
    [case for case in SMALL if not case[1].masked and case[0] != "towers"],  # which has two networks
)
def test_a_depth_is_what_a_hook_sees(name: str, spec: Spec) -> None:
    encoder, batch = made(name, spec).eval(), batch_of(spec, 2)
    if isinstance(encoder, Wrapped):
        modules = {depth: encoder.module.get_submodule(path) for depth, path in encoder.paths.items()}
    else:
        modules = dict(encoder.stages.items())
    seen: dict[str, Tensor] = {}

    def keep(depth: str):
        def hook(_module: nn.Module, _inputs: object, output: Tensor | tuple) -> None:
            seen[depth] = (output[0] if isinstance(output, tuple) else output).clone()

        return hook

    with torch.no_grad():
        hooks = [module.register_forward_hook(keep(depth)) for depth, module in modules.items()]
        together = encoder.read(batch, encoder.depths)
        for hook in hooks:
            hook.remove()
    for depth in modules:
        assert torch.equal(seen[depth], together[depth])


@pytest.mark.parametrize(("name", "spec"), SMALL)
def test_every_parameter_gets_a_gradient(name: str, spec: Spec) -> None:
    encoder = made(name, spec).train()
    for parameter in encoder.parameters():  # a residual whose last norm starts at zero passes none on
        if not parameter.any():
            nn.init.uniform_(parameter, 0.5, 1)
    read = encoder.read(batch_of(spec, 6), encoder.depths).values()  # a context may be beside what comes out
    torch.stack([(value * torch.randn_like(value)).sum() for value in read]).sum().backward()
    for key, parameter in encoder.named_parameters():
        assert parameter.grad is not None, key
        assert torch.isfinite(parameter.grad).all(), key
        assert (parameter.grad != 0).any(), key


@pytest.mark.parametrize(("name", "spec"), SMALL)
def test_in_eval_mode_an_example_is_read_alike_alone_twice_and_in_company(name: str, spec: Spec) -> None:
    encoder, batch = made(name, spec).eval(), batch_of(spec, 5)
    before = {key: value.clone() for key, value in encoder.state_dict().items()}
    with torch.no_grad():
        whole = encoder(batch)
        assert torch.equal(encoder(batch), whole)
        alone = torch.cat([encoder(rows(batch, slice(i, i + 1))) for i in range(5)])
    assert torch.allclose(alone, whole, rtol=1e-3, atol=1e-4)
    assert all(torch.equal(value, before[key]) for key, value in encoder.state_dict().items())


@pytest.mark.parametrize(("name", "spec"), [case for case in CASES if case[1].masked])
def test_padding_changes_nothing(name: str, spec: Spec) -> None:
    # A recording that fills its window, and the same with as much silence after it, which the mask leaves out.
    encoder, half = made(name, spec).eval(), spec.shape[spec.time] // 2
    x, _ = parted(batch_of(spec, 3))
    axis = spec.time + 1
    short = x.narrow(axis, 0, half)
    padded = torch.cat([short, torch.zeros_like(short)], axis)
    mask = torch.arange(2 * half) < half
    with torch.no_grad():
        alone = encoder({"x": short, "mask": torch.ones(3, half, dtype=torch.bool)})
        company = encoder({"x": padded, "mask": mask.expand(3, -1)})
        loud = padded.clone()
        loud.narrow(axis, half, half).fill_(7)
        unlike = encoder({"x": loud, "mask": torch.ones(3, 2 * half, dtype=torch.bool)})
    assert torch.allclose(alone, company, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(alone, unlike, rtol=1e-2)  # without a mask it counts


@pytest.mark.parametrize(("name", "spec"), SMALL)
def test_weights_go_through_a_file(name: str, spec: Spec, tmp_path: Path) -> None:
    encoder, batch = made(name, spec), batch_of(spec, 4)
    encoder.train()(batch)  # so that running statistics are not at their start
    encoder.eval()
    save_file(encoder.state_dict(), tmp_path / "encoder.safetensors")
    torch.manual_seed(1)
    other = (plain(spec) if name == "wrapped" else ENCODERS[name].build(spec)).eval()
    with torch.no_grad():
        assert not torch.equal(other(batch), encoder(batch))
        other.load_state_dict(load_file(tmp_path / "encoder.safetensors"))
        assert torch.equal(other(batch), encoder(batch))


@pytest.mark.parametrize(("name", "spec"), [case for case in SMALL if case[1].dtype in ("uint8", "int16")])
def test_whole_numbers_and_floats_are_one_example(name: str, spec: Spec) -> None:
    encoder, batch = made(name, spec).eval(), batch_of(spec, 2)
    x, _ = parted(batch)
    floats = x / (255 if spec.dtype == "uint8" else 32768)
    with torch.no_grad():
        other = encoder({**batch, "x": floats} if isinstance(batch, dict) else floats)
        assert torch.allclose(encoder(batch), other, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(("name", "spec"), SMALL)
def test_what_does_not_fit_is_refused_in_one_line(name: str, spec: Spec) -> None:
    encoder = made(name, spec).eval()
    last = encoder.depths[-1]
    x, _ = parted(batch_of(spec, 2))
    for bad in (
        x[0],
        torch.zeros(2, 3, 1, 1, 9),
        *([torch.zeros(2, 9, *spec.shape[1:])] * (spec.kind not in ("series", "text", "video"))),
    ):
        for call in (encoder, lambda x: encoder.read(x, (last,))):
            with pytest.raises(InputError, match=rf"{spec.kind} \(n, .*\) is meant") as caught:
                call(bad)
            assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match=rf"depth: bottom, top is not one of .*{last}"):
        encoder.read(batch_of(spec, 2), ("top", last, "bottom"))


@pytest.mark.parametrize("name", ENCODERS)
def test_a_new_encoder_is_in_train_mode_and_building_draws_nothing_more(name: str) -> None:
    (kind, *_) = ENCODERS[name].takes
    encoder = ENCODERS[name].build(specs(kind)[0] if kind != "image" else image_spec(3, 32))
    assert all(module.training for module in encoder.modules())
    assert ENCODERS[name].about.endswith(".")


@pytest.mark.parametrize("name", ENCODERS)
@pytest.mark.parametrize("kind", KINDS)
def test_an_encoder_and_data_that_do_not_go_together_are_one_line(name: str, kind: str) -> None:
    if kind in ENCODERS[name].takes:
        assert build(name, specs(kind)[0]).spec.kind == kind
        return
    with pytest.raises(InputError, match=rf"encoder: {name} takes .*, and the data are {kind}; ") as caught:
        build(name, specs(kind)[0])
    assert "\n" not in str(caught.value)


def test_build_finds_by_name() -> None:
    assert build("dim32", 1, 28).shapes["local"] == (128, 7, 7)
    assert build("dim32", image_spec(1, 28)).shapes["local"] == (128, 7, 7)
    assert any(isinstance(module, nn.GroupNorm) for module in build("resnet18-groupnorm", 3, 8).modules())
    with pytest.raises(InputError, match="images of 8 x 10, and this network takes square ones"):
        build("dim32", Spec("image", (1, 8, 10), "uint8"))


@pytest.mark.parametrize("name", ["dim", "", "resnet19", "timn:vit", ":", "dim32:"])
def test_build_of_an_unknown_name_lists_the_known(name: str) -> None:
    with pytest.raises(InputError, match=r"encoder: .* is none of .*dim32, .*dim64, .*timm:NAME, hf:NAME"):
        build(name, 3, 32)
