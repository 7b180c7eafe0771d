"""Attention maps: the power before the sum, maps that know where the object is, and those that know nothing."""

import pytest
import torch
from torch import Generator, nn

from mutua.data import from_array
from mutua.encoders import Staged, Tiled, dim32, image_spec, nin
from mutua.evaluation import attention, attention_table, on_object
from mutua.evaluation.attention import attention_maps, mapped, pasted
from mutua.types import InputError


class Picked(nn.Module):
    """A function as a stage; a parameter, so that it has a device."""

    def __init__(self, function):
        super().__init__()
        self.function = function
        self.unused = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        return self.function(x)


def reading(function, size=16):
    """A network whose one map is a function of the pixels in [-1, 1]."""
    return Staged({"map": Picked(function), "pool": nn.Flatten()}, image_spec(1, size))


def left_half(x):
    return torch.cat([x.abs()[..., : x.shape[-1] // 2] + 1, torch.zeros_like(x[..., x.shape[-1] // 2 :])], -1)


def test_the_power_comes_before_the_sum():
    maps = torch.tensor([[[[2.0, -1.0]], [[0.0, 1.0]]]])  # channels (2, 0) at one place, (-1, 1) at another
    assert attention(maps).tolist() == [[[2.0, 2.0]]]
    assert attention(maps, 2.0).tolist() == [[[4.0, 2.0]]]
    assert attention(maps, 4.0).tolist() == [[[16.0, 2.0]]]
    larger = attention(maps, 2.0, (2, 4))
    assert larger.shape == (1, 2, 4)
    assert larger[0, 0].tolist() == [4.0, 3.5, 2.5, 2.0]


def test_objects_are_pasted_whole_and_anywhere():
    images = torch.randint(0, 256, (400, 3, 16, 12), dtype=torch.uint8, generator=Generator().manual_seed(0))
    images[::2] //= 4  # dark ones
    scene, boxes = pasted(images, 0.5, Generator().manual_seed(1))
    assert scene.dtype == torch.uint8
    for k in (0, 7, 399):
        top, left, tall, wide = boxes[k].tolist()
        assert (tall, wide) == (8, 6)
        assert torch.equal(scene[k, :, top : top + 8, left : left + 6], images[k, :, 4:12, 3:9])
    assert set(boxes[:, 0].tolist()) == set(range(9))
    assert set(boxes[:, 1].tolist()) == set(range(7))
    outside = scene.float()
    assert outside[1::2].mean() < outside[::2].mean()  # the texture is another image's
    assert torch.equal(pasted(images, 0.5, Generator().manual_seed(1))[0], scene)


def test_mass_on_the_object_over_its_area():
    boxes = torch.tensor([[2, 0, 4, 8], [0, 0, 4, 4]])
    flat = torch.ones(2, 8, 8)
    assert on_object(flat, boxes).tolist() == pytest.approx([1.0, 1.0])
    found = torch.zeros(2, 8, 8)
    found[0, 2:6], found[1, 7, 7] = 1.0, 1.0
    assert on_object(found, boxes).tolist() == pytest.approx([2.0, 0.0])
    assert on_object(torch.zeros(2, 8, 8), boxes).tolist() == [0.0, 0.0]


def test_the_three_numbers_of_maps_that_are_known():
    # Objects brighter than any texture: black all round, so that its texture is black too, white in the middle.
    pixels = torch.zeros(60, 1, 16, 16, dtype=torch.uint8)
    pixels[:, :, 4:12, 4:12] = torch.randint(128, 256, (60, 1, 8, 8), generator=Generator().manual_seed(0)).byte()
    noise = torch.randint(0, 256, (60, 1, 16, 16), generator=Generator().manual_seed(2)).byte()
    encoders = {
        "untrained": reading(lambda x: x * 0 + torch.rand(16, 16, generator=Generator().manual_seed(3))),
        "left": reading(left_half),
        "supervised": reading(lambda x: (x + 1).clamp(min=0)),
    }
    table = attention_table(
        encoders, from_array(noise.numpy()), supervised="supervised", untrained="untrained", share=0.5
    )
    rows = {row["encoder"]: row for row in table.records()}
    assert rows["untrained"]["on the object"] == pytest.approx(1, abs=0.15)
    assert rows["untrained"]["over all places"] == pytest.approx(1, abs=0.15)
    assert rows["left"]["over all places"] == pytest.approx(1, abs=0.25)
    # An object that must lie within the image covers the middle more often: over its area a map of nothing gains.
    assert rows["middle of the image"]["on the object"] > 1.3
    assert rows["middle of the image"]["over all places"] == pytest.approx(1, abs=0.1)
    assert rows["supervised"]["agreement"] == pytest.approx(1)
    assert rows["untrained"]["over untrained"] == 0
    assert rows["left"]["over untrained"] == pytest.approx(
        rows["left"]["agreement"] - rows["untrained"]["agreement"], abs=1e-9
    )
    assert rows["supervised"]["turned"] == pytest.approx(1)
    assert rows["left"]["turned"] < 0.3
    bright = attention_table(
        encoders, from_array(pixels.numpy()), supervised="supervised", untrained="untrained", share=0.5
    )
    seen = {row["encoder"]: row["over all places"] for row in bright.records()}
    assert seen["supervised"] > 1.5
    assert seen["supervised"] > seen["gradient of pixels"] > seen["untrained"]


def test_each_depth_has_its_power():
    encoder = nin(3, 16)
    images = torch.randint(0, 256, (3, 3, 16, 16), dtype=torch.uint8, generator=Generator().manual_seed(0))
    assert mapped(encoder) == ("conv1", "conv2", "conv3", "conv4")
    found = attention_maps(encoder, images, ("conv1", "conv2", "conv3", "conv4"), batch=2)
    encoder.eval()
    with torch.no_grad():
        read = encoder.read(images, encoder.depths)
    for depth, power in (("conv1", 1.0), ("conv2", 2.0), ("conv3", 4.0), ("conv4", 4.0)):
        assert torch.allclose(found[depth], attention(read[depth], power, (16, 16)), rtol=1e-4, atol=1e-5)
    assert encoder.shapes["conv1"] == (96, 8, 8)
    assert encoder.shapes["conv2"] == (192, 4, 4)


def test_what_has_no_map_is_refused():
    with pytest.raises(InputError, match="reads images as the mean over tiles"):
        mapped(Tiled(dim32(3, 8), image_spec(3, 16)))
    with pytest.raises(InputError, match="none of its depths pool is a map"):
        mapped(Staged({"pool": nn.Flatten()}, image_spec(1, 8)))
    two = {"a": reading(left_half), "b": reading(left_half)}
    examples = from_array(torch.zeros(3, 1, 16, 16, dtype=torch.uint8).numpy())
    with pytest.raises(InputError, match="encoders: c is not among them"):
        attention_table(two, examples, supervised="a", untrained="c")
    with pytest.raises(InputError, match="depths: pool is no map of this network; it has map"):
        attention_table(two, examples, supervised="a", untrained="b", depths=("pool",))
