"""Word embeddings: skip-gram with negative sampling, phrases and analogies."""

from __future__ import annotations

from mutua.data.text.sources import read_sentences
from mutua.data.text.tokens import Tokenizer, Whitespace, Words
from mutua.words.analogies import (
    Answers,
    Section,
    accuracy_table,
    answer,
    cos_add,
    cos_mul,
    read_questions,
)
from mutua.words.cbow import CBOW
from mutua.words.corpus import Corpus, read_corpus
from mutua.words.documents import DocumentVectors
from mutua.words.formats import load_vectors
from mutua.words.gensim import from_gensim, to_gensim
from mutua.words.judgements import Pairs, read_pairs, similarity_table
from mutua.words.model import Word2Vec
from mutua.words.occurrences import occurrences
from mutua.words.phrases import CONNECTORS, Phrases, Tally, by_total, by_vocabulary, join_best, join_left
from mutua.words.safetensors_format import read_safetensors, write_safetensors
from mutua.words.stability import stability
from mutua.words.subwords import Subwords
from mutua.words.vectors import UnknownWord, Vectors
from mutua.words.word2vec_format import read_binary, read_text, write_binary, write_text

__all__ = [
    "CBOW",
    "CONNECTORS",
    "Answers",
    "Corpus",
    "DocumentVectors",
    "Pairs",
    "Phrases",
    "Section",
    "Subwords",
    "Tally",
    "Tokenizer",
    "UnknownWord",
    "Vectors",
    "Whitespace",
    "Word2Vec",
    "Words",
    "accuracy_table",
    "answer",
    "by_total",
    "by_vocabulary",
    "cos_add",
    "cos_mul",
    "from_gensim",
    "join_best",
    "join_left",
    "load_vectors",
    "occurrences",
    "read_binary",
    "read_corpus",
    "read_pairs",
    "read_questions",
    "read_safetensors",
    "read_sentences",
    "read_text",
    "similarity_table",
    "stability",
    "to_gensim",
    "write_binary",
    "write_safetensors",
    "write_text",
]
