"""Films: files and arrays of them, read by windows."""
