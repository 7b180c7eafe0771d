#!/usr/bin/env bash
# PyAV 18.1.0 (seen 2026-11-30): stream.average_rate of a Matroska film with frames at uneven times is the rate its writer
# declared, not that of its frames: 40 frames in 3.48 s, 11.21 a second, are said to come at 10.00. Expected of the name:
# frames divided by time. Windows cut by frame number at that rate drift by more than a tenth.
# What to do: go by each decoded frame's presentation time.
set -euo pipefail
place=$(mktemp -d); trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet av==18.1.0 numpy==2.4.6
"$place/venv/bin/python" - "$place/uneven.mkv" <<'PYTHON'
import sys
from fractions import Fraction

import av
import numpy as np

# Gaps of .06 s, and of .12 s at every second frame.
times = np.concatenate([[0], np.cumsum([0.06, 0.12] * 20)])[:40]
with av.open(sys.argv[1], "w") as film:
    stream = film.add_stream("mpeg4", rate=10)
    stream.width = stream.height = 32
    stream.pix_fmt = "yuv420p"
    stream.codec_context.time_base = Fraction(1, 1000)
    for time in times:
        frame = av.VideoFrame.from_ndarray(np.full((32, 32, 3), 99, np.uint8), "rgb24")
        frame.pts, frame.time_base = round(1000 * time), Fraction(1, 1000)
        for packet in stream.encode(frame):
            film.mux(packet)
    for packet in stream.encode():
        film.mux(packet)
with av.open(sys.argv[1]) as film:
    stream = film.streams.video[0]
    said = float(stream.average_rate)
    seen = [frame.time for frame in film.decode(stream)]
true = (len(seen) - 1) / (seen[-1] - seen[0])
print(f"{len(seen)} frames, last at {seen[-1]:.2f} s: {true:.2f} a second; average_rate says {said:.2f}")
sys.exit(0 if len(seen) == 40 and abs(said - true) > 0.1 else 1)
PYTHON
echo "as found: the average rate is not the rate"
