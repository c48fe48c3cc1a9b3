"""The `threadkeep` command: all its commands, and the chat that it begins without one."""

import sys
from typing import Annotated

import typer

from threadkeep.cli.conversation_commands import ask, chat
from threadkeep.cli.data_commands import export, forget, import_, migrate, report
from threadkeep.cli.entity_commands import entities_app
from threadkeep.cli.exit_codes import exit_code
from threadkeep.cli.fact_commands import facts
from threadkeep.cli.maintenance_commands import doctor, usage
from threadkeep.cli.memory_commands import memory_app
from threadkeep.cli.options import (
    ContextValues,
    ContinueLast,
    Db,
    MemoryPreset,
    Model,
    NoProbe,
    Thread,
    Url,
    User,
)
from threadkeep.cli.server_commands import serve, user_app
from threadkeep.cli.thread_commands import threads_app

app = typer.Typer(
    help="A chat that remembers: across turns, restarts, threads and months.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(chat)
app.command()(ask)
app.command("import")(import_)
app.command()(export)
app.command()(report)
app.command()(migrate)
app.command()(doctor)
app.command()(facts)
app.command()(forget)
app.command()(usage)
app.command()(serve)
app.add_typer(threads_app, name="threads")
app.add_typer(entities_app, name="entities")
app.add_typer(memory_app, name="memory")
app.add_typer(user_app, name="user")


@app.callback(invoke_without_command=True)
def threadkeep(
    ctx: typer.Context,
    user: User = None,
    thread: Thread = None,
    continue_last: ContinueLast = False,
    model: Model = None,
    memory: MemoryPreset = None,
    context: ContextValues = None,
    db: Db = None,
    no_probe: NoProbe = False,
    url: Url = None,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Chat in the terminal; the same as `threadkeep chat`."""
    if version:
        from importlib import metadata

        typer.echo(metadata.version("threadkeep"))
    elif ctx.invoked_subcommand is None:
        chat(user, thread, continue_last, model, memory, context, db, no_probe, url)


def main() -> None:
    """Run the command; end with its exit code and never with a traceback."""
    sys.exit(exit_code(lambda: app(standalone_mode=False)))
