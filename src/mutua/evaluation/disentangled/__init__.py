"""How far single columns of a code stand for single factors of variation: one metric a file, as published and
mended."""
