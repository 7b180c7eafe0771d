#!/usr/bin/env bash
# soundfile 0.14.0 with libsndfile 1.2.2 (seen 2026-12-01): of an MP3 of variable bit rate without a table of its length, as
# encoders write into a pipe, the header's number of frames is an estimate, and reading the file by its name ends there
# without an error: of ten seconds some are missing. The same bytes read through PyAV are whole.
# Expected: all samples, or an error. What to do: count by decoding to the end with another reader, or refuse.
set -euo pipefail
place=$(mktemp -d); trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet av==18.1.0 soundfile==0.14.0 numpy==2.4.6
"$place/venv/bin/python" - "$place/piped.mp3" <<'PYTHON'
import sys

import av
import numpy as np
import soundfile

rate, seconds = 16000, 10
rng = np.random.default_rng(0)
# Noise first, then near silence: the first frames are large, the others small.
loud = rng.normal(0, 8000, rate * seconds // 4)
quiet = rng.normal(0, 30, rate * seconds - len(loud))
samples = np.concatenate([loud, quiet]).clip(-32768, 32767).astype(np.int16)
with av.open(sys.argv[1], "w", format="mp3", options={"write_xing": "0", "id3v2_version": "0"}) as file:
    stream = file.add_stream("libmp3lame", rate=rate, layout="mono")
    stream.codec_context.options = {"global_quality": str(5 * 118), "flags": "+qscale"}
    frame = av.AudioFrame.from_ndarray(samples[None], format="s16p", layout="mono")
    frame.sample_rate = rate
    for packet in stream.encode(frame):
        file.mux(packet)
    for packet in stream.encode(None):
        file.mux(packet)
with av.open(sys.argv[1]) as file:
    whole = sum(frame.samples for frame in file.decode(audio=0))
read = len(soundfile.read(sys.argv[1])[0])
print(f"{soundfile.__libsndfile_version__}: {read / rate:.2f} s read of {whole / rate:.2f} s")
sys.exit(0 if whole >= rate * seconds and read < 0.9 * whole else 1)
PYTHON
echo "as found: the end of the recording is not read, and nothing is said"
