"""API v2: which request is answered with what."""
