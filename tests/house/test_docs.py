"""The pages say what is there: files exist, links lead somewhere, settings, words and keys are complete."""

import pkgutil
import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from policy.catalog import Catalog
from policy.document import load
from policy.document_models import Model
from policy.engine import Engine
from server.config import PREFIX, Settings
from server.rule_sets import read_rule_sets
from tests.house import tree

DOCS = tree.ROOT / "docs"
DECISIONS = sorted((DOCS / "decisions").glob("*.md"))
WORDS = (
    "Principal", "Scope", "Statement", "Rule", "Effect", "Decision", "Obligation", "Hold", "Approval", "Cleared",
    "Lease", "Record", "JournalEntry", "Stream", "Refusal", "Catalog", "Classification", "Audience", "Engine", "GRANT",
)  # fmt: skip


def text(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def test_the_architecture_begins_with_where_each_thing_is() -> None:
    headings = re.findall(r"^## (.+)$", text("ARCHITECTURE.md"), re.MULTILINE)
    assert headings[0] == "Where each thing is"


def test_every_file_that_the_architecture_names_exists() -> None:
    table = text("ARCHITECTURE.md").partition("## The line")[0]
    named = re.findall(r"`([\w/.]+)`", table)
    assert len(named) > 40
    assert [path for path in named if not (tree.ROOT / path).exists()] == []


@pytest.mark.parametrize("file", tree.ours(), ids=tree.shown)
def test_what_code_names_of_our_own_in_its_words_is_there(file: Path) -> None:
    for named in re.findall(r"`((?:server|policy|audit|tools)(?:\.\w+)+)`", file.read_text(encoding="utf-8")):
        pkgutil.resolve_name(named)


def anchors(page: Path) -> set[str]:
    """The fragments that headings of a page answer to, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", tree.documents(), ids=tree.shown)
def test_every_link_between_pages_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, fragment = target.partition("#")
        other = (page.parent / path).resolve() if path else page
        assert other.exists(), target
        assert not fragment or fragment in anchors(other), target


@pytest.mark.parametrize("page", DECISIONS, ids=tree.shown)
def test_every_decision_says_why_what_it_costs_and_what_else_there_was(page: Path) -> None:
    parts = re.findall(r"^## (.+)\n\n\S", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert parts == ["Context", "Decision", "Drawbacks", "Alternatives"]


def test_each_decision_has_a_number_of_its_own_and_all_are_in_the_index() -> None:
    # A number is given when work on a decision begins, so one that is not finished leaves a gap.
    numbers = [page.name[:4] for page in DECISIONS]
    assert all(number.isdigit() for number in numbers)
    assert len(set(numbers)) == len(numbers)
    index = re.findall(r"^\| \[\d+\]\(decisions/(.+)\) \| (.+) \|$", text("ARCHITECTURE.md"), re.MULTILINE)
    titles = [page.read_text(encoding="utf-8").partition("\n")[0] for page in DECISIONS]
    assert [(page.name, title[8:]) for page, title in zip(DECISIONS, titles, strict=True)] == index


def test_every_setting_is_documented_and_no_other() -> None:
    settings = {PREFIX + name.upper() for name in Settings.model_fields}
    table = set(re.findall(r"^\| `(SNOWGATE_\w+)` \|", text("OPERATING.md"), re.MULTILINE))
    assert table == settings


def test_every_default_in_the_settings_table_is_the_real_one() -> None:
    rows = dict(re.findall(r"^\| `SNOWGATE_(\w+)` \|([^|]*)\|", text("OPERATING.md"), re.MULTILINE))
    for name, field in Settings.model_fields.items():
        shown = rows[name.upper()].strip().strip("`")
        if field.is_required():
            assert shown == "required", name
        elif field.default in (None, ()):
            assert shown == "", name
        elif isinstance(field.default, bool):
            assert shown == str(field.default).lower(), name
        elif isinstance(field.default, float):
            assert float(shown) == field.default, name
        else:
            assert shown == str(field.default), name


def test_no_page_speaks_of_a_setting_that_there_is_not() -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields} | {
        "SNOWGATE_HOME",
        "SNOWGATE_WH",
    }  # the latter is a warehouse
    for page in tree.documents():
        assert set(re.findall(r"SNOWGATE_[A-Z_]+[A-Z]", page.read_text(encoding="utf-8"))) <= known, page


def test_the_policy_page_shows_a_policy_that_the_gate_reads() -> None:
    example, *parts = re.findall(r"^```yaml\n(.*?)^```$", text("POLICY.md"), re.MULTILINE | re.DOTALL)
    policy = load(example)
    assert len(policy.rules) == 3
    Engine(policy, Catalog())
    shipped = read_rule_sets(DOCS)["soc2-baseline"]
    own = shipped.replace("id: bulk-change", "id: one-rule")
    for part in parts:
        if re.match(r"\w+:", part):
            load(f"version: 1\n{part}", {"soc2-baseline": shipped, "our-own": own})


@pytest.mark.parametrize("model", list(Model.family()), ids=lambda model: model.__name__)
def test_the_policy_page_names_every_key_and_every_choice(model: type[BaseModel]) -> None:
    page = text("POLICY.md")
    for name, field in model.model_fields.items():
        assert re.search(rf"\b{field.alias or name}\b", page), name
        choices = "".join(re.findall(r"Literal\[[^]]*\]", str(field.annotation)))
        for choice in re.findall(r"'(\w+)'", choices):
            assert re.search(rf"\b{choice}\b", page), choice


@pytest.mark.parametrize("word", WORDS)
def test_every_word_is_in_the_glossary(word: str) -> None:
    assert re.search(rf"^\| \*\*{word}\*\*", text("GLOSSARY.md"), re.MULTILINE)
