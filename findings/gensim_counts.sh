#!/usr/bin/env bash
# gensim 4.4.0 (seen 2026-11-30): (1) vectors loaded from word2vec's text format, which holds no counts, have counts all the
# same: n, n - 1, ... 1 in the order of the file; whatever weighs by frequency then weighs by the order. (2) a word with a
# space is written to the text format without a word, and gensim's own reader fails on that file with a ValueError.
# Expected: no counts where there are none; a refusal when writing, or a file that can be read back.
set -euo pipefail
place=$(mktemp -d); trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet gensim==4.4.0
"$place/venv/bin/python" - "$place" <<'PYTHON'
import sys

import numpy as np
from gensim.models import KeyedVectors

folder = sys.argv[1]
plain = KeyedVectors(2)
plain.add_vectors(["b", "a", "c"], np.eye(3, 2, dtype=np.float32))
plain.save_word2vec_format(f"{folder}/plain.txt")
back = KeyedVectors.load_word2vec_format(f"{folder}/plain.txt")
counts = [back.get_vecattr(word, "count") for word in ("b", "a", "c")]
print("counts of a file without any:", counts)
spaced = KeyedVectors(2)
spaced.add_vectors(["new york", "rome"], np.eye(2, dtype=np.float32))
spaced.save_word2vec_format(f"{folder}/spaced.txt")
try:
    KeyedVectors.load_word2vec_format(f"{folder}/spaced.txt")
    failed = ""
except ValueError as error:
    failed = str(error)
print("reading its own file of a word with a space:", failed or "read")
sys.exit(0 if counts == [3, 2, 1] and failed else 1)
PYTHON
echo "as found: counts by order, and a file that can't be read back"
