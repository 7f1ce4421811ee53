"""An evaluation as one page for a browser or a printer: nothing is fetched when it is opened.

`draw` has the primitives, `figures` one function per picture, and `html` puts the page together.
"""

from audiorec.evaluation.page.html import write_page

__all__ = ["write_page"]
