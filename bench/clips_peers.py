"""What other libraries do for windows of films, run in a Python of their own: `python clips_peers.py PEER PLAN`.

PLAN is JSON: path, frames (a window), rate (frames a second of the film), starts (numbers of first frames), size
(height that frames come out at, 0 for their own), sound (samples a second). It prints JSON: cpu (seconds), peak
(bytes), and with "keep" writes frames and sound to the .npz named there.
"""

import json
import sys
import time

import numpy as np


def decord(plan):
    """As its README has it: a reader a film, frames by number; sound by the same numbers."""
    from decord import AudioReader, VideoReader, cpu

    size = plan["size"]
    shape = {"height": size, "width": round(size * plan["aspect"])} if size else {}
    video = VideoReader(plan["path"], ctx=cpu(0), num_threads=1, **shape)
    audio = AudioReader(plan["path"], ctx=cpu(0), sample_rate=plan["sound"], mono=True)
    length = round(plan["frames"] / plan["rate"] * plan["sound"])
    for start in plan["starts"]:
        frames = video.get_batch(range(start, start + plan["frames"])).asnumpy()
        if size:
            left = (frames.shape[2] - size) // 2
            frames = frames[:, :, left : left + size]
        first = round(start / plan["rate"] * plan["sound"])
        yield frames, audio[first : first + length].asnumpy()[0]


def pyav(plan):
    """PyAV's cookbook: open, seek, decode on to the frames wanted; then the same for the sound."""
    import av

    length = round(plan["frames"] / plan["rate"] * plan["sound"])
    for start in plan["starts"]:
        first, out = start / plan["rate"], []
        with av.open(plan["path"]) as container:
            stream = container.streams.video[0]
            container.seek(int(first / stream.time_base), stream=stream)
            for frame in container.decode(stream):
                if frame.time < first - 1e-3:
                    continue
                size = plan["size"]
                shape = {"width": round(size * plan["aspect"]), "height": size} if size else {}
                pixels = frame.to_ndarray(format="rgb24", **shape)
                left = (pixels.shape[1] - size) // 2
                out.append(pixels[:, left : left + size] if size else pixels)
                if len(out) == plan["frames"]:
                    break
        waves, at = [], None
        with av.open(plan["path"]) as container:
            stream = container.streams.audio[0]
            resampler = av.AudioResampler(format="flt", layout="mono", rate=plan["sound"])
            container.seek(int(max(first - 0.1, 0) / stream.time_base), stream=stream)
            for frame in container.decode(stream):
                at = frame.time if at is None else at
                waves += [one.to_ndarray()[0] for one in resampler.resample(frame)]
                if frame.time > first + plan["frames"] / plan["rate"]:
                    break
        skip = round((first - at) * plan["sound"])
        yield np.stack(out), np.concatenate(waves)[skip : skip + length]


def mutua(plan):
    """`mutua.data`: survey once, windows as they are taken."""
    from pathlib import Path

    from mutua.data.video.clips import survey
    from mutua.data.video.films import Films

    clip = survey(Path(plan["path"]))
    size = plan["size"]
    moment = (3, size, size) if size else (3, clip.height, clip.width)
    source = Films((clip,), plan["rate"], moment, float(plan["sound"]))
    for start in plan["starts"]:
        frames = source.read(0, start, plan["frames"])
        yield frames.transpose(0, 2, 3, 1), source.beside(0, start, plan["frames"])["sound"][0]


def main():
    """Run one peer."""
    plan = json.loads(sys.argv[2])
    windows = {"decord": decord, "pyav": pyav, "mutua": mutua}[sys.argv[1]](plan)
    keep = plan.get("keep")
    first = next(windows)  # imports and opening, which are not of a window
    begin = time.process_time()
    found = [first] if keep else []
    for window in windows:
        if keep:
            found.append(window)
    spent = time.process_time() - begin
    if keep:
        frames, sound = zip(*found, strict=True)
        np.savez(keep, frames=np.stack(frames), sound=np.stack([one[: min(map(len, sound))] for one in sound]))
    with open("/proc/self/status") as status:  # getrusage would give the peak of the process that started this
        peak = next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
    print(json.dumps({"cpu": spent / max(len(plan["starts"]) - 1, 1), "peak": peak}))


if __name__ == "__main__":
    main()
