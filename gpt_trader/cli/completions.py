"""`gpt-trader completions`: the script that a shell completes with, made by generate.py."""

from __future__ import annotations

from typing import Annotated

import typer

from gpt_trader.app.library import shipped
from gpt_trader.app.settings import wishes
from gpt_trader.cli import render
from gpt_trader.core.errors import GptTraderError, UsageError, did_you_mean

FILES = {"bash": "gpt-trader.bash", "zsh": "_gpt-trader", "fish": "gpt-trader.fish"}


def completions(
    shell: Annotated[str | None, typer.Argument(metavar="[SHELL]", help="bash, zsh or fish; yours otherwise.")] = None,
) -> int:
    """Print the completion script of a shell.

    $ gpt-trader completions bash > ~/.local/share/bash-completion/completions/gpt-trader
    $ gpt-trader completions zsh > ~/.zfunc/_gpt-trader
    $ gpt-trader completions fish > ~/.config/fish/completions/gpt-trader.fish
    """
    wanted = shell or wishes().shell
    if wanted not in FILES:
        hint = did_you_mean(wanted, FILES) or "name one: bash, zsh or fish"
        raise UsageError(f"there are no completions for '{wanted}'" if wanted else "which shell?", hint=hint)
    file = shipped("completions") / FILES[wanted]
    if not file.is_file():
        raise GptTraderError(f"{file} is missing", hint="install gpt-trader again, or `make completions` in a checkout")
    render.data(file.read_text(encoding="utf-8").rstrip("\n"))
    return 0
