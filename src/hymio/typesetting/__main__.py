"""The process that sets one document: reads it as JSON from standard input and writes PDF to standard output.

It is run as a file and imports nothing of Hymio, which halves the time until it begins to set.
"""

from __future__ import annotations

import json
import sys

import typst


def main() -> int:
    """Sets the document; the exit code is 1 if the template or its values are wrong, with the reason on stderr."""
    asked = json.load(sys.stdin.buffer)
    _limit_memory(asked["memory"])
    folder = asked["fonts"]
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[folder])
    compiler = typst.Compiler(
        asked["template"].encode(), root=folder, font_paths=fonts, ignore_system_fonts=True,
        sys_inputs={"values": asked["values"]},
    )  # fmt: skip
    try:
        if asked["format"] == "png":
            pages = compiler.compile(format="png", ppi=asked["ppi"])
            sys.stdout.buffer.write(
                asked["page_end"].encode().join(pages if isinstance(pages, list) else [pages or b""])
            )
        else:
            sys.stdout.buffer.write(_pdf(compiler, asked["made"]))
    except typst.TypstError as error:
        sys.stderr.write(f"{error.diagnostic}\n")
        return 1
    return 0


def _pdf(compiler: typst.Compiler, made: int) -> bytes:
    """The document as PDF/UA-1; what the standard refuses, as some scripts, makes it tagged PDF without its mark."""
    try:
        pdf = compiler.compile(format="pdf", pdf_standards=["ua-1"], timestamp=made)
    except typst.TypstError as error:
        if "PDF/UA-1" not in error.message:
            raise
        pdf = compiler.compile(format="pdf", timestamp=made)
    return pdf if isinstance(pdf, bytes) else b""


def _limit_memory(most: int) -> None:
    """Sets the limit of the address space, where the system has one."""
    try:
        import resource  # noqa: PLC0415  not on Windows
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


if __name__ == "__main__":
    sys.exit(main())
