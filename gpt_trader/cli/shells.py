"""Writes the completion scripts of three shells from the commands themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gpt_trader.cli.lazy import GLOBAL_HELP, load
from gpt_trader.cli.runs import STATUSES
from gpt_trader.cli.table import COMMANDS, Entry

_CHOICES = {
    "FORMAT": "text json github sarif",
    "SHELL": "bash zsh fish",
    "MODE": "backtest paper live",
    "FORM": "html md json",
    "FILL": "next_open same_close",
    "BASIS": "average fifo",
    "END": "no close open",
    "ADJUST": "splits all none",
    "PROVIDER": "sample csv parquet ccxt alpaca yfinance",
    "STATUS": " ".join(s.lower() for s in STATUSES),
}
_ASKED = {"WORKFLOW": "workflows", "RUN": "runs", "SLICE": "slices", "STRATEGY": "strategies"}
_FILES = frozenset({"WORKFLOW", "DIR", "FILE"})
_HEAD = "Made by `make completions`; do not edit."


@dataclass(frozen=True, slots=True)
class Flag:
    """An option: its names, what it means, and the word for its value, if it takes one."""

    names: tuple[str, ...]
    help: str
    value: str


@dataclass(frozen=True, slots=True)
class Place:
    """What may stand after one command's words."""

    path: str
    commands: Mapping[str, str]
    flags: tuple[Flag, ...]
    argument: str
    inputs: bool


def places() -> list[Place]:
    """Every command, the groups before what is in them."""
    return list(_walk("", COMMANDS))


def _walk(path: str, entries: Mapping[str, Entry]) -> Iterator[Place]:
    yield Place(path, {name: e.summary for name, e in entries.items()}, _global(), "", inputs=False)
    for name, entry in entries.items():
        inner = f"{path} {name}".strip()
        if entry.commands:
            yield from _walk(inner, entry.commands)
        else:
            yield _leaf(inner, name, entry)


def _leaf(path: str, name: str, entry: Entry) -> Place:
    command = load(name, entry)
    flags, argument = [], ""
    for param in command.params:
        word = (param.metavar or "").strip("[].")
        if param.param_type_name == "argument":
            argument = argument or word
        elif not param.hidden:
            flags.append(Flag((*param.opts, *param.secondary_opts), param.help or "", "" if param.is_flag else word))
    inputs = type(command).__name__ == "InputsCommand"
    return Place(path, {}, (*flags, *_global()), argument, inputs)


def _global() -> tuple[Flag, ...]:
    made = []
    for names, text in GLOBAL_HELP:
        value = "SETTING" if "NAME=VALUE" in names else ""
        made.append(Flag(tuple(n.strip().split(" ")[0] for n in names.split(",")), text, value))
    return tuple(made)


def _names(place: Place) -> str:
    return " ".join(name for flag in place.flags for name in flag.names if name.startswith("--"))


# --- bash and zsh: the same questions, asked in each one's own words --------------------------------------------------

_BASH = """\
# {head}
_gpt_trader() {{
    local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD-1]}} path="" word options="" kind="" index=1
    local first="" ask="${{COMP_WORDS[0]}}"
    COMPREPLY=()
    while ((index < COMP_CWORD)); do
        word=${{COMP_WORDS[index]}}
        case " $(_gpt_trader_commands "$path") " in
            *" $word "*) path="${{path:+$path }}$word" ;;
            *) [[ -z $first && $word != -* ]] && first=$word ;;
        esac
        ((index++))
    done
    [[ $prev == "=" ]] && prev=${{COMP_WORDS[COMP_CWORD-2]}}
    kind=$(_gpt_trader_value "$path" "$prev")
    if [[ -z $kind ]]; then
        if [[ $cur == -* ]]; then
            options=$(_gpt_trader_options "$path")
            if [[ -n $first ]]; then
                case "$path" in {inputs}) options+=" $("$ask" __complete inputs "$first" 2>/dev/null)" ;; esac
            fi
            COMPREPLY=($(compgen -W "$options" -- "$cur"))
            return
        fi
        options=$(_gpt_trader_commands "$path")
        if [[ -n $options ]]; then
            COMPREPLY=($(compgen -W "$options" -- "$cur"))
            return
        fi
        [[ -n $first ]] && return
        kind=$(_gpt_trader_value "$path" "")
    fi
    case "$kind" in
{values}
    esac
}}

_gpt_trader_commands() {{
    case "$1" in
{commands}
    esac
}}

_gpt_trader_options() {{
    case "$1" in
{options}
    esac
}}

_gpt_trader_value() {{
    case "$1:$2" in
{kinds}
    esac
}}

complete -F _gpt_trader gpt-trader
"""


def bash() -> str:
    """The script for bash."""
    found = places()
    return _BASH.format(
        head=_HEAD,
        inputs="|".join(f'"{p.path}"' for p in found if p.inputs),
        values="\n".join(_bash_values()),
        commands="\n".join(f'        "{p.path}") echo "{" ".join(p.commands)}" ;;' for p in found if p.commands),
        options="\n".join(f'        "{p.path}") echo "{_names(p)}" ;;' for p in found),
        kinds="\n".join(_kinds(found)),
    )


def _kinds(found: list[Place]) -> Iterator[str]:
    for place in found:
        if place.argument:
            yield f'        "{place.path}:") echo {place.argument} ;;'
        for flag in place.flags:
            if flag.value:
                names = "|".join(f'"{place.path}:{name}"' for name in flag.names)
                yield f"        {names}) echo {flag.value.partition('=')[0]} ;;"


def _bash_values() -> Iterator[str]:
    for word, choices in _CHOICES.items():
        yield f'        {word}) COMPREPLY=($(compgen -W "{choices}" -- "$cur")) ;;'
    for word, kind in _ASKED.items():
        files = ' $(compgen -f -- "$cur")' if word in _FILES else ""
        asked = f'$(compgen -W "$("$ask" __complete {kind} 2>/dev/null)" -- "$cur")'
        yield f"        {word}) COMPREPLY=({asked}{files}) ;;"
    yield '        SETTING) COMPREPLY=($(compgen -W "$("$ask" __complete settings 2>/dev/null)" -- "$cur")) ;;'
    yield '        DIR|FILE) COMPREPLY=($(compgen -f -- "$cur")) ;;'


_ZSH = """\
#compdef gpt-trader
# {head}
_gpt_trader() {{
    local place="" word first="" kind="" ask="${{words[1]}}" index=2
    local -a found
    while ((index < CURRENT)); do
        word=${{words[index]}}
        if [[ " $(_gpt_trader_commands "$place") " == *" $word "* ]]; then
            place="${{place:+$place }}$word"
        elif [[ -z $first && $word != -* ]]; then
            first=$word
        fi
        ((index++))
    done
    kind=$(_gpt_trader_value "$place" "${{words[CURRENT-1]}}")
    if [[ -z $kind && ${{words[CURRENT]}} == -* ]]; then
        _gpt_trader_options "$place"
        if [[ -n $first ]]; then
            case "$place" in ({inputs}) found+=(${{(f)"$("$ask" __complete inputs "$first" 2>/dev/null)"}}) ;; esac
        fi
        _describe -o option found
        return
    fi
    if [[ -z $kind ]]; then
        _gpt_trader_described "$place"
        if ((#found)); then
            _describe command found
            return
        fi
        [[ -n $first ]] && return 1
        kind=$(_gpt_trader_value "$place" "")
    fi
    case "$kind" in
{values}
    esac
}}

_gpt_trader_commands() {{
    case "$1" in
{commands}
    esac
}}

_gpt_trader_described() {{
    case "$1" in
{described}
    esac
}}

_gpt_trader_options() {{
    case "$1" in
{options}
    esac
}}

_gpt_trader_value() {{
    case "$1:$2" in
{kinds}
    esac
}}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _gpt_trader "$@"
else
    compdef _gpt_trader gpt-trader
fi
"""


def zsh() -> str:
    """The script for zsh."""
    found = places()
    described = (f'        ("{p.path}") found=({_pairs(p.commands)}) ;;' for p in found if p.commands)
    options = (f'        ("{p.path}") found=({_pairs(_long(p))}) ;;' for p in found)
    return _ZSH.format(
        head=_HEAD,
        inputs="|".join(f'"{p.path}"' for p in found if p.inputs),
        values="\n".join(_zsh_values()),
        commands="\n".join(f'        ("{p.path}") echo "{" ".join(p.commands)}" ;;' for p in found if p.commands),
        described="\n".join(described),
        options="\n".join(options),
        kinds="\n".join(line.replace('        "', '        ("', 1) for line in _kinds(found)),
    )


def _long(place: Place) -> dict[str, str]:
    return {name: flag.help for flag in place.flags for name in flag.names if name.startswith("--")}


def _pairs(described: Mapping[str, str]) -> str:
    return " ".join(_quoted(f"{name}:{text}") for name, text in described.items())


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _zsh_values() -> Iterator[str]:
    for word, choices in _CHOICES.items():
        yield f"        ({word}) compadd -- {choices} ;;"
    for word, kind in _ASKED.items():
        files = "; _files" if word in _FILES else ""
        yield f'        ({word}) compadd -- ${{(f)"$("$ask" __complete {kind} 2>/dev/null)"}}{files} ;;'
    yield """        (SETTING) compadd -S '' -- ${(f)"$("$ask" __complete settings 2>/dev/null)"} ;;"""
    yield "        (DIR|FILE) _files ;;"


# --- fish -------------------------------------------------------------------------------------------------------------

_FISH = """\
# {head}
function __gpt_trader_at
    # Whether the words so far lead to this command, and not to one inside it.
    set -l words (commandline -opc)
    set -l place
    for word in $words[2..-1]
        set -l inner (string join ' ' $place $word)
        contains -- $inner {paths}
        and set place $place $word
    end
    test "$place" = "$argv"
end

function __gpt_trader_inputs
    set -l words (commandline -opc)
    for word in $words[3..-1]
        if not string match -q -- '-*' $word
            and not contains -- $word {words}
            $words[1] __complete inputs $word 2>/dev/null
            return
        end
    end
end

complete -c gpt-trader -f
"""


def fish() -> str:
    """The script for fish."""
    found = places()
    paths = " ".join(_quoted(p.path) for p in found if p.path)
    words = " ".join(sorted({word for p in found for word in p.path.split()}))
    return _FISH.format(head=_HEAD, paths=paths, words=words) + "".join(f"{line}\n" for p in found for line in _fish(p))


def _fish(place: Place) -> Iterator[str]:
    here = f'complete -c gpt-trader -n "__gpt_trader_at {place.path}"'.replace(' "', ' "').replace('at "', 'at"')
    for name, text in place.commands.items():
        yield f"{here} -a {name} -d {_quoted(text)}"
    if place.argument:
        yield f"{here} {_fish_value(place.argument)}"
    if place.inputs:
        yield f"{here} -a '(__gpt_trader_inputs)'"
    for flag in place.flags:
        names = " ".join(f"-l {n[2:]}" if n.startswith("--") else f"-s {n[1:]}" for n in flag.names)
        value = f" -r {_fish_value(flag.value.partition('=')[0])}".rstrip() if flag.value else ""
        yield f"{here} {names}{value} -d {_quoted(flag.help)}"


def _fish_value(word: str) -> str:
    if word in _CHOICES:
        return f"-a '{_CHOICES[word]}'"
    kind = "settings" if word == "SETTING" else _ASKED.get(word, "")
    files = "-F " if word in _FILES else ""
    return f"{files}-a '(gpt-trader __complete {kind} 2>/dev/null)'" if kind else files.strip()


SCRIPTS = {"bash": bash, "zsh": zsh, "fish": fish}
