"""Sample batches of each kind of data, for the laws of views."""

import torch


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def some_images(n=24, channels=3, dtype=torch.uint8, height=32, width=32):
    """Blurry noise, so that neighbours are alike as in photographs."""
    small = torch.rand(n, channels, 8, 8, generator=seeded(7))
    x = torch.nn.functional.interpolate(small, (height, width), mode="bilinear")
    x = (x + 0.1 * torch.rand(n, channels, height, width, generator=seeded(8))).clamp(0, 1)
    levels = (x * 255).round().to(torch.uint8)
    return levels if dtype == torch.uint8 else (levels.double() / 255).to(dtype)


def some_sound(n=24, channels=2, dtype=torch.int16, samples=301):
    """Coloured noise below full scale. The length is odd and no product of small primes."""
    x = torch.randn(n, channels, samples, generator=seeded(7)).cumsum(2)
    x = 0.5 * (x - x.mean(2, keepdim=True)) / x.abs().amax(2, keepdim=True).clamp(min=1)
    levels = (x * 32768).round().clamp(-32768, 32767).to(torch.int16)
    return levels if dtype == torch.int16 else (levels.double() / 32768).to(dtype)


def some_series(n=24, columns=3, dtype=torch.float32, steps=67):
    """Random walks of different sizes about different means."""
    x = torch.randn(n, steps, columns, generator=seeded(7), dtype=torch.float64).cumsum(1)
    return (x * torch.tensor([1.0, 10.0, 0.1])[:columns] + torch.arange(columns)).to(dtype)


SAMPLES = {"image": some_images, "sound": some_sound, "series": some_series}
TIME = {"image": 3, "sound": 2, "series": 1}  # the axis of a batch; of images, their rows' own

# What comes out for what goes in.
DTYPES = {
    "image": {x: x for x in (torch.uint8, torch.float32, torch.float64, torch.bfloat16)},
    "sound": {
        torch.int16: torch.float32,
        torch.float32: torch.float32,
        torch.float64: torch.float64,
        torch.bfloat16: torch.float32,
    },
    "series": {torch.float32: torch.float32, torch.float64: torch.float64, torch.bfloat16: torch.float32},
}


def padded(x, axis, shortest=1):
    """x as a masked batch: of each row another length, from `shortest` to all of it."""
    n, t = len(x), x.shape[axis]
    length = torch.linspace(t, shortest, n).round().long()
    mask = torch.arange(t) < length[:, None]  # (n, t)
    return {"x": x * (mask[:, None] if axis == 2 else mask[:, :, None]), "mask": mask}
