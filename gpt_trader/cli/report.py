"""`gpt-trader report`: the report of a run as a file, or in the browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gpt_trader.cli import render
from gpt_trader.cli.session import application
from gpt_trader.core.errors import GptTraderError, UsageError, did_you_mean

SUFFIXES = {".html": "html", ".htm": "html", ".md": "md", ".json": "json"}


def report(
    run: Annotated[
        str, typer.Argument(metavar="RUN", help="Its id, a part of it that fits one only, or `latest`.")
    ] = "latest",
    show: Annotated[bool, typer.Option("--open", help="Show it in the browser.")] = False,
    format: Annotated[
        str | None, typer.Option(metavar="FORM", help="html, md or json; else as the file's name says, or html.")
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Copy it there.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document: the run and the file.")] = False,
) -> int:
    """Find the report of a run, or make one from its results, and print where it is.

    $ gpt-trader report latest --open
    $ gpt-trader report latest --format json --out result.json

    The file needs no network. A run without a report, such as one that only tests a strategy, gets one now.
    """
    from gpt_trader.app.reports import report_of

    form = _form(format, out)
    with application() as app:
        record = app.runs.get(run)
        file = report_of(app, record, form)
        if out is not None:
            file = _copied(file, out)
    if as_json:
        render.document({"run": record.id, "format": form, "path": str(file), "bytes": file.stat().st_size})
    else:
        render.data(str(file))
    if show:
        _open(file)
    return 0


def _form(word: str | None, out: Path | None) -> str:
    known = ("html", "md", "json")
    if word is None:
        return SUFFIXES.get(out.suffix.lower(), "html") if out is not None else "html"
    if word not in known:
        hint = did_you_mean(word, known) or f"there are: {', '.join(known)}"
        raise UsageError(f"a report has no format '{word}'", hint=hint)
    return word


def _copied(file: Path, out: Path) -> Path:
    """The file appears whole under its new name, or not at all."""
    target = out.expanduser().resolve()
    if target.is_dir():
        raise UsageError(f"{out} is a folder", hint=f"name a file: {out / f'report{file.suffix}'}")
    part = target.with_name(f".{target.name}.part")
    try:
        part.write_bytes(file.read_bytes())
        part.replace(target)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise GptTraderError(f"{out} cannot be written: {error.strerror}", hint="choose another place") from None
    return target


def _open(file: Path) -> None:
    import webbrowser

    if not webbrowser.open(file.as_uri()):
        render.warn("no browser could be opened", f"open the file yourself: {file}")
