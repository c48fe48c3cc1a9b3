"""`threadkeep import`, `export`, `report`, `migrate` and `forget`."""

from pathlib import Path
from typing import Annotated

import typer

from threadkeep.base.errors import BadInput
from threadkeep.cli.options import (
    AsJson,
    Db,
    KeepMessages,
    OutFile,
    User,
    Verify,
    Yes,
    load_settings,
    user_or_login,
)
from threadkeep.transfer.importers.formats import Format


def import_(
    files: Annotated[
        list[Path],
        typer.Argument(help="Files, folders or ZIP archives to read.", show_default=False),
    ],
    format_: Annotated[
        Format | None,
        typer.Option("--format", help="What the files hold.", show_default="looked for"),
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
    again: Annotated[
        bool, typer.Option("--again", help="Also take in what was forgotten before.")
    ] = False,
    db: Db = None,
) -> None:
    """Take in an export or old conversations; what is there already is not taken twice."""
    from threadkeep.cli.import_file import run_imports

    run_imports(
        load_settings(db),
        files,
        format_,
        user=user,
        thread=thread,
        skip_bad=skip_bad,
        again=again,
    )


def export(
    user: User = None,
    thread: Annotated[
        str | None,
        typer.Option("-t", "--thread", help="One thread alone.", show_default="everything"),
    ] = None,
    out: OutFile = None,
    db: Db = None,
) -> None:
    """Write down all that is kept of a user, as JSON lines that import reads."""
    from threadkeep.cli.export_file import run_export

    run_export(load_settings(db), user_or_login(user), thread, out)


def report(user: User = None, out: OutFile = None, db: Db = None) -> None:
    """Write all that is known of a user as one HTML page: what, why and since when."""
    from threadkeep.cli.export_file import run_report

    run_report(load_settings(db), user_or_login(user), out)


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
    run_migrate(load_settings(from_), load_settings(to), user)


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
    retry: Annotated[
        bool, typer.Option("--retry", help="Complete what could not be forgotten before.")
    ] = False,
    verify: Verify = False,
    yes: Yes = False,
    db: Db = None,
    as_json: AsJson = False,
) -> None:
    """Forget for good, and print a receipt: all of a user, or one thread, message or fact."""
    from threadkeep.cli.forget import run_forget, run_retry

    parts = {"thread": thread, "message": message, "fact": fact}
    targets = [(kind, name) for kind, name in parts.items() if name is not None]
    if len(targets) > 1:
        raise BadInput("Name one of --thread, --message and --fact at a time.")
    if keep_messages and fact is None:
        raise BadInput("--keep-messages goes with --fact; what else would be forgotten?")
    if retry and targets:
        raise BadInput("--retry completes earlier erasures; name nothing else with it.")
    if retry:
        run_retry(load_settings(db), user_or_login(user), as_json=as_json)
        return
    if not targets and user is None:
        raise BadInput("Say whose memory is forgotten with --user, or what of it.")
    kind, name = targets[0] if targets else ("user", "")
    run_forget(
        load_settings(db),
        user_or_login(user),
        kind,
        name,
        keep_messages=keep_messages,
        verify=verify,
        yes=yes,
        as_json=as_json,
    )
