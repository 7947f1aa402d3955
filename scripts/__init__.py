"""Tools for those who work on Hymio; nothing of it is installed."""
