"""Recordings: files and arrays of them, read by row number."""
