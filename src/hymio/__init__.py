"""Hymio keeps every press of every smiley and gives them back as results."""

__version__ = "0.1.0"
