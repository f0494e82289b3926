"""`python -m data …`: the clinic from a terminal. Exit codes: 0 ok, 1 some input was refused, 2 it could not be done as asked."""

import json
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
import typer

from access.command_line import site_app, user_app
from data import audit, audit_check, database, imports, queries, records, reread
from data.exports import ExportFormat, ExportTable
from data.permissions import COMMAND_LINE, NotFound
from models import Clinic, EntryRefused, ImportOutcome, PatientEntry

app = typer.Typer(help="Still Running from a terminal.", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
audit_app = typer.Typer(help="Who saw or changed what.", no_args_is_help=True)
app.add_typer(audit_app, name="audit")
app.add_typer(user_app, name="user")
app.add_typer(site_app, name="site")


class TextFormat(StrEnum):
    """What can be written to a terminal."""

    CSV = ExportFormat.CSV.value
    JSON = ExportFormat.JSON.value


def _fail(said: str) -> typer.Exit:
    typer.echo(said, err=True)
    return typer.Exit(2)


def _ready() -> sa.Engine:
    return database.ready_engine()


def _is_new(url: str) -> bool:
    path = database.sqlite_path(url)
    if path is not None:
        return not path.exists()
    return database.schema_revision(database.make_engine(url)) is None


@app.command()
def migrate() -> None:
    """Bring the database to this version of the program."""
    typer.echo(f"The database is at version {database.migrate(database.make_engine())}.")


@app.command()
def demo(
    if_missing: Annotated[bool, typer.Option("--if-missing", help="Do nothing when there is a database already.")] = False,
    reset: Annotated[bool, typer.Option("--reset", help="Throw the present demo clinic away and make a new one.")] = False,
    as_of: Annotated[
        str | None, typer.Option(metavar="YYYY-MM-DD", help="The day that the demo clinic's history ends; default today.")
    ] = None,
) -> None:
    """Make the synthetic demo clinic. It never touches a real clinic's database."""
    from data import demo as demo_clinic

    url = database.database_url()
    day = _day(as_of, "--as-of") if as_of else None
    if not _is_new(url):
        if if_missing:
            return
        engine = database.make_engine()
        real = database.schema_revision(engine) is not None and not queries.clinic(engine).is_demo
        if real:
            raise _fail("This database holds a real clinic. The demo clinic needs a place of its own: set DATABASE_URL.")
        if not reset:
            raise _fail("The demo clinic is there already. Use --reset to make it anew.")
        demo_clinic.remove(engine)
    if database.configured_key() is not None:
        raise _fail(
            f"An encryption key is configured ({database.key_file()}): this is a real clinic's place. Set DATABASE_URL to another one for the demo."
        )
    engine = database.make_engine()
    database.migrate(engine)
    audit.make_key(engine)
    made = demo_clinic.fill(engine, as_of=day)
    typer.echo(f"Demo clinic ready: {made.patients} synthetic patients, {made.runs} runs, {made.scores} pain scores.")


@app.command()
def init(
    name: Annotated[str, typer.Option(help="The clinic's name.")] = "Our clinic",
    time_zone: Annotated[str, typer.Option(help="The clinic's time zone, such as America/Chicago.")] = "America/Chicago",
) -> None:
    """Make a real clinic: empty, encrypted, with a key that is stored once and printed for the recovery sheet."""
    url = database.database_url()
    try:
        ZoneInfo(time_zone)
    except (KeyError, ValueError) as error:
        raise _fail(f"{time_zone!r} is not a time zone. Use a name like America/Chicago.") from error
    if not _is_new(url):
        raise _fail("There is a database already; it was not touched.")
    key = database.configured_key()
    on_sqlite = database.sqlite_path(url) is not None
    if on_sqlite and key is None:
        key = database.new_key_file(database.key_file())
    engine = database.make_engine(url, key if on_sqlite else None)
    database.migrate(engine)
    audit_key = audit.make_key(engine)
    with database.writing(engine) as connection:
        connection.execute(sa.insert(Clinic).values(id=1, name=name, time_zone=time_zone, week_start=0, is_demo=False))
    typer.echo(f"{name} is ready and empty.")
    if audit_key is not None:
        typer.echo(f"The key of the audit is kept in {audit_key} (only you can read it). Keep a copy apart from the computer.")
    if on_sqlite and key is not None:
        groups = " ".join(key[start : start + 8] for start in range(0, len(key), 8))
        typer.echo(
            f"\nRECOVERY SHEET: print this and lock it away, apart from the computer.\n  Clinic: {name}\n  Key:    {groups}\n"
            f"  Kept in {database.key_file()} (only you can read it).\nNo key, no data: without it nobody can ever read this clinic's database."
        )
    typer.echo(f"\n{NEXT}")


def _day(text: str, option: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise _fail(f"{option} takes a day as YYYY-MM-DD, not {text!r}.") from error


def _patient_key(engine: sa.Engine, code: str, *, create: bool) -> str:
    try:
        return queries.patient_key(engine, COMMAND_LINE, code)
    except NotFound:
        if not create:
            raise
    zone = queries.clinic(engine).time_zone
    entry = PatientEntry.checked(today=records.local_today(zone), code=code, time_zone=zone)
    return records.add_patient(engine, COMMAND_LINE, entry)


@app.command("import")
def import_(
    paths: Annotated[list[Path], typer.Argument(help="Files and folders; .gz and .zip are fine.")],
    patient: Annotated[str, typer.Option(metavar="CODE", help="The patient's code.")],
    create: Annotated[bool, typer.Option("--create", help="Make a patient with that code if there is none.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Report as JSON.")] = False,
) -> None:
    """Import recordings, tables and archives of one patient: see docs/importing.md."""
    with ExitStack() as held:
        try:
            sources = imports.sources_in(paths, held)
        except FileNotFoundError as error:
            raise _fail(str(error)) from error
        report = _imported(sources, paths, patient, create=create, show=not as_json and sys.stderr.isatty())
    if as_json:
        typer.echo(json.dumps(_report_fields(report), ensure_ascii=False, indent=1))
    else:
        for file in report.files:
            typer.echo(f"{file.outcome.value:<13} {file.file}: {file.reason}")
        typer.echo(f"{report.runs_added} runs and {report.entries_added} diary entries added from {len(report.files)} files.")
    if any(not file.complete for file in report.files):
        raise typer.Exit(1)


def _imported(sources: Sequence[imports.Source], paths: Sequence[Path], patient: str, *, create: bool, show: bool) -> imports.ImportReport:
    if not sources:
        raise _fail(f"There is no file in {', '.join(map(str, paths))}.")
    engine = _ready()
    try:
        key = _patient_key(engine, patient, create=create)
    except NotFound:
        raise _fail(f"There is no patient with the code {patient}. Add --create to make one.") from None
    with typer.progressbar(length=len(sources), file=sys.stderr, hidden=not show) as bar:
        return imports.import_files(
            engine, COMMAND_LINE, key, sources, via="command line", on_progress=lambda done, _all, _name: bar.update(done - bar.pos)
        )


def _report_fields(report: imports.ImportReport) -> dict[str, Any]:
    def plain(value: Any) -> Any:
        return value.isoformat() if isinstance(value, datetime | date) else value

    return {
        "runs_added": report.runs_added,
        "entries_added": report.entries_added,
        "files": [
            {
                "file": file.file,
                "outcome": ImportOutcome(file.outcome).value,
                "reason": file.reason,
                "runs": [{name: plain(value) for name, value in asdict(run).items() if name != "standing"} for run in file.runs],
            }
            for file in report.files
        ],
    }


@app.command("reread")
def reread_(
    patient: Annotated[str | None, typer.Option(metavar="CODE", help="The patient's code; default everybody.")] = None,
    apply: Annotated[bool, typer.Option("--apply", help="Store the new values; else they are only shown.")] = False,
) -> None:
    """Read the kept originals of imported files again, and show what a better reader makes of them."""
    engine = _ready()
    if patient is None:
        people = [(row.code, row.key) for row in queries.patients(engine, COMMAND_LINE)]
    else:
        try:
            people = [(patient, queries.patient_key(engine, COMMAND_LINE, patient))]
        except NotFound:
            raise _fail(f"There is no patient with the code {patient}.") from None
    differing = 0
    for code, key in people:
        found = reread.reread(engine, COMMAND_LINE, key, apply=apply)
        differing += sum(bool(difference.changes) for difference in found)
        for difference in found:
            for line in difference.lines:
                typer.echo(f"{code}: {line}")
    done = "were changed" if apply else "would change; --apply does it"
    typer.echo(f"{differing} run{'' if differing == 1 else 's'} {done}." if differing else "Nothing would change.")


@app.command()
def export(
    patient: Annotated[str, typer.Option(metavar="CODE", help="The patient's code.")],
    table: Annotated[ExportTable, typer.Option(help="What to write.")],
    format_: Annotated[TextFormat, typer.Option("--format", help="How to write it.")] = TextFormat.CSV,
    through: Annotated[str | None, typer.Option(metavar="YYYY-MM-DD", help="Last day to look at, for weeks; default today.")] = None,
) -> None:
    """Write a patient's runs, pain scores or weeks to standard output."""
    from clinic.exports import patient_table  # brings scipy: only who exports waits for it

    engine = _ready()
    try:
        key = queries.patient_key(engine, COMMAND_LINE, patient)
    except NotFound:
        raise _fail(f"There is no patient with the code {patient}.") from None
    last_day = _day(through, "--through") if through else None
    taken = patient_table(COMMAND_LINE, key, table, ExportFormat(format_.value), through=last_day, database=engine)
    typer.echo(taken.content.decode(), nl=False)


@audit_app.command()
def verify(
    renew_head: Annotated[
        bool, typer.Option("--renew-head", help="Accept the newest row as the end, after a backup was restored on purpose.")
    ] = False,
) -> None:
    """Check that no row of the audit was changed, removed, moved, inserted or cut off."""
    faults = audit_check.verify(_ready(), renew_head=renew_head)
    for fault in faults:
        typer.echo(fault.sentence)
    if faults:
        raise typer.Exit(1)
    typer.echo("The audit is as it was written.")


def main() -> None:
    """Run, and say what is wrong in words."""
    try:
        app()
    except (database.DatabaseUnusable, EntryRefused, NotFound, records.AlreadyThere) as error:
        said = str(error)
    except sa.exc.ArgumentError:
        said = "DATABASE_URL is not the address of a database. Write sqlite:///path or postgresql://user@host/name."
    except sa.exc.SQLAlchemyError as error:
        said = f"The database could not be used: {_first_line(getattr(error, 'orig', None) or error)}. {NOT_SAVED}"
    except OSError as error:
        said = f"{error.filename or 'A file'} could not be used: {error.strerror or 'unknown reason'}. {NOT_SAVED}"
    else:
        return
    typer.echo(said, err=True)
    sys.exit(2)


NEXT = """Next:
  python -m data site add "Lakeside"     for each place where you work; --kind virtual for calls
  start the app: it prints a link by which the first owner sets their name and passphrase
  (or here: python -m data user add "Olga Owner" --login olga --role owner)"""
NOT_SAVED = "What was being saved is not saved; what was there before is as it was."


def _first_line(error: BaseException) -> str:
    """Give what a database says first: the lines after it may repeat values of a row."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__).rstrip(".")


if __name__ == "__main__":
    main()
