"""What the estimators learn, that it can be repeated, and what they refuse."""

from __future__ import annotations

import itertools
import lzma
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.base import clone
from torch import nn

from mutua.bounds import logistic
from mutua.critics import Dot
from mutua.kernels.words.skipgram import BREAK
from mutua.scores import drawn
from mutua.types import InputError
from mutua.words import (
    Corpus,
    DocumentVectors,
    Subwords,
    Vectors,
    Word2Vec,
    load_vectors,
    read_corpus,
    stability,
)
from words.small_text import KINDS, TOPICS, topical


def gap(vectors: Vectors) -> float:
    """Mean cosine within topics minus that between them."""
    words = [word for topic in TOPICS for word in topic]
    cosines = vectors.similarities(words)
    same = np.kron(np.eye(3), np.ones((8, 8))) > 0
    return float(cosines[same].mean() - cosines[~same].mean())


@pytest.mark.parametrize("kind", KINDS)
def test_topics_are_told_apart(kind: str) -> None:
    model = KINDS[kind]().fit(topical())
    assert gap(model.vectors_) > 0.6
    assert len(model.loss_) == 20
    assert model.loss_[-1] < model.loss_[0]
    assert model.vectors_["the"].shape == (12,)
    assert model.counts_[0] == 600
    assert model.words_[0] == "the"
    assert not model.interrupted_


@pytest.mark.parametrize("kind", KINDS)
def test_one_thread_and_a_seed_repeat(kind: str) -> None:
    text = topical(200)
    one, two = KINDS[kind](epochs=2).fit(text), KINDS[kind](epochs=2).fit(text)
    np.testing.assert_array_equal(one.vectors_.matrix, two.vectors_.matrix)
    assert one.loss_ == two.loss_
    other = KINDS[kind](epochs=2, random_state=1).fit(text)
    assert not np.allclose(one.vectors_.matrix, other.vectors_.matrix)
    assert clone(one).get_params() == one.get_params()


def test_both_learn_the_same_as_the_generic_composition() -> None:
    """Two tables, the critic `Dot`, the contrast `logistic`, and gradients by torch, on pairs of the same text."""
    text = topical()
    model = KINDS["skip-gram"](epochs=60, negatives=5).fit(text)
    corpus = read_corpus(text)
    random, v = np.random.default_rng(0), len(corpus.words)
    # A pair at distance k is in the window with probability (W - k + 1)/W.
    pairs = []
    for k in range(1, 5):
        a, b = corpus.tokens[:-k], corpus.tokens[k:]
        inside = np.array([BREAK not in corpus.tokens[i : i + k + 1] for i in range(len(a))])
        inside &= random.random(len(a)) < (5 - k) / 4
        pairs += [np.stack([a, b], 1)[inside], np.stack([b, a], 1)[inside]]
    joint = torch.tensor(np.concatenate(pairs), dtype=torch.long)  # (n, 2)
    torch.manual_seed(0)
    left, right = nn.Embedding(v, 12), nn.Embedding(v, 12)
    nn.init.uniform_(left.weight, -1 / 12, 1 / 12)
    nn.init.zeros_(right.weight)
    optimizer = torch.optim.Adam([*left.parameters(), *right.parameters()], 0.02)
    noise = torch.tensor(corpus.counts.astype(float) ** 0.75)
    value = torch.zeros(())
    for _ in range(400):
        some = joint[torch.randint(len(joint), (1024,))]
        others = torch.multinomial(noise, 1024 * 5, replacement=True).view(1024, 5)
        value = logistic(drawn(Dot(), left(some[:, 0]), right(some[:, 1]), right(others)))
        optimizer.zero_grad()
        (-value).backward()
        optimizer.step()
    slow = Vectors(corpus.words, left.weight.detach().numpy())
    assert gap(slow) > 0.6
    words = [word for topic in TOPICS for word in topic]
    assert np.corrcoef(slow.similarities(words).ravel(), model.vectors_.similarities(words).ravel())[0, 1] > 0.9
    assert -value.item() == pytest.approx(model.loss_[-1], rel=0.06)
    # Both approach log p(w, c)/p(w)p(c)^0.75 - log K, so the scores of both agree.
    d = 12
    scores = model.inputs_[:, :d] @ model.outputs_[:, :d].T
    assert np.corrcoef(scores.ravel(), (left.weight @ right.weight.T).detach().numpy().ravel())[0, 1] > 0.9


def test_scores_approach_the_log_ratio() -> None:
    """With room for it, <x_c, y_w> is log p(c, w)/p(c)q(w) - log K: a corpus whose pairs are known exactly."""
    random = np.random.default_rng(0)
    p = np.array([[0.25, 0.05, 0.1], [0.05, 0.2, 0.05], [0.1, 0.05, 0.15]])
    pairs = random.choice(9, 60_000, p=p.ravel())
    corpus = [["abc"[i // 3], "abc"[i % 3]] for i in pairs]
    model = Word2Vec(4, window=1, negatives=4, power=1.0, sample=0, epochs=6, learning_rate=0.05, random_state=0)
    model.fit(corpus)
    marginal = p.sum(0)
    order = [model.vectors_.index[word] for word in "abc"]
    scores = (model.inputs_[:, :4] @ model.outputs_[:, :4].T)[np.ix_(order, order)]
    # Noise that is the centre is left out: w is noise for c in windows of other centres, (p(c) - p(c, w)) q(w).
    expected = np.log(p / ((marginal[:, None] - p) * marginal) / 4)
    np.testing.assert_allclose(scores, expected, atol=0.12)


def test_threads_learn_as_one_does() -> None:
    model = KINDS["skip-gram"](n_jobs=2).fit(topical(3000))
    assert gap(model.vectors_) > 0.6


@pytest.mark.parametrize("kind", ["skip-gram", "skip-gram, n-grams"])
def test_partial_fit_takes_in_new_words(kind: str) -> None:
    model = KINDS[kind](epochs=5).fit(topical(300))
    old = dict(zip(model.words_, model.counts_.tolist(), strict=True))
    more = [[*(["aunt"] if sentence[0] in TOPICS[0] else []), *sentence] for sentence in topical(300, seed=1)]
    for _ in range(10):
        model.partial_fit(more)
    assert gap(model.vectors_) > 0.6
    cosines = model.vectors_.similarities(["aunt"], [word for topic in TOPICS for word in topic])[0]
    assert cosines[:8].mean() > cosines[8:].mean() + 0.3
    assert model.counts_[model.vectors_.index["the"]] == old["the"] + 3000
    assert model.words_[-1] == "aunt"
    assert len(model.words_) == len(old) + 1
    assert len(model.vectors_) == len(model.words_) == len(model.counts_)
    fresh = KINDS[kind]().partial_fit(topical(300))
    assert len(fresh.loss_) == 1
    once = KINDS[kind](epochs=1).fit(topical(300))
    once.partial_fit([["rare", "ant1"]])
    assert "rare" not in once.vectors_


def test_unseen_words_have_vectors_of_their_parts() -> None:
    model = KINDS["skip-gram, n-grams"]().fit(topical())
    assert "ant11" not in model.vectors_
    assert model.vectors_.most_similar("ant11", k=1)[0][0] in TOPICS[0]


def test_a_line_of_any_length_counts_whole() -> None:
    """One line of 60,000 words trains as much as short ones do; gensim stops at 10,000."""
    words = [word for sentence in topical(8000) for word in sentence]
    model = Word2Vec(8, epochs=1, sample=0, random_state=0).fit([" ".join(words)])
    assert model.total_ == len(words)
    seen = Word2Vec(8, epochs=1, sample=0, random_state=0)
    seen.fit([words])
    np.testing.assert_array_equal(seen.vectors_.matrix, model.vectors_.matrix)


def test_ctrl_c_keeps_what_was_learned() -> None:
    def interrupt(epoch: int, loss: float) -> None:
        if epoch == 3:
            raise KeyboardInterrupt

    with pytest.warns(UserWarning, match="interrupted"):
        model = KINDS["skip-gram"](on_epoch=interrupt, epochs=50).fit(topical())
    assert model.interrupted_
    assert len(model.loss_) == 3
    assert gap(model.vectors_) > 0.05


def test_ctrl_c_reaches_threads_at_work() -> None:
    text = topical(20_000)
    # Python's own handler, whatever the shell that runs the tests left ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        Word2Vec(8, epochs=1, sample=0).fit(text[:100])  # compiled before the clock runs
        timer = threading.Timer(1.0, signal.raise_signal, [signal.SIGINT])
        timer.start()
        with pytest.warns(UserWarning, match="interrupted"):
            model = Word2Vec(300, epochs=100_000, sample=0, n_jobs=2).fit(text)
    finally:
        signal.signal(signal.SIGINT, before)
    assert model.interrupted_
    assert np.isfinite(model.vectors_.matrix).all()


def test_a_corpus_is_left_as_it_was() -> None:
    corpus = read_corpus(topical(300), min_count=1)
    tokens = corpus.tokens.copy()
    assert isinstance(corpus, Corpus)
    model = KINDS["skip-gram"](epochs=1, min_count=88).fit(corpus)
    assert len(model.vectors_) == (corpus.counts >= 88).sum() < len(corpus.words)
    model.partial_fit(corpus)
    np.testing.assert_array_equal(corpus.tokens, tokens)


def test_transform_is_the_mean() -> None:
    model = KINDS["skip-gram"](epochs=1).fit(topical(300))
    found = model.transform(["ant1 nowhere THE", ["ant1", "the"], [], "nothing known"])
    mean = (model.vectors_["ant1"] + model.vectors_["the"]) / 2
    np.testing.assert_allclose(found, [mean, mean, 0 * mean, 0 * mean], rtol=1e-6)
    assert model.get_feature_names_out().shape == (12,)


def test_document_vectors_are_the_papers() -> None:
    random = np.random.default_rng(0)
    vectors = Vectors(["a", "b", "c"], random.normal(size=(3, 4)).astype(np.float32), np.array([6, 3, 1]))
    documents = [["a", "b"], ["c", "c", "a"], ["b"]]
    found = DocumentVectors(vectors, smoothing=0.1).fit_transform(documents)
    weight = 0.1 / (0.1 + np.array([0.6, 0.3, 0.1]))
    x = weight[:, None] * vectors.matrix
    v = np.stack([(x[0] + x[1]) / 2, (2 * x[2] + x[0]) / 3, x[1]])
    u = np.linalg.svd(v)[2][0]
    np.testing.assert_allclose(found, v - np.outer(v @ u, u), atol=1e-6)
    with pytest.raises(InputError, match="counts"):
        DocumentVectors(Vectors(["a"], vectors.matrix[:1])).fit(documents)
    with pytest.raises(InputError, match="one string"):
        DocumentVectors(vectors).fit("a b")


def test_stability_of_neighbours() -> None:
    near = np.array([[1, 0], [1, 0.1], [1, 0.2], [0, 1]], np.float32)
    one, two = Vectors(list("abcd"), near), Vectors(list("abcd"), near[[0, 1, 3, 2]])
    table = stability([one, two], ["a"], k=2)
    assert table.rows == [["a", pytest.approx(1 / 3), "b"]]
    assert stability([one, one], ["a", "d"], k=2).rows[1][1] == 1
    with pytest.raises(InputError, match="two seeds"):
        stability([one], ["a"])


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"vector_size": 0}, "vector_size: 0"),
        ({"window": 0}, "window"),
        ({"negatives": 0}, "negatives"),
        ({"epochs": -5}, "epochs"),
        ({"min_count": -1}, "min_count"),
        ({"sample": float("nan")}, "sample"),
        ({"learning_rate": -1}, "learning_rate"),
        ({"n_jobs": 0}, "n_jobs"),
        ({"random_state": -1}, "random_state: -1"),
        ({"window": 10**9}, "window: 1,000,000,000; use 10,000"),
        ({"negatives": 10**9}, "negatives"),
        ({"vector_size": 10**15}, "vector_size.*do not fit memory"),
        ({"learning_rate": 1e30, "sample": 0, "random_state": 0}, "learning_rate.*without bound"),
        ({"errors": "skip"}, "errors"),
    ],
)
def test_settings_out_of_range(settings: dict, named: str) -> None:
    with pytest.raises(InputError, match=named) as caught:
        Word2Vec(**settings).fit(["a b c"] * 9)
    assert "\n" not in str(caught.value)


def test_subwords_out_of_range() -> None:
    for arguments in ((0, 3), (4, 3), (3, 6, 0)):
        with pytest.raises(InputError, match="subwords"):
            Subwords(*arguments)


def lines() -> Iterator[str]:
    yield from ["a b c\n"] * 9


def test_an_iterator_is_read_once() -> None:
    model = Word2Vec(2, epochs=3).fit(lines())
    assert model.counts_.tolist() == [9, 9, 9]


def test_text_without_neighbours_is_refused() -> None:
    for source in (["the"] * 9, [["the"], ["cat"]] * 9):
        with pytest.raises(InputError, match="no word stands beside another"):
            Word2Vec(2).fit(source)
    model = Word2Vec(2, epochs=1).fit(["a b c"] * 9)
    with pytest.raises(InputError, match="no word stands beside another"):
        model.partial_fit(["d"] * 9)
    assert model.words_ == ["a", "b", "c"]


def test_partial_fit_holds_to_what_was_learned() -> None:
    model = Word2Vec(2, epochs=1).fit(["a b c"] * 9)
    for settings, named in (
        ({"vector_size": 64}, "vector_size: 64, but 2"),
        ({"vector_size": 2, "subwords": Subwords(3, 4, 9)}, "subwords"),
        ({"subwords": None, "window": 0}, "window: 0"),
    ):
        with pytest.raises(InputError, match=named):
            model.set_params(**settings).partial_fit(["a b c"] * 9)


def test_fit_transform_takes_what_fit_takes(tmp_path: Path) -> None:
    path = tmp_path / "t"
    path.write_text("a b c\n" * 9)
    made = [
        Word2Vec(2, epochs=1, random_state=0).fit_transform(source)
        for source in (path, str(path), lines(), ["a b c"] * 9, read_corpus(path))
    ]
    assert made[0].shape == (9, 2)
    for one in made[1:]:
        np.testing.assert_array_equal(one, made[0])


@pytest.mark.parametrize("kind", ["skip-gram, n-grams"])
def test_unseen_words_count_in_documents_and_in_saved_models(kind: str, tmp_path: Path) -> None:
    model = KINDS[kind](epochs=1).fit(topical())
    np.testing.assert_allclose(model.transform([["ant99"]])[0], model.vectors_["ant99"], rtol=1e-6)
    both = (model.vectors_["ant99"] + model.vectors_["ant1"]) / 2
    np.testing.assert_allclose(model.transform([["ant99", "ant1"]])[0], both, rtol=1e-5, atol=1e-7)
    documents = DocumentVectors(model.vectors_, components=0).fit([["ant1"]])
    np.testing.assert_allclose(documents.transform([["ant99"]])[0], model.vectors_["ant99"], rtol=1e-6)
    model.save(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(load_vectors(tmp_path / "m.safetensors")["ant99"], model.vectors_["ant99"])


@pytest.mark.data
def test_months_in_real_text(real_data: Path) -> None:
    """A million words of Wikipedia: neighbours of a month are months."""
    with lzma.open(real_data / "text" / "enwiki2014_long.txt.xz", "rt", encoding="utf-8") as file:
        text = list(itertools.islice((line for line in file if not line.startswith("= ")), 20_000))
    model = Word2Vec(50, epochs=5, random_state=0, n_jobs=2).fit(text)
    months = {"january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
              "november", "december"}  # fmt: skip
    near = {word for word, _ in model.vectors_.most_similar("october", k=8)}
    assert len(near & months) >= 6
