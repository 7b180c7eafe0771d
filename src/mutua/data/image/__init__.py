"""Images: files, arrays and datasets of them, read as uint8 by row number."""
