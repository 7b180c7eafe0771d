"""What can be said of features, and of the data, without a label."""
