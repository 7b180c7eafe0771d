"""Compiled loops of word vectors: tokens, phrases, skip-gram, CBOW."""
