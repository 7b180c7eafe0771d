"""Views of images: the definition that the compiled loops are held to."""
