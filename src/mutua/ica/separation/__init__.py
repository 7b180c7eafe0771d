"""Recordings in, sources out: `mutua unmix`."""
