"""The published estimators, each under its name in the field."""
