"""No file of ours imports a module of the package by another name than threadkeep's."""

import ast
import re
from collections.abc import Iterator

from tests.backends import ROOT

FORMER_PACKAGES = {"chat_models", "erasure", "turns"}
MODULES = {path.name.removesuffix(".py") for path in (ROOT / "threadkeep").iterdir()}
TOP_LEVEL = (MODULES | FORMER_PACKAGES) - {"__init__", "__main__", "__pycache__", "py.typed"}
SOURCES = ("threadkeep", "graph", "nodes", "checkpoints", "tests", "benchmarks")
OTHER_PROJECT = ROOT / "tests/packaging/project"
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def programs() -> Iterator[tuple[str, str]]:
    """Yield the text of each Python file and of each Python block of the docs, with its name."""
    for folder in SOURCES:
        for path in (ROOT / folder).rglob("*.py"):
            if not path.is_relative_to(OTHER_PROJECT):
                yield str(path.relative_to(ROOT)), path.read_text()
    for path in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")):
        for block in BLOCK.findall(path.read_text()):
            body = block.replace("\n", "\n    ")
            yield str(path.relative_to(ROOT)), f"async def block():\n    {body}"


def imported_modules(program: str, name: str) -> Iterator[str]:
    """Yield the first part of each module that a program imports, in strings of code too."""
    for node in ast.walk(ast.parse(program, name)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").partition(".")[0]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from re.findall(r"^(?:from|import) (\w+)", node.value, re.MULTILINE)


def test_no_program_imports_our_modules_as_top_level_names() -> None:
    allowed = {"tests/compatibility/make_data.py"}  # It runs a version that had such packages.
    wrong = [
        f"{name}: {module}"
        for name, program in programs()
        if name not in allowed
        for module in imported_modules(program, name)
        if module in TOP_LEVEL
    ]
    assert not wrong


def test_imports_in_strings_and_in_code_are_seen() -> None:
    program = "import {0}.agent\nfrom {1} import x\nCODE = 'import {2}.items'\n"
    names = ["graph", "nodes", "stores"]
    assert list(imported_modules(program.format(*names), "example")) == names
    assert {*names, "checkpoints", "server", "cli"} <= TOP_LEVEL


def test_every_import_is_absolute() -> None:
    for name, program in programs():
        for node in ast.walk(ast.parse(program, name)):
            assert not (isinstance(node, ast.ImportFrom) and node.level), name
