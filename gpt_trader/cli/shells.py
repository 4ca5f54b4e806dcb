"""Writes the completion scripts of three shells: what is offered, asked in each one's own words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gpt_trader.cli.menus import ASKED, CHOICES, FILES, Menu, menus, names_of

_HEAD = "Made by `make completions`; do not edit."

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
    found = menus()
    return _BASH.format(
        head=_HEAD,
        inputs="|".join(f'"{p.path}"' for p in found if p.inputs),
        values="\n".join(_bash_values()),
        commands="\n".join(f'        "{p.path}") echo "{" ".join(p.commands)}" ;;' for p in found if p.commands),
        options="\n".join(f'        "{p.path}") echo "{names_of(p)}" ;;' for p in found),
        kinds="\n".join(_kinds(found)),
    )


def _kinds(found: list[Menu]) -> Iterator[str]:
    for menu in found:
        if menu.argument:
            yield f'        "{menu.path}:") echo {menu.argument} ;;'
        for flag in menu.flags:
            if flag.value:
                names = "|".join(f'"{menu.path}:{name}"' for name in flag.names)
                yield f"        {names}) echo {flag.value.partition('=')[0]} ;;"


def _bash_values() -> Iterator[str]:
    for word, choices in CHOICES.items():
        yield f'        {word}) COMPREPLY=($(compgen -W "{choices}" -- "$cur")) ;;'
    for word, kind in ASKED.items():
        files = ' $(compgen -f -- "$cur")' if word in FILES else ""
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
    found = menus()
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


def _long(menu: Menu) -> dict[str, str]:
    return {name: flag.help for flag in menu.flags for name in flag.names if name.startswith("--")}


def _pairs(described: Mapping[str, str]) -> str:
    return " ".join(_quoted(f"{name}:{text}") for name, text in described.items())


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _zsh_values() -> Iterator[str]:
    for word, choices in CHOICES.items():
        yield f"        ({word}) compadd -- {choices} ;;"
    for word, kind in ASKED.items():
        files = "; _files" if word in FILES else ""
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
    found = menus()
    paths = " ".join(_quoted(p.path) for p in found if p.path)
    words = " ".join(sorted({word for p in found for word in p.path.split()}))
    return _FISH.format(head=_HEAD, paths=paths, words=words) + "".join(f"{line}\n" for p in found for line in _fish(p))


def _fish(menu: Menu) -> Iterator[str]:
    here = f'complete -c gpt-trader -n "__gpt_trader_at {menu.path}"'.replace(' "', ' "').replace('at "', 'at"')
    for name, text in menu.commands.items():
        yield f"{here} -a {name} -d {_quoted(text)}"
    if menu.argument:
        yield f"{here} {_fish_value(menu.argument)}"
    if menu.inputs:
        yield f"{here} -a '(__gpt_trader_inputs)'"
    for flag in menu.flags:
        names = " ".join(f"-l {n[2:]}" if n.startswith("--") else f"-s {n[1:]}" for n in flag.names)
        value = f" -r {_fish_value(flag.value.partition('=')[0])}".rstrip() if flag.value else ""
        yield f"{here} {names}{value} -d {_quoted(flag.help)}"


def _fish_value(word: str) -> str:
    if word in CHOICES:
        return f"-a '{CHOICES[word]}'"
    kind = "settings" if word == "SETTING" else ASKED.get(word, "")
    files = "-F " if word in FILES else ""
    return f"{files}-a '(gpt-trader __complete {kind} 2>/dev/null)'" if kind else files.strip()


SCRIPTS = {"bash": bash, "zsh": zsh, "fish": fish}
