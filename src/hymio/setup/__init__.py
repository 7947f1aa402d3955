"""The set-up of an organization as two values: the layout that resolves presses, and the content that people see."""

from hymio.setup.content import Content, ContentRows
from hymio.setup.layout import Layout
from hymio.setup.part import ChangedIds, Part
from hymio.setup.resolution import END, ResolvedRange, Where
from hymio.setup.rows import LayoutRows

__all__ = ["END", "ChangedIds", "Content", "ContentRows", "Layout", "LayoutRows", "Part", "ResolvedRange", "Where"]
