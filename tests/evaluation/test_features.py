from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from mutua.data.image.images import Images
from mutua.encoders import Staged
from mutua.evaluation import features, random_twin, raw
from mutua.types import InputError


def pictures(n: int = 11, seed: int = 0) -> Images:
    return Images(np.random.RandomState(seed).randint(0, 256, (n, 1, 4, 4)).astype(np.uint8))


def network() -> Staged:
    stages = {
        "map": nn.Sequential(nn.Conv2d(1, 3, 3, padding=1), nn.BatchNorm2d(3), nn.Dropout(0.5)),
        "out": nn.Sequential(nn.Flatten(), nn.Linear(48, 5)),
    }
    return Staged(stages, 1, 4)


class Counting:
    """Rows that remember what was asked of them."""

    def __init__(self, images: Images) -> None:
        self.images = images
        self.asked: list[int] = []

    def __len__(self) -> int:
        return len(self.images)

    def take(self, index: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        self.asked += index.tolist()
        return self.images.take(index), torch.zeros(len(index))


def test_features_are_those_of_one_big_batch_in_eval_mode() -> None:
    net, images = network(), pictures()
    net.train()
    found = features(net, images, depths=("map", "out"), batch=4)
    net.eval()
    with torch.no_grad():
        whole = net.read(images.take(torch.arange(11)), ("map", "out"))
    for depth, value in whole.items():
        assert found[depth].dtype == np.float32
        np.testing.assert_allclose(found[depth], value.flatten(1).numpy(), atol=1e-6)
    assert found["map"].shape == (11, 48)


def test_every_image_is_read_once_and_by_default_the_last_depth() -> None:
    rows = Counting(pictures())
    assert list(features(network(), rows, batch=4)) == ["out"]
    assert rows.asked == list(range(11))


def test_modes_come_back_part_by_part_even_after_an_error() -> None:
    net = network().train()
    net.stages["map"][1].eval()
    modes = [part.training for part in net.modules()]
    features(net, pictures())
    assert [part.training for part in net.modules()] == modes
    with pytest.raises(InputError, match="is meant"):
        features(net, Images(np.zeros((2, 3, 4, 4), np.uint8)))
    assert [part.training for part in net.modules()] == modes


def test_a_bound_method_and_a_plain_function_will_do() -> None:
    net = network().train()
    by_method = features(net.forward, pictures())["output"]
    np.testing.assert_array_equal(by_method, features(net, pictures())["out"])
    assert net.training
    plain = features(lambda x: x.flatten(1).float(), pictures())["output"]
    np.testing.assert_allclose(plain / 255, raw(pictures()), rtol=1e-6)


def test_raw_is_pixels_over_255() -> None:
    images = pictures()
    np.testing.assert_allclose(raw(images, batch=3), images.pixels.reshape(11, -1) / 255.0, rtol=1e-6)
    assert raw(images).dtype == np.float32


def test_nan_names_depth_and_row() -> None:
    def encode(x: torch.Tensor) -> torch.Tensor:
        out = x.flatten(1).float()
        out[(x[:, 0, 0, 0] == 7)] = torch.nan
        return out

    images = pictures()
    images.pixels[:, 0, 0, 0] = np.arange(11)
    with pytest.raises(InputError, match=r"'output'.*row 7"):
        features(encode, images, batch=3)


def test_bad_depths_rows_and_empty_data_are_refused() -> None:
    with pytest.raises(InputError, match="nope is not one of"):
        features(network(), pictures(), depths=("nope",))
    with pytest.raises(InputError, match="1 rows out for 4 examples"):
        features(lambda x: x.float().mean(0, keepdim=True).flatten(1), pictures(), batch=4)
    with pytest.raises(InputError, match="there are none"):
        features(network(), _Empty())


class _Empty:
    def __len__(self) -> int:
        return 0

    def take(self, index: torch.Tensor) -> torch.Tensor:
        raise AssertionError(index)


def test_autocast_is_close_and_returns_float32() -> None:
    exact = features(network_seeded(), pictures())["out"]
    low = features(network_seeded(), pictures(), precision=torch.bfloat16)["out"]
    assert low.dtype == np.float32
    assert 0 < np.abs(low - exact).max() < 0.05


def network_seeded() -> Staged:
    torch.manual_seed(0)
    return network()


def test_random_twin_has_the_statistics_of_the_images_and_repeats() -> None:
    images = pictures(10)
    before = torch.get_rng_state()
    twin = random_twin(network, images, seed=3, batch=5)
    assert torch.equal(torch.get_rng_state(), before)
    with torch.no_grad():
        maps = twin.stages["map"][0](images.take(torch.arange(10)).float() / 127.5 - 1)  # (10, 3, 4, 4)
    norm = twin.stages["map"][1]
    torch.testing.assert_close(norm.running_mean, maps.mean((0, 2, 3)), atol=1e-5, rtol=1e-4)
    halves = torch.stack([half.transpose(0, 1).flatten(1).var(1) for half in maps.split(5)]).mean(0)
    torch.testing.assert_close(norm.running_var, halves, atol=1e-5, rtol=1e-4)
    assert norm.momentum == 0.1
    assert not any(part.training for part in twin.modules())
    again, other = random_twin(network, images, seed=3, batch=5), random_twin(network, images, seed=4)
    assert all(
        torch.equal(a, b) for a, b in zip(twin.state_dict().values(), again.state_dict().values(), strict=True)
    )
    assert not torch.equal(twin.stages["out"][1].weight, other.stages["out"][1].weight)
    with pytest.raises(InputError, match="at least two"):
        random_twin(network, pictures(1))
