"""The set-up of an organization as two values: the layout that resolves presses, and the content that people see."""

from hymio.setup.content import Content, ContentRows
from hymio.setup.layout import Layout
from hymio.setup.part import Part, Touched
from hymio.setup.rows import LayoutRows
from hymio.setup.standing import END, Standing, Where

__all__ = ["END", "Content", "ContentRows", "Layout", "LayoutRows", "Part", "Standing", "Touched", "Where"]
