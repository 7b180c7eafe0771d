"""What is trained on features to see what they hold: linear, SVM, k-NN, MLP, with many labels or few."""

from mutua.moved import names_of

__getattr__ = names_of(__name__, "catalogue", ("PROBES", "Probe", "Score", "knn", "linear", "mlp", "svm"))
