"""Evaluation page: one self-contained HTML file.

`draw` has the primitives, `figures` one function per picture, and `html` assembles the page.
"""

from audiorec.evaluation.page.html import write_page

__all__ = ["write_page"]
