#!/usr/bin/env bash
# Pillow 13.0.0 (seen 2026-11-30): an uncompressed grey TIFF whose orientation is 6 (a quarter turn) is read by
# Image.open(NAME) with height and width exchanged under a memory map, so that its pixels come out scrambled; by
# Image.open(OPEN FILE) it is right. Expected: one picture, however it is opened.
# What to do: hand Pillow the open file.
set -euo pipefail
place=$(mktemp -d); trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet pillow==13.0.0 numpy==2.4.6
"$place/venv/bin/python" - "$place/turned.tif" <<'PYTHON'
import sys

import numpy as np
from PIL import Image

stored = (np.arange(64 * 96) % 251).astype(np.uint8).reshape(64, 96)
about = Image.Exif()
about[0x0112] = 6
Image.fromarray(stored).save(sys.argv[1], exif=about)
shown = np.rot90(stored, -1)  # what orientation 6 asks for
with Image.open(sys.argv[1]) as image:
    by_name = np.asarray(image)
with open(sys.argv[1], "rb") as file:
    by_file = np.asarray(Image.open(file))
print(f"by name {by_name.shape}, from the open file {by_file.shape}, meant {shown.shape}")
right = [np.array_equal(one, shown) or np.array_equal(one, stored) for one in (by_name, by_file)]
print(f"the picture, turned or not: by name {right[0]}, from the open file {right[1]}")
sys.exit(0 if right == [False, True] and by_name.shape in ((64, 96), (96, 64)) else 1)
PYTHON
echo "as found: opened by its name the picture is scrambled"
