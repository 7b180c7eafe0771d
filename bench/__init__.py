"""Measurements behind the claims: `python -m bench NAME` regenerates bench/records/NAME.json and NAME.md."""
