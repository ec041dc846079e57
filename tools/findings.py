"""What the doctor finds, and how it is shown."""

from dataclasses import dataclass
from typing import Literal

from rich.markup import escape
from rich.table import Table

Verdict = Literal["good", "notice", "bad"]
_MARKS = {
    "good": "[green]good[/green]",
    "notice": "[yellow]notice[/yellow]",
    "bad": "[red]bad[/red]",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at."""

    what: str
    verdict: Verdict
    found: str
    remedy: str = ""


def table(findings: list[Finding]) -> Table:
    """Table for people."""
    shown = Table("what", "", "found", "remedy", title="kinelive doctor", title_justify="left")
    for one in findings:
        shown.add_row(escape(one.what), _MARKS[one.verdict], escape(one.found), escape(one.remedy))
    return shown
