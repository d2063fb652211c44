"""Draws the pictures of the documentation from what they show: `python -m tests.house.pictures`.

The console's picture is Chromium's, as the browser tests take it; the benchmark's pictures are the benchmark's own.
"""

import ast
import inspect
import io
import re
from collections.abc import Iterator
from html import escape

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from policy.explanation import explain_at_length
from policy.report import verdict_on
from server import line
from tests.deciding.worlds import ADA, sandbox_engine
from tests.house import tree

PICTURES = tree.ROOT / "docs" / "pictures"
COLUMNS = 118
LIGHT = TerminalTheme((255, 255, 255), (36, 41, 47), [(36, 41, 47)] * 8)
ASKED = (
    "SELECT full_name, email, lifetime_value FROM crm.public.customers\nWHERE country = 'GB' ORDER BY 3 DESC LIMIT 3"
)
STEP = re.compile(r"(\d)\. (\w+): ([^.;]+)")
WIDTH, ROW, LEFT = 860, 46, 150
DURABLE = "in the journal before anything runs"
FONTS = re.compile(r"@font-face \{.*?\}", re.DOTALL)
"""Would be fetched from elsewhere by whoever looks."""
FONT = 'font-family="sans-serif" font-size="14"'


def steps() -> Iterator[tuple[str, str, str]]:
    """Number, name and gist of each step, as `walk` itself tells them."""
    source = inspect.getsource(line.walk)
    assert isinstance(ast.parse(source).body[0], ast.AsyncFunctionDef)
    for comment in re.findall(r"^ +# (\d.*)$", source, re.MULTILINE):
        yield from STEP.findall(comment.replace("`", ""))


def line_drawn() -> str:
    """The line that every call walks: one row a step, journal and refusal at its sides."""
    found = list(steps())
    height = ROW * len(found) + 76
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" {FONT}>',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        '<g fill="#24292f"><text x="20" y="28" font-weight="bold">an agent calls a tool</text></g>',
        f'<line x1="{LEFT - 70}" y1="40" x2="{LEFT - 70}" y2="{height - 34}" stroke="#1f6feb" stroke-width="3"/>',
    ]
    for place, (number, name, gist) in enumerate(found):
        y = 48 + place * ROW
        parts += [
            f'<circle cx="{LEFT - 70}" cy="{y + 17}" r="13" fill="#1f6feb"/>',
            f'<text x="{LEFT - 70}" y="{y + 22}" fill="#ffffff" text-anchor="middle">{number}</text>',
            f'<text x="{LEFT - 40}" y="{y + 22}" fill="#24292f" font-weight="bold">{name}</text>',
            f'<text x="{LEFT + 50}" y="{y + 22}" fill="#57606a">{escape(gist)}</text>',
        ]
        if name == "decide":
            parts.append(f'<text x="{WIDTH - 20}" y="{y + 22}" fill="#116329" text-anchor="end">{DURABLE}</text>')
    parts.append(f'<text x="20" y="{height - 14}" fill="#24292f" font-weight="bold">its answer leaves</text>')
    return "\n".join([*parts, "</svg>", ""])


def explanation_drawn() -> str:
    """What `snowgate policy explain` says of one statement under the sandbox's policy."""
    engine = sandbox_engine()
    lines = explain_at_length(engine, ADA, ASKED, verdict_on(engine, ADA, ASKED))
    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    for told in lines:
        console.print(Text(told), highlight=False)
    drawn = console.export_svg(title="snowgate policy explain", theme=LIGHT, unique_id="snowgate")
    return FONTS.sub("", drawn)


DRAWN = {"line.svg": line_drawn, "explained.svg": explanation_drawn}


if __name__ == "__main__":
    for name, draw in DRAWN.items():
        (PICTURES / name).write_text(draw(), encoding="utf-8")
