"""`threadkeep --help` and the first prompt of the chat do not wait for heavy packages."""

import subprocess
import sys

import pytest

HEAVY = frozenset(
    "chromadb httpx langchain langchain_chroma langchain_core langchain_openai langgraph "
    "langgraph_sdk numpy onnxruntime openai psycopg pydantic pydantic_settings redis rich "
    "sqlalchemy tiktoken uvloop".split()
)
"""Packages of which each takes 0.03 s to several seconds to import."""
PRINT_IMPORTED = "import sys; print(*{name.partition('.')[0] for name in sys.modules})"
HELP = f"""
from threadkeep.cli.app import app
app(standalone_mode=False)
{PRINT_IMPORTED}
"""
# The graph is imported in the background; here that waits until the prompt is there.
CHAT = f"""
import threading
from threadkeep.cli import chat
from threadkeep.cli.connection import Connection

prompt = threading.Event()
load = Connection.load

def load_after_prompt(connection):
    prompt.wait()
    load(connection)

def read_line():
    {PRINT_IMPORTED}
    prompt.set()

Connection.load, chat.read_line = load_after_prompt, read_line
from threadkeep.cli.app import app
app(standalone_mode=False)
"""


def imported_packages(env: dict[str, str], program: str, *args: str) -> set[str]:
    """Return the packages that the last line of the program's output lists."""
    command = [sys.executable, "-c", program, *args]
    process = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    return set(process.stdout.splitlines()[-1].split())


def test_help_imports_no_heavy_package(env: dict[str, str]) -> None:
    packages = imported_packages(env, HELP, "--help")
    assert "typer" in packages
    assert not packages & HEAVY


@pytest.mark.parametrize("command", ["chat", "threads list", "memory pin", "import", "serve"])
def test_help_of_a_command_imports_no_heavy_package(env: dict[str, str], command: str) -> None:
    packages = imported_packages(env, HELP, *command.split(), "--help")
    assert packages & HEAVY <= {"pydantic"}  # Typer converts the arguments of a command with it.


def test_the_prompt_of_the_chat_comes_before_the_graph_is_imported(env: dict[str, str]) -> None:
    packages = imported_packages(env, CHAT, "chat", "-t", "first", "--context", "window=3")
    # Settings are checked, and the model is chosen, before the prompt.
    before = {"pydantic", "pydantic_settings", "uvloop"}
    assert packages & HEAVY <= before


def test_what_the_chat_imports_first_is_light(env: dict[str, str]) -> None:
    program = f"import threadkeep.cli.chat\n{PRINT_IMPORTED}"
    assert not imported_packages(env, program) & HEAVY
