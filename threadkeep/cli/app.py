"""The `threadkeep` command: what it takes, and how every failure ends as one sentence."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from threadkeep.base.errors import BadInput
from threadkeep.cli import failures as complaints
from threadkeep.cli.memory_commands import memory
from threadkeep.cli.options import (
    AsJson,
    Choices,
    Db,
    KeepMessages,
    Last,
    MemoryPreset,
    Model,
    NoProbe,
    Thread,
    Url,
    User,
    Verify,
    Yes,
    named,
    settings_of,
)
from threadkeep.cli.thread_commands import threads
from threadkeep.cli.user_commands import users

if TYPE_CHECKING:
    from threadkeep.base.settings import Settings
    from threadkeep.cli.connection import Connection

app = typer.Typer(
    help="A chat that remembers: across turns, restarts, threads and months.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(threads, name="threads")
app.add_typer(memory, name="memory")
app.add_typer(users, name="user")


@app.callback(invoke_without_command=True)
def threadkeep(
    ctx: typer.Context,
    user: User = None,
    thread: Thread = None,
    last: Last = False,
    model: Model = None,
    memory: MemoryPreset = None,
    context: Choices = None,
    db: Db = None,
    no_probe: NoProbe = False,
    url: Url = None,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Chat in the terminal; the same as `threadkeep chat`."""
    if version:
        from importlib.metadata import version as installed

        typer.echo(installed("threadkeep"))
    elif ctx.invoked_subcommand is None:
        chat(user, thread, last, model, memory, context, db, no_probe, url)


@app.command()
def chat(
    user: User = None,
    thread: Thread = None,
    last: Last = False,
    model: Model = None,
    memory: MemoryPreset = None,
    context: Choices = None,
    db: Db = None,
    no_probe: NoProbe = False,
    url: Url = None,
) -> None:
    """Chat in the terminal."""
    from threadkeep.cli.chat import run_chat
    from threadkeep.cli.context_options import choices_of

    if thread and last:
        raise BadInput("Both --thread and --continue are given; use one of them.")
    chosen = choices_of(memory, context)
    connection = connection_of(settings_of(db, probe=not no_probe), url, user, db)
    run_chat(connection, thread, last, model, chosen)


@app.command()
def ask(
    question: Annotated[
        str | None, typer.Argument(help="The message; stdin when left out.")
    ] = None,
    user: User = None,
    thread: Thread = None,
    last: Last = False,
    model: Model = None,
    memory: MemoryPreset = None,
    context: Choices = None,
    db: Db = None,
    no_probe: NoProbe = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Ask once and print the reply."""
    from threadkeep.cli.ask import run_ask
    from threadkeep.cli.context_options import choices_of

    if thread and last:
        raise BadInput("Both --thread and --continue are given; use one of them.")
    if question is None:
        question = read_stdin()
    connection = connection_of(settings_of(db, probe=not no_probe), url, user, db)
    chosen = choices_of(memory, context)
    run_ask(connection, thread, last, model, chosen, question, as_json=as_json)


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="The file to read.", show_default=False)],
    format_: Annotated[
        Literal["export", "jsonl", "chatgpt", "langchain", "locomo"] | None,
        typer.Option("--format", help="What the file holds.", show_default="looked for"),
    ] = None,
    user: Annotated[
        str | None,
        typer.Option("-u", "--user", help="Whose memory.", show_default="the file's own users"),
    ] = None,
    thread: Annotated[
        str | None,
        typer.Option(
            "-t", "--thread", help="Of a list of messages.", show_default="the file's name"
        ),
    ] = None,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Leave malformed lines out instead of stopping.")
    ] = False,
    db: Db = None,
) -> None:
    """Take in an export or old conversations; what is there already is not taken twice."""
    from threadkeep.transfer.importers.detect import detect_format

    format_ = format_ or detect_format(file)
    if format_ == "export":
        from threadkeep.cli.restore_file import run_restore

        run_restore(settings_of(db), file, user, thread)
        return
    from threadkeep.cli.import_file import run_import

    if format_ in ("chatgpt", "langchain"):
        user = named(user)
    run_import(settings_of(db), file, format_, user=user, thread=thread, skip_bad=skip_bad)


@app.command()
def export(
    user: User = None,
    thread: Annotated[
        str | None,
        typer.Option("-t", "--thread", help="One thread alone.", show_default="everything"),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="The file to write.", show_default="stdout")
    ] = None,
    db: Db = None,
) -> None:
    """Write down all that is kept of a user, as JSON lines that import reads."""
    from threadkeep.cli.export_file import run_export

    run_export(settings_of(db), named(user), thread, out)


@app.command()
def report(
    user: User = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="The file to write.", show_default="stdout")
    ] = None,
    db: Db = None,
) -> None:
    """Write all that is known of a user as one HTML page: what, why and since when."""
    from threadkeep.cli.report import run_report

    run_report(settings_of(db), named(user), out)


@app.command()
def migrate(
    to: Annotated[str, typer.Option("--to", help="The database to copy to.", show_default=False)],
    from_: Annotated[
        str | None,
        typer.Option(
            "--from", help="The database to copy.", show_default="THREADKEEP_DB, or the data folder"
        ),
    ] = None,
    user: Annotated[
        str | None,
        typer.Option("-u", "--user", help="Whose memory.", show_default="everybody's"),
    ] = None,
) -> None:
    """Copy memory to another database: of one user, or of everybody into an empty one."""
    from threadkeep.base.validation import validate_id
    from threadkeep.cli.migrate import run_migrate

    user = None if user is None else validate_id(user, "user")
    run_migrate(settings_of(from_), settings_of(to), user)


@app.command()
def doctor(
    reindex: Annotated[
        bool, typer.Option("--reindex", help="Make the indexes again from what is stored.")
    ] = False,
    sweep: Annotated[
        bool, typer.Option("--sweep", help="Delete what has outlived its time to live.")
    ] = False,
    db: Db = None,
    as_json: AsJson = False,
) -> None:
    """Check the databases and the vector index."""
    from threadkeep.cli.doctor import run_doctor

    run_doctor(settings_of(db), reindex=reindex, sweep=sweep, as_json=as_json)


@app.command()
def forget(
    user: User = None,
    thread: Annotated[
        str | None, typer.Option("-t", "--thread", help="The thread of that name alone.")
    ] = None,
    message: Annotated[
        str | None, typer.Option("--message", help="The message of that id alone.")
    ] = None,
    fact: Annotated[
        str | None, typer.Option("--fact", help="The fact of that id, and what taught it.")
    ] = None,
    keep_messages: KeepMessages = False,
    verify: Verify = False,
    yes: Yes = False,
    db: Db = None,
    as_json: AsJson = False,
) -> None:
    """Forget for good, and print a receipt: all of a user, or one thread, message or fact."""
    from threadkeep.cli.forget import forget_one

    told = {"thread": thread, "message": message, "fact": fact}
    chosen = [(kind, name) for kind, name in told.items() if name is not None]
    if len(chosen) > 1:
        raise BadInput("Name one of --thread, --message and --fact at a time.")
    if keep_messages and fact is None:
        raise BadInput("--keep-messages goes with --fact; what else would be forgotten?")
    if not chosen and user is None:
        raise BadInput("Say whose memory is forgotten with --user, or what of it.")
    kind, name = chosen[0] if chosen else ("user", "")
    forget_one(
        settings_of(db),
        named(user),
        kind,
        name,
        keep=keep_messages,
        verify=verify,
        yes=yes,
        as_json=as_json,
    )


@app.command()
def usage(
    user: User = None,
    by: Annotated[
        Literal["day", "thread", "purpose"], typer.Option("--by", help="What is summed up.")
    ] = "day",
    db: Db = None,
    as_json: AsJson = False,
) -> None:
    """Tell what calls to the model took, in tokens, and the total."""
    from threadkeep.cli.usage import show_usage

    show_usage(settings_of(db), named(user), by, as_json=as_json)


@app.command()
def serve(
    host: Annotated[str, typer.Option("--host", help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="The port.")] = 2024,
    jobs: Annotated[int, typer.Option("--jobs", min=1, max=1000, help="Runs at once.")] = 10,
    user: Annotated[
        str | None,
        typer.Option(
            "-u",
            "--user",
            help="Who asks on this machine without a token.",
            show_default="the login name, until there are tokens",
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers",
            min=1,
            max=100,
            help="For many users: without langgraph dev, in so many processes.",
            show_default=False,
        ),
    ] = None,
    db: Db = None,
    no_probe: NoProbe = False,
) -> None:
    """Serve the same memory over HTTP, and to LangGraph Studio."""
    from threadkeep.base.validation import validate_id
    from threadkeep.cli.serve import run_serve

    if workers is not None:
        from threadkeep.cli.serve_workers import run_workers

        if user is not None:
            raise BadInput("With --workers everybody needs a token; leave --user out.")
        run_workers(settings_of(db, probe=not no_probe), host, port, workers)
        return
    named_user = None if user is None else validate_id(user, "user")
    run_serve(settings_of(db, probe=not no_probe), host, port, jobs, named_user)


def connection_of(
    settings: "Settings", url: str | None, user: str | None, db: str | None
) -> "Connection":
    """Return the memory that a conversation uses.

    Raises:
        BadInput: a server is named, and beside it what only it knows.
    """
    from threadkeep.cli.connection import connect

    for option, value in (("--user", user), ("--db", db)):
        if url is not None and value is not None:
            raise BadInput(f"With --url the server knows {option}; leave it out.")
    return connect(settings, url, None if url is not None else named(user))


def read_stdin() -> str:
    """Return all of stdin, decoded as UTF-8; what is not becomes U+FFFD."""
    if sys.stdin.isatty():
        raise BadInput('There is no message; write threadkeep ask "...", or pipe one in.')
    from threadkeep.base.validation import MAX_MESSAGE_BYTES

    # One byte over the limit is enough for the door to refuse it.
    return sys.stdin.buffer.read(4 * MAX_MESSAGE_BYTES).decode("utf-8", "replace").strip()


def main() -> None:
    """Run the command; end with its exit code and never with a traceback."""
    sys.exit(complaints.exit_code(lambda: app(standalone_mode=False)))
