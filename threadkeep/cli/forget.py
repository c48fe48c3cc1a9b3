"""`threadkeep forget`: erase for good, and print the receipt."""

import sys
from collections.abc import Sequence

import typer

from threadkeep.base.errors import BadInput, StorageFailed
from threadkeep.base.settings import Settings
from threadkeep.cli.connection import with_memory
from threadkeep.cli.line_reader import read_confirmation, read_pending
from threadkeep.cli.output import json_line, print_lines, print_notice, write_text
from threadkeep.cli.progress import open_step_progress
from threadkeep.erase.plan import Target
from threadkeep.erase.receipt import Receipt


def run_forget(
    settings: Settings,
    user_id: str,
    kind: str,
    name: str,
    *,
    keep_messages: bool = False,
    verify: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Ask, erase, and print the receipt; end with 1 where something is left or found.

    Raises:
        BadInput: there is no such thing, or no terminal to ask at.
    """
    target = Target(kind=kind, name=name, keep_messages=keep_messages)  # type: ignore[arg-type]
    lines = with_memory(settings, lambda memory: memory.plan_forget(target, user_id=user_id))
    if not yes and not confirm(lines, confirmation_of(target, user_id)):
        raise typer.Abort
    with open_step_progress("Forgetting") as progress:
        receipt = with_memory(
            settings,
            lambda memory: memory.forget(target, verify=verify, progress=progress, user_id=user_id),
        )
    print_receipt(receipt, as_json=as_json)
    if not receipt.clean:
        raise typer.Exit(1)


def run_retry(settings: Settings, user_id: str, *, as_json: bool) -> None:
    """Complete the unfinished erasures of a user, and print the receipts.

    Raises:
        StorageFailed: an erasure failed again.
    """
    with open_step_progress("Forgetting") as progress:
        receipts, unfinished = with_memory(
            settings, lambda memory: memory.retry_erasures(progress=progress, user_id=user_id)
        )
    for receipt in receipts:
        print_receipt(receipt, as_json=as_json)
    if unfinished:
        raise StorageFailed(" ".join(unfinished))
    if not receipts:
        print_notice("No erasure is unfinished.")


def confirmation_of(target: Target, user_id: str | None) -> str:
    """Return what a person types to erase a target: its name, or that of the user."""
    return target.name or user_id or "everything"


def confirm(lines: Sequence[str], name: str) -> bool:
    """Print what would go, and let the person at the terminal type its name.

    What was typed or pasted before the question is dropped, and so is a paste of several lines.

    Raises:
        BadInput: stdin is no terminal.
    """
    if not sys.stdin.isatty():
        raise BadInput("Forgetting is for good and nobody is here to be asked; add --yes.")
    read_pending()
    question = f"Forget this for good? Type {name!r} to do so: "
    write_text("".join(f"  {line}\n" for line in lines) + question, sys.stderr)
    sys.stderr.flush()
    return read_confirmation() == name


def print_receipt(receipt: Receipt, *, as_json: bool) -> None:
    """Print a receipt for machines or for people."""
    print_lines([json_line(receipt.as_json())] if as_json else receipt.lines())
