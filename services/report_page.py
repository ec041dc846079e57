"""A report's page as one file: what vite built, with script and styles put into the html.

An html parser ends a script at ``</script``, wherever in it that stands, and reads on past the end
after ``<!--``; both are written so that they mean the same in strings and regular expressions.
"""

import html
import re
from pathlib import Path

from services.monitor import bundle

_SCRIPT = re.compile(r'<script type="module"[^>]* src="\./([^"]+)"></script>')
_STYLES = re.compile(r'<link rel="stylesheet"[^>]* href="\./([^"]+)"\s*/?>')
_PLACE = '<script id="report-data" type="application/json">null</script>'
_TITLE = "<title>kinelive report</title>"
_OF_A_RECORDING = "report.html"
_NO_SCRIPT = "<noscript></noscript>"


def page(name: str = _OF_A_RECORDING) -> str:
    """Return a page without a report in it; builds it where it is missing or out of date.

    Raises:
        BundleError: it cannot be built; says what to do.
    """
    folder = bundle.build()
    return inline((folder / name).read_text(encoding="utf-8"), folder)


def inline(page_html: str, folder: Path) -> str:
    """Put the script and the style sheets that a built page names into the page.

    Raises:
        BundleError: the page names no script, or one that is made of several files.
    """
    script, n_scripts = _SCRIPT.subn(lambda found: _script(folder / found[1]), page_html)
    if n_scripts != 1:
        raise bundle.BundleError(f"{folder}: the page has {n_scripts} scripts, not 1")
    return _STYLES.sub(lambda found: _style(folder / found[1]), script)


def fill(page_html: str, title: str, said: str, encoded: str) -> str:
    """Put a report into the page.

    Args:
        page_html: the page of ``page``.
        title: of the window.
        said: what a reader without JavaScript reads.
        encoded: the report as JSON.
    """
    safe = encoded.replace("<", "\\u003c")
    filled = page_html
    for place, content in (
        (_TITLE, f"<title>{html.escape(title)}</title>"),
        (_NO_SCRIPT, f"<noscript><p>{html.escape(said)}</p></noscript>"),
        (_PLACE, _PLACE.replace("null", safe)),
    ):
        if filled.count(place) != 1:
            raise bundle.BundleError(f"the page does not say {place} once")
        before, _, after = filled.partition(place)
        filled = before + content + after
    return filled


def _script(path: Path) -> str:
    code = path.read_text(encoding="utf-8")
    safe = re.sub(r"<(?=/script|!--)", r"\\x3C", code, flags=re.IGNORECASE)
    return f'<script type="module">{safe}</script>'


def _style(path: Path) -> str:
    code = path.read_text(encoding="utf-8")
    safe = re.sub(r"</(?=style)", r"<\\/", code, flags=re.IGNORECASE)
    return f"<style>{safe}</style>"
