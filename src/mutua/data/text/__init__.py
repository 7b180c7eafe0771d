"""Text as words and sentences: files, plain or packed, lines and lists, read through one door."""
