"""`threadkeep forget`: forget for good, and print the receipt."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import typer

from threadkeep.base.errors import BadInput
from threadkeep.base.settings import Settings
from threadkeep.cli.connection import with_memory
from threadkeep.erase.plan import Target
from threadkeep.erase.receipt import Receipt
from threadkeep.opened import Progress

QUESTION = "Forget this for good? [y/N] "


def forget_one(
    settings: Settings,
    user: str,
    kind: str,
    name: str,
    *,
    keep: bool = False,
    verify: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Forget one thing, or everything, of a user."""
    target = Target(kind=kind, name=name, keep_messages=keep)  # type: ignore[arg-type]
    run_forget(settings, user, target, verify=verify, yes=yes, as_json=as_json)


def run_forget(
    settings: Settings, user: str, target: Target, *, verify: bool, yes: bool, as_json: bool
) -> None:
    """Ask, forget, and print the receipt; end with 1 where something is left or found.

    Raises:
        BadInput: there is no such thing, or nobody can be asked.
    """
    lines = with_memory(settings, lambda memory: memory.plan_forget(target, user_id=user))
    if not yes and not agreed(lines):
        raise typer.Abort
    with open_steps() as progress:
        receipt = with_memory(
            settings,
            lambda memory: memory.forget(target, verify=verify, progress=progress, user_id=user),
        )
    print_receipt(receipt, as_json=as_json)
    if not receipt.clean:
        raise typer.Exit(1)


def agreed(lines: Sequence[str]) -> bool:
    """Ask the person at the terminal.

    Raises:
        BadInput: there is none.
    """
    if not sys.stdin.isatty():
        raise BadInput("Forgetting is for good and nobody is here to be asked; add --yes.")
    sys.stderr.write("".join(f"  {line}\n" for line in lines) + QUESTION)
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def print_receipt(receipt: Receipt, *, as_json: bool) -> None:
    """Print a receipt for machines or for people."""
    lines = [json.dumps(receipt.as_json(), ensure_ascii=False)] if as_json else receipt.lines()
    sys.stdout.write("".join(f"{line}\n" for line in lines))


@contextmanager
def open_steps() -> Iterator[Progress | None]:
    """Yield what shows the steps of the work on stderr, None where that is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as Bar

    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Bar(*columns, console=console, transient=True) as bar:
        task = bar.add_task("Forgetting", total=None)
        yield lambda step, done, total: bar.update(
            task, description=step.capitalize(), completed=done, total=total
        )
