"""What is trained on features to see what they hold: linear, SVM, k-NN, MLP, with many labels or few."""
