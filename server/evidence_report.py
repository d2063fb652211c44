"""The report of an evidence pack, for people who do not program: HTML with plots, and the same as PDF.

Pages by Jinja2, plots by Matplotlib, PDF by fpdf2: kept libraries, in the extra `evidence`.
"""

import io
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from importlib.resources import files
from typing import Any

from jinja2 import Environment
from markupsafe import Markup

from server.config import SettingsError
from server.evidence import CONTROLS, ENDS, Item, Population
from server.visible import visible

SHOWN_MAX = 200
"""Rows of exceptions and lines of warnings on paper; the page and exceptions.csv have all."""


class Plots:
    """The plots of a population: calls, denials and approvals by day, and the time to a decision."""

    def __init__(self, told: Population) -> None:
        self._told = told
        try:
            from matplotlib.figure import Figure
        except ImportError:
            raise SettingsError("reports need the extra `evidence`", "pip install 'snowgate[evidence]'") from None
        self._figure = Figure

    def calls(self, form: str) -> bytes:
        """Calls by how they ended, by day."""
        ends: dict[str, Counter[date]] = {name: Counter() for name in ENDS}
        for item in self._told.items:
            if item.entry.stage in ends:
                ends[item.entry.stage][item.entry.at.date()] += 1
        days = sorted(set[date]().union(*ends.values())) or [self._told.start.date()]
        figure = self._figure(figsize=(8, 3), layout="constrained")
        axes = figure.subplots()
        below = [0] * len(days)
        for name, counted in ends.items():
            heights = [counted[day] for day in days]
            axes.bar([f"{day:%Y-%m-%d}" for day in days], heights, bottom=below, label=name)
            below = [a + b for a, b in zip(below, heights, strict=True)]
        axes.set_title("Calls by day and how they ended")
        axes.tick_params(axis="x", rotation=60)
        axes.legend()
        return _saved(figure, form)

    def approvals(self, form: str) -> bytes:
        """How long people took to decide, in minutes."""
        figure = self._figure(figsize=(8, 3), layout="constrained")
        axes = figure.subplots()
        axes.hist([seconds / 60 for seconds in self._told.times_to_approve_s] or [0.0], bins=20)
        axes.set_title("Time from a request to a person's decision")
        axes.set_xlabel("minutes")
        return _saved(figure, form)


def _saved(figure: Any, form: str) -> bytes:
    out = io.BytesIO()
    figure.savefig(out, format=form, dpi=150, metadata={"Date": None} if form == "svg" else None)
    return out.getvalue()


def facts_of(
    told: Population, manifest: Mapping[str, Any], chosen: Sequence[Item], verdict: Sequence[str]
) -> dict[str, Any]:
    """What both forms of the report say: of others' text, only what can be seen."""
    decisions = Counter(str(i.entry.facts.get("decision")) for i in told.items if i.entry.stage == "decided")
    return {
        "manifest": manifest,
        "counts": told.counts(),
        "decisions": dict(decisions),
        "exceptions": [_seen(each) for each in told.exceptions],
        "controls": [
            (name, *CONTROLS[name][:1], sum(name in i.controls for i in told.items)) for name in told.controls
        ],
        "sample": [_seen(item.row()) for item in chosen],
        "verdict": visible(verdict[0]),
        "drawn": visible(_drawn(manifest["sample"], manifest["nonce"])),
        "warnings": [visible(each) for each in verdict[1:]],
    }


def _seen(row: Mapping[str, Any]) -> dict[str, str]:
    return {name: visible(str(value)) for name, value in row.items()}


def _drawn(drawn: Mapping[str, Any], nonce: str) -> str:
    """How the sample came about, and whether that could be tried until it pleased."""
    said = f"It follows from the root {drawn['root']} of the signed head {drawn['head']} and the nonce {nonce!r}"
    if drawn["is_final"]:
        return f"{said}. That head was the first when the time was over: the auditor gave the nonce after that."
    return f"{said}. THE TIME WAS NOT OVER when that head was signed: another pack has another sample."


def as_html(facts: Mapping[str, Any], plots: Plots) -> str:
    """One page without scripts and without anything from elsewhere."""
    source = files("server").joinpath("evidence_report.html.jinja").read_text(encoding="utf-8")
    page = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(source)
    drawn = {name: Markup(_svg(getattr(plots, name)("svg"))) for name in ("calls", "approvals")}  # noqa: S704  # ours
    return page.render(**facts, **drawn)


def _svg(data: bytes) -> str:
    text = data.decode("utf-8")
    return text[text.index("<svg") :]


def as_pdf(facts: Mapping[str, Any], plots: Plots) -> bytes:
    """The same on paper."""
    from fpdf import FPDF

    pdf = FPDF()
    pdf.set_title("Evidence from the journal")
    pdf.add_page()
    pdf.set_font("helvetica", "B", 16)
    pdf.cell(0, 10, "Evidence from the journal", new_x="LMARGIN", new_y="NEXT")
    pdf.set_font("helvetica", size=10)
    manifest, counts = facts["manifest"], facts["counts"]
    exceptions = facts["exceptions"]
    lines = [
        f"From {manifest['from']} to {manifest['to']}, for {', '.join(manifest['controls'])}.",
        f"The verifier says: {facts['verdict']}.",
        *(f"{each}." for each in facts["warnings"][:SHOWN_MAX]),
        f"The tree has {counts['leaves']} entries: {counts['in_the_population']} are the population, "
        f"{counts['of_other_controls']} speak of other controls, {counts['outside_the_time']} are outside the time, "
        f"{counts['dropped_by_retention']} were dropped by retention. "
        + ("The counts add up." if counts["adds_up"] else "THE COUNTS DO NOT ADD UP."),
        f"The newest head was signed at {manifest['signed_at']}; "
        f"{counts['under_no_head_yet']} more entries of the time are under none yet.",
        f"Exceptions: {len(exceptions)}"
        + (f"; the first {SHOWN_MAX} are" if len(exceptions) > SHOWN_MAX else ", all")
        + " below.",
        f"The sample: {facts['drawn']}",
    ]
    for line in lines:
        pdf.multi_cell(0, 6, _latin(line), new_x="LMARGIN", new_y="NEXT")
    for name in ("calls", "approvals"):
        pdf.image(io.BytesIO(getattr(plots, name)("png")), w=pdf.epw)
    _table(pdf, ("control", "what it asks", "entries"), facts["controls"])
    _table(pdf, ("exception", "call", "what"), [tuple(each.values()) for each in exceptions[:SHOWN_MAX]])
    shown = ("leaf", "at", "stage", "call_id", "subject", "decision")
    _table(pdf, shown, [tuple(row[name] for name in shown) for row in facts["sample"]])
    return bytes(pdf.output())


def _table(pdf: Any, head: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    if not rows:
        return
    pdf.ln(4)
    pdf.set_font("helvetica", size=8)
    with pdf.table(text_align="LEFT") as table:
        for row in (head, *rows):
            cells = table.row()
            for value in row:
                cells.cell(_latin(str(value)))
    pdf.set_font("helvetica", size=10)


def _latin(text: str) -> str:
    """What PDF's own fonts can show."""
    return visible(text).encode("latin-1", "replace").decode("latin-1")
