"""Names in the code are words that an engineer can search, not participles or metaphors."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.backends import ROOT

FOLDERS = ("threadkeep", "graph", "nodes", "checkpoints", "tests")
ALONE = frozenset(
    """
    anybody anything anywhere attempts_ begun buried called chosen done each everything found
    given gone got held here known mine named needle needles nobody nothing obey ours
    owed patience seen shown somebody stands sure taken theirs there wanted what where which who
    whose why_ yours agreed house ladder
    """.split()
)
"""Forbidden as a whole name."""
PARTS = frozenset(
    """
    apart asked asking behind_server bury complain complaint complaints door found gate grave
    kept left meant mortal noted said settle standing telling told worth
    """.split()
)
"""Forbidden as any word of a name."""
ALLOWED = frozenset({"home", "told_by"})
"""The data folder, a field of the settings; the transaction time of bitemporal queries."""
FORMAT_FIELDS = {
    "threadkeep/cli/doctor.py": {"said"},
    "threadkeep/erase/erase.py": {"what"},
    "threadkeep/erase/receipt.py": {"what", "kept", "found", "left"},
    "threadkeep/erase/steps.py": {"found"},
    "threadkeep/knowledge/explanation.py": {"gone"},
    "threadkeep/knowledge/pins.py": {"shown"},
    "threadkeep/transfer/record_types.py": {"said_at"},
}
"""Fields of JSON that users read or that files have; a new name would change the format."""


def names_in(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Yield each name that a program defines, with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, node.lineno
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr, node.lineno
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name, node.lineno
        elif isinstance(node, ast.alias) and node.asname:
            yield node.asname, node.lineno


def words_of(name: str) -> list[str]:
    """Return the words of a name in snake case or camel case, in lower case."""
    return re.sub(r"(?<=[a-z])([A-Z])", r"_\1", name).lower().strip("_").split("_")


def is_forbidden(name: str) -> bool:
    """Return whether the language rule forbids a name."""
    words = words_of(name)
    whole = "_".join(words)
    return whole not in ALLOWED and (whole in ALONE or not PARTS.isdisjoint({*words, whole}))


def test_the_rule_reads_words_of_snake_case_and_camel_case() -> None:
    assert all(map(is_forbidden, ["found", "_told", "FoundItems", "items_left", "each", "Door"]))
    assert not any(map(is_forbidden, ["items", "home", "aggregate", "reach", "foundation", "body"]))


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_name_is_a_participle_or_a_metaphor(folder: str) -> None:
    paths: list[Path] = sorted((ROOT / folder).rglob("*.py"))
    assert paths
    wrong = [
        f"{file}:{line}: {name}"
        for path in paths
        if (file := path.relative_to(ROOT).as_posix())
        for name, line in names_in(ast.parse(path.read_text(), str(path)))
        if is_forbidden(name) and name not in FORMAT_FIELDS.get(file, ())
    ]
    assert wrong == []
