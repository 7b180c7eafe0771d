"""Films: frames by the time they are shown, whatever the container; the sound of the same seconds; bad files.

Seen with PyAV 18.1 (FFmpeg 8): the times of decoded frames ascend in MP4, MOV, Matroska and WebM, not in an AVI
with reordered frames, whose times are those of decoding; the average rate of a stream of uneven times is no rate
(1000/93 of 40 frames in 3.6 s); a rotation is told beside the frame, counterclockwise, and never applied; an MP4
without its index may open as one stream of data; a packet that is cut off is flagged and decodes to an error.
"""

import io
import os
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

import mutua.data.video.films as module
from data.filming import HEIGHT, WIDTH, drawn, film, said, turned
from mutua.data import Reading, films, load
from mutua.data.kinds import KINDS
from mutua.data.kinds.image import fitted
from mutua.data.video.clips import survey
from mutua.data.video.films import Films
from mutua.data.video.track import heard
from mutua.evaluation import raw
from mutua.types import InputError, Spec

CONTAINERS = [
    ("a.mp4", "libx264"),
    ("a.mov", "libx264"),
    ("a.mkv", "libx264"),
    ("a.avi", "libx264"),
    ("b.avi", "mpeg4"),
    ("c.mov", "mjpeg"),
    ("a.webm", "libvpx-vp9"),
    ("b.webm", "libvpx"),
]


def all_of(folder: Path, **reading) -> torch.Tensor:
    examples = load(folder, "all", **reading)
    batch = examples.take(torch.arange(len(examples)))
    return batch["x"] if isinstance(batch, dict) else batch


def numbers(examples) -> list[list[int]]:
    return [said(one.numpy()) for one in examples]


@pytest.mark.parametrize(("name", "codec"), CONTAINERS)
def test_every_frame_is_the_one_shown_then(tmp_path, name, codec):
    film(tmp_path / name, codec=codec)
    assert numbers(all_of(tmp_path, frames=8, hop="4")) == [list(range(k, k + 8)) for k in range(0, 33, 4)]
    # Half, a third, and twice its frames a second.
    assert numbers(all_of(tmp_path, frames=8, rate=5)) == [list(range(12, 28, 2))]
    assert numbers(all_of(tmp_path, frames=6, rate=10 / 3, hop="7")) == [
        [3 * k for k in range(6)],
        [*range(21, 39, 3)],
    ]


def test_a_faster_clock_shows_frames_again(tmp_path):
    film(tmp_path / "a.mkv")
    assert numbers(all_of(tmp_path, frames=80, rate=20)) == [[k // 2 for k in range(80)]]


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
@pytest.mark.parametrize("start", [0.0, 2.0])
def test_uneven_times(tmp_path, name, start):
    """The frame at a tick is the last one shown by then, counted from the first, wherever that is."""
    gaps = np.random.RandomState(0).randint(1, 9, 40)
    ticks = np.cumsum(gaps) - gaps[0]
    film(tmp_path / name, ticks=ticks.tolist(), tick=Fraction(1, 50), start=start)
    rate = 12.5
    expected = [int(np.searchsorted(ticks, 4 * k, "right")) - 1 for k in range(30)]
    assert numbers(all_of(tmp_path, frames=30, rate=rate, hop="100")) == [expected]
    assert survey(tmp_path / name).rate == pytest.approx(39 / (ticks[-1] / 50), rel=1e-3)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_a_start_offset_shifts_nothing(tmp_path, name):
    film(tmp_path / name, start=2.0)
    assert numbers(all_of(tmp_path, frames=10, hop="10")) == [list(range(k, k + 10)) for k in range(0, 40, 10)]


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_turned_upright(tmp_path, degrees):
    turned(film(tmp_path / "a.mov"), degrees)
    x = all_of(tmp_path, frames=4, hop="40")
    height, width = (HEIGHT, WIDTH) if degrees == 180 else (WIDTH, HEIGHT)
    assert tuple(x.shape) == (1, 4, 3, height, width)
    upright = np.rot90(x[0].numpy(), degrees // 90, (2, 3))  # turned back, counterclockwise
    assert said(upright) == [0, 1, 2, 3]
    assert all_of(tmp_path, frames=4, size=32).shape[-2:] == (32, 32)


def test_pixels_are_those_drawn(tmp_path):
    film(tmp_path / "a.mkv", codec="libx264")
    x = all_of(tmp_path, frames=40)[0].numpy().astype(int)
    real = np.stack([drawn(k) for k in range(40)]).transpose(0, 3, 1, 2)
    assert np.abs(x - real).mean() < 3
    # The largest square in the middle, resized as images are.
    small = all_of(tmp_path, frames=40, size=16)[0].numpy().astype(int)
    expected = np.stack([fitted(one.astype(np.uint8), 16) for one in x.clip(0, 255)])
    assert np.abs(small - expected).mean() < 2
    grey = all_of(tmp_path, frames=40, size=16, channels=1)[0].numpy().astype(int)
    assert np.abs(grey - small.mean(1, keepdims=True)).mean() < 2


def test_resizing_is_antialiased(tmp_path):
    """Lines of one pixel become grey, not black or white."""
    import av

    lines = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    lines[:, ::2] = 255
    with av.open(str(tmp_path / "lines.mkv"), "w") as container:
        stream = container.add_stream("ffv1", rate=10)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "bgr0"
        for k in range(4):
            frame = av.VideoFrame.from_ndarray(lines, format="rgb24")
            frame.pts = k
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    small = all_of(tmp_path, frames=4, size=16)[0].numpy().astype(int)
    assert 100 < small[..., 1:-1].min() <= small[..., 1:-1].max() < 155


@pytest.mark.parametrize(
    ("name", "codec", "sound", "within"),
    [
        ("a.mkv", "libx264", "pcm_s16le", 0.001),
        ("a.mov", "libx264", "pcm_s16le", 0.001),
        ("a.mp4", "libx264", "aac", 0.002),
        ("b.mkv", "libx264", "aac", 0.002),
        ("a.webm", "libvpx", "libopus", 0.002),
        ("a.avi", "mpeg4", "pcm_s16le", 0.001),
    ],
)
@pytest.mark.parametrize("start", [0.0, 2.0])
def test_sound_of_the_same_seconds(tmp_path, name, codec, sound, within, start):
    """The beep at 2.3 s lies 0.3 s into the window that begins at frame 20, at whatever rate it is asked for."""
    # An AVI has no start: FFmpeg writes the first frame at 0 and empty ones after it.
    film(tmp_path / name, codec=codec, sound=sound, beep=2.3, start=start if codec != "mpeg4" else 0.0)
    for rate in (48_000, 11_025):
        examples = load(tmp_path, "all", frames=10, hop="10", sound=rate)
        batch = examples.take(torch.arange(4))
        assert tuple(batch["sound"].shape) == (4, 1, rate)
        assert batch["sound"].dtype == torch.float32
        assert batch["heard"].tolist() == [True] * 4
        assert said(batch["x"][2].numpy()) == list(range(20, 30))
        loud = (batch["sound"][2, 0].abs() > 0.25).nonzero().flatten() / rate
        assert float(loud[0]) == pytest.approx(0.3, abs=within)
        assert float(loud[-1]) == pytest.approx(0.5, abs=within)
        assert float(batch["sound"][[0, 1, 3]].abs().max()) < 0.05
        assert 0.7 < float(batch["sound"].abs().max()) < 0.9


@pytest.mark.parametrize(("name", "sound"), [("a.mp4", "aac"), ("a.mkv", "aac"), ("a.webm", "libopus")])
def test_sound_from_the_middle_is_that_of_the_whole(tmp_path, name, sound):
    """A decoder that begins in the middle of a tone needs what lies before to be right. Matroska keeps
    milliseconds: there the part is the whole's but for a shift of one at most."""
    path = film(tmp_path / name, codec="libvpx" if sound == "libopus" else "libx264", sound=sound, beep=2.3)
    whole, most = heard(path, 0.0, 4 * 48_000, 48_000), 0 if name == "a.mp4" else 48
    for first in (2.35, 2.4, 2.45):
        part, at = heard(path, first, 7200, 48_000), round(first * 48_000)
        off = [np.abs(part - whole[at + k : at + k + 7200]).max() for k in range(-most, most + 1)]
        assert min(off) < 0.02


def test_sound_where_some_have_none(tmp_path):
    film(tmp_path / "a.mkv", sound="pcm_s16le")
    film(tmp_path / "b.mkv")
    examples = load(tmp_path, "all", frames=10, sound=8000)
    assert str(examples.spec) == "10 x 3 x 64 x 96 px at 10 frames a second with sound at 8,000 Hz"
    batch = examples.take(torch.tensor([1, 0]))
    assert batch["heard"].tolist() == [False, True]
    assert not batch["sound"][0].any()
    zeros = examples.spec.example(2)
    assert {name: part.shape for name, part in zeros.items()} == {name: part.shape for name, part in batch.items()}


def test_folders_name_classes_and_splits(tmp_path):
    for kind in ("left", "right"):
        (tmp_path / kind).mkdir()
        for k in range(5):
            film(tmp_path / kind / f"{k}.mp4", 10, codec="mpeg4")
    train, test = (load(tmp_path, split, frames=4) for split in ("train", "test"))
    assert len(train) + len(test) == 10
    assert not set(train.names) & set(test.names)
    assert train.classes == ("left", "right")
    assert {name.partition("/")[0] for name in test.names} == {"left", "right"}
    assert [test.classes[k] for k in test.labels] == [name.partition("/")[0] for name in test.names]
    assert train.spec == test.spec == Spec("video", (4, 3, HEIGHT, WIDTH), "uint8", 10.0)


def test_one_film_is_split_in_time(tmp_path):
    path = film(tmp_path / "a.mp4")
    train, test = (load(path, split, frames=4, hop="4") for split in ("train", "test"))
    assert numbers(train.take(torch.arange(len(train)))) == [list(range(k, k + 4)) for k in range(0, 32, 4)]
    assert numbers(test.take(torch.arange(len(test)))) == [[32, 33, 34, 35], [36, 37, 38, 39]]
    with pytest.raises(InputError, match=r"its part for test has 8 frames where windows have 16; .*--frames"):
        load(path, "test")


def test_memory_holds_a_window_alone(tmp_path, monkeypatch):
    """Of a film of 70 frames no more are made into pixels than a window has, and few are decoded from its key."""
    film(tmp_path / "a.mkv", 70, keys=10)
    made = []
    monkeypatch.setattr(
        Films, "_pixels", lambda self, frame, clip, scaler: made.append(frame.time) or np.zeros(self.moment)
    )
    Films((survey(tmp_path / "a.mkv"),), 10.0, (3, HEIGHT, WIDTH)).read(0, 52, 4)
    assert made == pytest.approx([5.2, 5.3, 5.4, 5.5])


@pytest.mark.parametrize(("name", "codec"), CONTAINERS)
def test_windows_begin_at_a_key_frame(tmp_path, monkeypatch, name, codec):
    film(tmp_path / name, 70, keys=10, codec=codec)
    source = Films((survey(tmp_path / name),), 10.0, (3, HEIGHT, WIDTH))
    seen = []

    timed = module.timed

    def counted(frames, clip, seeked):
        for time, frame in timed(frames, clip, seeked):
            seen.append(time)
            yield time, frame

    monkeypatch.setattr(module, "timed", counted)
    assert said(source.read(0, 52, 4)) == [52, 53, 54, 55]
    assert len(seen) <= 28


# --- bad files ---------------------------------------------------------------------------------------------


def cut_short(path: Path, share: float) -> None:
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])


def sound_alone(path: Path) -> None:
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=48_000)
        stream.layout = "mono"
        for k in range(10):
            part = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.int16), format="s16", layout="mono")
            part.sample_rate, part.pts = 48_000, 1024 * k
            container.mux(stream.encode(part))
        container.mux(stream.encode())


def noise(path: Path) -> None:
    """Bytes written over the middle of the frames of a film."""
    data = bytearray(film(path, 60, options={"movflags": "faststart"}).read_bytes())
    begin = data.find(b"mdat") + 4
    middle = begin + (len(data) - begin) // 2
    data[middle : middle + 200] = np.random.RandomState(0).bytes(200)
    path.write_bytes(data)


BAD = {
    "text": (lambda path: path.write_text("no film\n" * 99), "cannot be read as a film"),
    "empty": (lambda path: path.write_bytes(b""), "an empty file"),
    "sound": (sound_alone, "has sound and no picture"),
    "index": (lambda path: cut_short(film(path), 0.7), "cut off before its index|cannot be read as a film"),
    "cut": (lambda path: cut_short(film(path, options={"movflags": "faststart"}), 0.7), "cut off"),
    "still": (lambda path: film(path, 1), r"one frame alone where windows have 8; .*--frames 1"),
    "short": (lambda path: film(path, 5), r"5 frames at 10 a second where windows have 8; .*--frames 5"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_film_is_named_or_left_out(tmp_path, what):
    make, message = BAD[what]
    make(tmp_path / "bad.mp4")
    film(tmp_path / "good.mp4")
    with pytest.raises(InputError, match=message) as error:
        load(tmp_path, "all", frames=8)
    assert str(error.value).startswith(f"{tmp_path / 'bad.mp4'}: ")
    assert "\n" not in str(error.value)
    kept = load(tmp_path, "all", frames=8, skip_bad=True)
    assert kept.names == ("good.mp4",)
    assert "1 of 2 films are damaged or too short and were left out" in kept.source


@pytest.mark.parametrize(("name", "codec"), [("a.mkv", "libx264"), ("a.webm", "libvpx"), ("a.avi", "mpeg4")])
def test_a_film_cut_short_by_its_seconds(tmp_path, name, codec):
    cut_short(film(tmp_path / name, codec=codec), 0.7)
    with pytest.raises(InputError, match=rf"{name}: cut off(, .* of 4 s are there| after .* frames)"):
        load(tmp_path, "all", frames=4)


def test_damage_inside_is_found_when_it_is_decoded(tmp_path):
    noise(tmp_path / "bad.mp4")
    film(tmp_path / "good.mp4")
    examples = load(tmp_path, "all", frames=4, hop="4")
    with pytest.raises(InputError, match=r"bad\.mp4: (cannot be read|damaged|breaks off)"):
        examples.take(torch.arange(len(examples)))
    assert set(load(tmp_path, "all", frames=40, skip_bad=True).names) == {"good.mp4"}


def test_no_film_is_left(tmp_path):
    (tmp_path / "bad.mp4").write_text("no film")
    with pytest.raises(InputError, match="none of its 1 films can be read"):
        load(tmp_path, "all", skip_bad=True)
    (tmp_path / "none").mkdir()
    with pytest.raises(InputError, match="no films in it"):
        load(tmp_path / "none", "all", kind="video")


def test_rates_that_differ(tmp_path):
    film(tmp_path / "a.mp4", rate=10)
    film(tmp_path / "b.mp4", rate=25)
    with pytest.raises(InputError, match=r"different frames a second \(a.mp4 10, b.mp4 25\); .*--rate 10"):
        load(tmp_path, "all", frames=4)
    assert numbers(all_of(tmp_path, frames=4, rate=5))[0] == [16, 18, 20, 22]


def test_without_pyav(tmp_path, monkeypatch):
    film(tmp_path / "a.mp4")
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(InputError, match=r"reading films needs PyAV; pip install 'mutua\[video\]'"):
        load(tmp_path, "all")


# --- arrays, the control, pictures -------------------------------------------------------------------------


def test_arrays_with_channels_first_and_last(tmp_path):
    x = np.random.RandomState(0).randint(0, 256, (5, 6, 8, 10, 3)).astype(np.uint8)
    last, first = films(x), films(np.moveaxis(x, 4, 2))
    assert last.spec == first.spec == Spec("video", (6, 3, 8, 10), "uint8")
    rows = torch.tensor([3, 0])
    assert torch.equal(last.take(rows), first.take(rows))
    assert np.array_equal(last.take(rows).numpy(), np.moveaxis(x, 4, 2)[[3, 0]])
    np.savez(tmp_path / "x.npz", x=x, y=np.arange(5) % 2, rate=8.0)
    found = load(tmp_path / "x.npz", "all", frames=4, hop="2")
    assert found.spec == Spec("video", (4, 3, 8, 10), "uint8", 8.0)
    assert found.labels.tolist() == [0, 0, 1, 1, 0, 0, 1, 1, 0, 0]
    assert np.array_equal(found.take(torch.tensor([3]))[0].numpy(), np.moveaxis(x, 4, 2)[1, 2:])
    np.save(tmp_path / "x.npy", x)
    assert len(load(tmp_path / "x.npy", "train", size=4, channels=1)) == 4


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((2, 4, 8, 8, 2), "no axis of 1 or 3 channels"),
        ((2, 4, 3, 8, 3), "channels first or last"),
        ((2, 4, 0, 8, 3), "give films as"),
    ],
)
def test_arrays_that_are_no_films(shape, message):
    with pytest.raises(InputError, match=message):
        films(np.zeros(shape, np.uint8))


def test_arrays_shorter_than_a_window():
    with pytest.raises(InputError, match="films of 4 frames where windows have 9"):
        films(np.zeros((2, 4, 8, 8, 3), np.uint8), reading=Reading(frames=9))


def test_the_control_sees_light_and_motion():
    still, moving = np.zeros((2, 4, 3, 64, 64), np.uint8)
    still[:], moving[:2] = 51, 102
    data = films(np.stack([still, moving]))
    values = raw(data)
    assert values.shape == (2, 2 * 3 * 32 * 32)
    assert values[:, 0] == pytest.approx([0.2, 0.2])
    assert values[:, -1] == pytest.approx([0.0, 0.2])


def test_strips():
    kind = KINDS["video"]
    x = kind.sample(Spec("video", (7, 3, 96, 64), "uint8", 8.0), 3, torch.Generator().manual_seed(0))
    strips = kind.pictures(x, kind.small)
    assert strips.shape == (3, 3, 48, 4 * 32)
    assert strips.dtype == np.uint8
    first = x[0, 0].float().reshape(3, 48, 2, 32, 2).mean((2, 4))
    assert np.abs(strips[0, :, :, :32] - first.numpy()).max() <= 0.51


def test_samples_are_of_the_spec():
    kind, generator = KINDS["video"], torch.Generator().manual_seed(0)
    x = kind.sample(kind.small, 5, generator)
    kind.small.check(x)
    assert len(x) == 5
    assert x.dtype == torch.uint8
    both = Spec("video", (4, 3, 16, 16), "uint8", 8.0, sound=4000.0)
    sample, zeros = kind.sample(both, 5, generator), both.example(5)
    assert {name: (part.shape, part.dtype) for name, part in sample.items()} == {
        name: (part.shape, part.dtype) for name, part in zeros.items()
    }


# --- the real clips ----------------------------------------------------------------------------------------


@pytest.mark.data
def test_real_clips():
    """VP8 in WebM, H.264 in MP4, one clip without sound: what the header says is what is there."""
    folder = Path(os.environ["MUTUA_DATA"]) / "video"
    clips = {path.name: survey(path) for path in sorted(folder.iterdir())}
    frames = {name: clip.frames(clip.rate) for name, clip in clips.items()}
    assert frames == {
        "bbb_0_30.webm": 720,
        "bbb_2s.mp4": 48,
        "bikes_silent.mp4": 250,
        "chaplin.mp4": 241,
        "sintel_2s.mp4": 48,
    }
    assert [name for name, clip in clips.items() if not clip.heard] == ["bikes_silent.mp4"]
    examples = load(folder, "all", rate=12, frames=8, size=32, sound=8000)
    batch = examples.take(torch.arange(len(examples)))
    assert tuple(batch["x"].shape) == (5, 8, 3, 32, 32)
    assert batch["heard"].tolist() == [True, True, False, True, True]
    assert bool((batch["sound"].abs().amax((1, 2)) > 0.005).eq(batch["heard"]).all())
    assert raw(examples).shape == (5, 6144)


@pytest.mark.data
def test_a_seek_gives_the_frames_of_reading_on():
    """Windows of a real film with few key frames are those found by decoding all of it."""
    import av

    path = Path(os.environ["MUTUA_DATA"]) / "video" / "bikes_silent.mp4"
    source = Films((survey(path),), 25.0, (3, 32, 32))
    with av.open(str(path)) as container:
        frames = [frame.to_ndarray(format="gray")[::16, ::16] for frame in container.decode(video=0)]
    own = Films(source.clips, 25.0, (1, 272, 640))
    for start in (0, 37, 120, 246):
        for k, pixels in enumerate(own.read(0, start, 4)):
            assert np.array_equal(pixels[0, ::16, ::16], frames[start + k])


def test_the_sound_of_a_window_can_be_heard():
    kind, spec = KINDS["video"], Spec("video", (4, 3, 16, 16), "uint8", 8.0, sound=4000.0)
    batch = kind.sample(spec, 2, torch.Generator().manual_seed(0))
    for one, wav in zip(batch["sound"], kind.sounds(batch, spec), strict=True):
        samples, rate = soundfile.read(io.BytesIO(wav))
        assert rate == 4000
        assert np.abs(samples - one[0].numpy()).max() < 1e-4
