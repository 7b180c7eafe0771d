"""The default estimator of `mutual_information`: cross-fitted density ratios, read from both ends."""
