"""Anybody's network as an encoder."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from mutua.encoders import Wrapped, build, from_hf, from_timm
from mutua.types import InputError


def plain() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, 2, 1), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(64, 5)
    )


def test_a_plain_sequential_with_named_depths() -> None:
    net = plain().eval()
    encoder = Wrapped(net, 3, 8, {"conv": "0", "norm": "1", "flat": "3"})
    assert encoder.depths == ("conv", "norm", "flat", "output")
    assert encoder.shapes == {"conv": (4, 4, 4), "norm": (4, 4, 4), "flat": (64,), "output": (5,)}
    assert encoder.width == 5
    x = torch.rand(2, 3, 8, 8)
    read = encoder.read(x, ("norm", "output"))
    assert list(read) == ["norm", "output"]
    assert torch.equal(read["output"], net(2 * x - 1))
    assert torch.equal(read["norm"], net[:2](2 * x - 1))  # as it was before the ReLU worked in place
    assert (read["norm"] < 0).any()


def test_a_module_in_a_users_hands_stays_as_it_is() -> None:
    net = plain()
    net[1].eval()  # frozen batch norm
    net[0].requires_grad_(False)
    before = {key: value.clone() for key, value in net.state_dict().items()}
    encoder = Wrapped(net, 3, 8, {"conv": "0"})
    assert encoder.module is net
    assert (net.training, net[0].training, net[1].training) == (True, True, False)
    assert not net[0].weight.requires_grad
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())
    encoder.read(torch.rand(2, 3, 8, 8), ("conv",))
    assert not any(module._forward_hooks for module in net.modules())


def test_hooks_are_taken_off_after_an_error() -> None:
    net = plain()
    encoder = Wrapped(net, 3, 8, {"conv": "0"})
    with pytest.raises(RuntimeError):
        encoder.read(torch.rand(2, 3, 9, 9), ("conv",))
    assert not any(module._forward_hooks for module in net.modules())


def test_gradients_flow_through_a_depth() -> None:
    net = plain()
    Wrapped(net, 3, 8, {"norm": "1"}).read(torch.rand(2, 3, 8, 8), ("norm",))["norm"].square().sum().backward()
    assert net[0].weight.grad is not None
    assert net[4].weight.grad is None


@pytest.mark.parametrize("path", ["5", "conv", "0.weight"])
def test_a_path_that_is_no_submodule(path: str) -> None:
    with pytest.raises(InputError, match=f"depths: mine='{path}' is no submodule of Sequential"):
        Wrapped(plain(), 3, 8, {"mine": path})


def test_the_name_output_is_taken() -> None:
    with pytest.raises(InputError, match="depths: output"):
        Wrapped(plain(), 3, 8, {"output": "0"})


class Odd(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.unused = nn.Identity()
        self.rnn = nn.GRU(8, 3, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.rnn(x.mean(1))[0].mean(1)


def test_a_depth_that_gives_no_tensor_or_is_not_run() -> None:
    assert Wrapped(Odd(), 3, 8).width == 3
    with pytest.raises(InputError, match="depths: mine='rnn' gave tuple, not a tensor"):
        Wrapped(Odd(), 3, 8, {"mine": "rnn"})
    with pytest.raises(InputError, match="depths: mine='unused' gave nothing: it was not run"):
        Wrapped(Odd(), 3, 8, {"mine": "unused"})


def test_a_network_that_returns_no_tensor() -> None:
    class Pair(nn.Module):
        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            return x, x

    with pytest.raises(InputError, match="gave tuple, not a tensor"):
        Wrapped(Pair(), 3, 8)


def test_images_that_do_not_pass() -> None:
    with pytest.raises(InputError, match=r"size: images of 3 x 16 x 16 px do not pass") as caught:
        Wrapped(plain(), 3, 16)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("family", "package"), [("timm", "timm"), ("hf", "transformers")])
def test_a_family_that_is_not_installed(monkeypatch: pytest.MonkeyPatch, family: str, package: str) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(
        InputError, match=rf"encoder: {family}:some/net needs {package}; pip install 'mutua\[{family}\]'"
    ):
        build(f"{family}:some/net", 3, 32)


def test_timm_gives_a_network_without_its_classifier(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}
    fake = ModuleType("timm")

    def create_model(name: str, **settings: Any) -> nn.Module:
        asked.update(name=name, **settings)
        return nn.Sequential(nn.Conv2d(settings["in_chans"], 7, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())

    fake.is_model = lambda name: name == "net"  # type: ignore[attr-defined]
    fake.create_model = create_model  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "timm", fake)
    assert build("timm:net", 13, 16).shapes == {"output": (7,)}
    assert asked == {"name": "net", "num_classes": 0, "in_chans": 13}
    with pytest.raises(InputError, match="timm has no model 'other'"):
        from_timm("other", 3, 16)


@pytest.mark.parametrize("pooled", [False, True])
def test_hf_gives_one_vector_an_image(monkeypatch: pytest.MonkeyPatch, pooled: bool) -> None:
    class Vision(nn.Module):
        def forward(self, pixel_values: Tensor) -> SimpleNamespace:
            tokens = pixel_values.flatten(2).mT  # (n, h w, c)
            return SimpleNamespace(
                last_hidden_state=tokens, pooler_output=2 * tokens[:, :1].mT if pooled else None
            )

    class AutoModel:
        @staticmethod
        def from_pretrained(name: str) -> nn.Module:
            if name == "missing":
                raise OSError("missing is not a local folder\nand is not a model")
            return Vision()

    fake = ModuleType("transformers")
    fake.AutoModel = AutoModel  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "transformers", fake)
    encoder = build("hf:vision", 3, 8)
    x = torch.rand(2, 3, 8, 8)
    wanted = 2 * (2 * x[:, :, 0, 0] - 1) if pooled else (2 * x - 1).mean((2, 3))
    assert torch.allclose(encoder(x), wanted, atol=1e-6)
    with pytest.raises(
        InputError, match=r"encoder: hf:missing cannot be loaded \(missing is not a local folder\)"
    ):
        from_hf("missing", 3, 8)
