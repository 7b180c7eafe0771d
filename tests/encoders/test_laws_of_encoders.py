"""Laws that every encoder of the catalogue keeps, and a wrapped one beside them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from mutua.encoders import ENCODERS, Staged, Wrapped, build
from mutua.types import Encoder, InputError

SMALLEST = {"dim32": 8, "dim64": 15}


def plain(channels: int, size: int) -> Wrapped:
    net = nn.Sequential(
        nn.Conv2d(channels, 6, 3, 2, 1), nn.BatchNorm2d(6), nn.ReLU(inplace=True), nn.Flatten(), nn.LazyLinear(5)
    )
    net(torch.zeros(2, channels, size, size))
    return Wrapped(net, channels, size, {"conv": "0", "norm": "1", "relu": "2"})


def made(name: str, channels: int, size: int) -> Staged | Wrapped:
    torch.manual_seed(0)
    return plain(channels, size) if name == "wrapped" else ENCODERS[name](channels, size)


def images(n: int, channels: int, size: int) -> Tensor:
    return torch.randint(0, 256, (n, channels, size, size), dtype=torch.uint8)


NAMES = [*ENCODERS, "wrapped"]
CASES = [
    (name, channels, size)
    for name in NAMES
    for channels, size in ((1, 8), (1, 28), (3, 32), (13, 64))
    if size >= SMALLEST.get(name, 0)
]
SMALL = [(name, 3, max(8, SMALLEST.get(name, 0))) for name in NAMES]


@pytest.mark.parametrize(("name", "channels", "size"), CASES)
def test_shapes_are_true_at_every_depth_and_the_last_is_the_output(name: str, channels: int, size: int) -> None:
    encoder, batch = made(name, channels, size).eval(), images(2, channels, size)
    assert isinstance(encoder, Encoder)
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


@pytest.mark.parametrize(("name", "channels", "size"), SMALL)
def test_a_depth_read_alone_is_what_one_pass_and_a_hook_see(name: str, channels: int, size: int) -> None:
    encoder, batch = made(name, channels, size).eval(), images(2, channels, size)
    seen: dict[str, Tensor] = {}
    if isinstance(encoder, Staged):
        modules = dict(encoder.stages.items())
    else:
        modules = {depth: encoder.module.get_submodule(path) for depth, path in encoder.paths.items()}
    with torch.no_grad():
        hooks = [
            module.register_forward_hook(lambda _m, _i, output, depth=depth: seen.update({depth: output.clone()}))
            for depth, module in modules.items()
        ]
        together = encoder.read(batch, encoder.depths)
        for hook in hooks:
            hook.remove()
        for depth in encoder.depths:
            assert torch.equal(encoder.read(batch, (depth,))[depth], together[depth])
        for depth in modules:
            assert torch.equal(seen[depth], together[depth])
    assert encoder.read(batch, ()) == {}


@pytest.mark.parametrize(("name", "channels", "size"), SMALL)
def test_every_parameter_gets_a_gradient(name: str, channels: int, size: int) -> None:
    encoder = made(name, channels, size).train()
    for parameter in encoder.parameters():  # a residual whose last norm starts at zero passes none on
        if not parameter.any():
            nn.init.uniform_(parameter, 0.5, 1)
    output = encoder(images(6, channels, size))
    (output * torch.randn_like(output)).sum().backward()
    for key, parameter in encoder.named_parameters():
        assert parameter.grad is not None, key
        assert torch.isfinite(parameter.grad).all(), key
        assert (parameter.grad != 0).any(), key


@pytest.mark.parametrize(("name", "channels", "size"), SMALL)
def test_in_eval_mode_an_image_is_read_alike_alone_twice_and_in_company(
    name: str, channels: int, size: int
) -> None:
    encoder, batch = made(name, channels, size).eval(), images(5, channels, size)
    before = {key: value.clone() for key, value in encoder.state_dict().items()}
    with torch.no_grad():
        whole = encoder(batch)
        assert torch.equal(encoder(batch), whole)
        alone = torch.cat([encoder(batch[i : i + 1]) for i in range(5)])
    assert torch.allclose(alone, whole, rtol=1e-3, atol=1e-4)
    assert all(torch.equal(value, before[key]) for key, value in encoder.state_dict().items())


@pytest.mark.parametrize(("name", "channels", "size"), SMALL)
def test_weights_go_through_a_file(name: str, channels: int, size: int, tmp_path: Path) -> None:
    encoder, batch = made(name, channels, size), images(4, channels, size)
    encoder.train()(batch)  # so that running statistics are not at their start
    encoder.eval()
    save_file(encoder.state_dict(), tmp_path / "encoder.safetensors")
    torch.manual_seed(1)
    other = (plain if name == "wrapped" else ENCODERS[name])(channels, size).eval()
    with torch.no_grad():
        assert not torch.equal(other(batch), encoder(batch))
        other.load_state_dict(load_file(tmp_path / "encoder.safetensors"))
        assert torch.equal(other(batch), encoder(batch))


@pytest.mark.parametrize(("name", "channels", "size"), SMALL)
def test_bytes_and_floats_are_one_image(name: str, channels: int, size: int) -> None:
    encoder, batch = made(name, channels, size).eval(), images(2, channels, size)
    with torch.no_grad():
        assert torch.allclose(encoder(batch), encoder(batch / 255), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(("name", "channels", "size"), SMALL)
def test_what_does_not_fit_is_refused_in_one_line(name: str, channels: int, size: int) -> None:
    encoder = made(name, channels, size).eval()
    last = encoder.depths[-1]
    for bad in (images(2, 1, size), images(2, 4, size), images(2, channels, size)[0], torch.zeros(2, 9)):
        for call in (encoder, lambda x: encoder.read(x, (last,))):
            with pytest.raises(InputError, match=rf"takes \(n, {channels}, h, w\), got") as caught:
                call(bad)
            assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match=rf"depth: bottom, top is not one of .*{last}"):
        encoder.read(images(2, channels, size), ("top", last, "bottom"))


@pytest.mark.parametrize("name", ENCODERS)
def test_a_new_encoder_is_in_train_mode_and_building_draws_nothing_more(name: str) -> None:
    with torch.device("meta"):
        encoder = ENCODERS[name](3, 32)
    assert all(module.training for module in encoder.modules())


def test_build_finds_by_name() -> None:
    assert build("dim32", 1, 28).shapes["local"] == (128, 7, 7)
    assert any(isinstance(module, nn.GroupNorm) for module in build("resnet18-groupnorm", 3, 8).modules())


@pytest.mark.parametrize("name", ["dim", "", "resnet19", "timn:vit", ":", "dim32:"])
def test_build_of_an_unknown_name_lists_the_known(name: str) -> None:
    with pytest.raises(InputError, match=r"encoder: .* is none of dim32, dim64, .*timm:NAME, hf:NAME"):
        build(name, 3, 32)
