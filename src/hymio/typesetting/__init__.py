"""Sets documents as PDF from templates and values, in a process of their own, with the fonts of this package alone."""

from hymio.typesetting.glyphs import lacks, printable
from hymio.typesetting.process import Document, typeset

__all__ = ["Document", "lacks", "printable", "typeset"]
