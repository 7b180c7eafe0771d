"""The index of everything: it is whole, it is up to date, and the field's words find what they mean."""

import re
from pathlib import Path

import pytest

import mutua
from mutua import bounds, critics, encoders, evaluation, index, methods, studies

PAGE = Path(__file__).parents[1] / "docs" / "index.md"

TERMS = """
VICReg; BYOL; MoCo; Barlow Twins; SimSiam;
InfoNCE; NT-Xent; KSG; CLUB; CKA; MCC; word2vec; CBOW; Pham-Cardoso; MINE; NWJ; Donsker-Varadhan; SMILE; JSD;
TUBA; I_alpha; Jensen-Shannon; f-GAN; Barber and Agakov; leave-one-out; Miller; plug-in; conditional mutual
information; Amari; SI-SDR; SDR, SIR, SAR; FastICA; Infomax; Picard; iVAE; TCL; PCL; GCL; time-contrastive;
permutation-contrastive; generalised contrastive; normalising flow; PPCA; factor analysis; beta-VAE;
variational autoencoder; Deep InfoMax; rotation; RotNet; SimCLR; skip-gram; negative sampling;
subwords|fastText|n-grams; phrases; sentence embeddings; analogies; cosine; bilinear; separable; concat;
ResNet-18; timm; Hugging Face; k-NN; SVM; logistic regression; linear evaluation; fine-tuning; few-label|label
efficiency; alignment; uniformity; effective rank|effective_rank; dimensional collapse; duplicates; centred
kernel alignment; GaussianBlur; ColourJitter; RandomResizedCrop; Solarise; Greyscale; independent vector
analysis; non-Gaussianity; Darmois; density ratio; staircase; Laplace|biexponential; Student's t;
sub-Gaussian; BSS Eval
"""


@pytest.fixture(scope="module")
def entries():
    return mutua.catalogue()


@pytest.fixture(scope="module")
def page():
    return index.markdown()


def test_the_page_is_up_to_date(page):
    assert PAGE.read_text() == page, "python -m mutua.index > docs/index.md"


@pytest.mark.parametrize("term", [" ".join(term.split()) for term in TERMS.split(";")])
def test_a_word_of_the_field_finds_something(term, page):
    rows = [re.sub(r"\\(.)", r"\1", line) for line in page.splitlines() if line.startswith("| `")]
    words = [re.escape(word) for word in term.split("|")]
    assert [row for row in rows if re.search(rf"(?<!\w)({'|'.join(words)})", row, re.I)], term


def test_every_member_of_every_catalogue_is_in_it(entries):
    for family, catalogue in {
        "method": methods.METHODS,
        "bound": bounds.BOUNDS,
        "contrast": bounds.CONTRASTS,
        "critic": critics.CRITICS,
        "probe": evaluation.PROBES,
        "metric": evaluation.METRICS,
        "study": studies.STUDIES,
    }.items():
        assert [entry.name for entry in entries if entry.family == family] == [*catalogue], family
    found = {entry.name for entry in entries if entry.family == "encoder"}
    assert found == {*encoders.ENCODERS, "timm:NAME", "hf:NAME"}


def test_every_entry_says_what_it_is_and_how_to_call_it(entries):
    for entry in entries:
        assert entry.about, entry
        assert "\n" not in "".join((entry.about, entry.paper, entry.call)), entry
        if entry.call.startswith("mutua."):
            # The call's name is there: mutua.ica.TCL(...).fit(X, u).
            *path, name = entry.call.split("(")[0].split(".")[1:]
            home = mutua
            for part in path:
                home = getattr(home, part)
            assert callable(getattr(home, name)), entry
        else:
            assert entry.call.startswith("mutua "), entry
    assert len({(entry.family, entry.name) for entry in entries}) == len(entries)


def test_the_other_names_are_of_things_that_are_there(entries):
    assert set(index.ALSO) <= {entry.name for entry in entries}


def test_metrics_are_public():
    assert set(evaluation.METRICS) <= set(evaluation.__all__)
