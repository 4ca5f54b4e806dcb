"""Completion: the values that a shell asks for, and the scripts in the shells themselves."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gpt_trader.cli.complete import answer
from gpt_trader.cli.menus import menus
from gpt_trader.cli.shells import SCRIPTS
from gpt_trader.cli.table import COMMANDS

pytestmark = pytest.mark.usefixtures("project")


@pytest.fixture
def asked(capsys):
    def ask(*words: str) -> list[str]:
        capsys.readouterr()
        answer(list(words))
        return capsys.readouterr().out.split()

    return ask


def test_workflows_of_the_project_and_shipped_ones_are_named(asked):
    assert {"three", "gated", "stuck"} <= set(asked("workflows"))


def test_inputs_of_a_workflow_are_options(asked):
    assert asked("inputs", "three") == ["--symbols", "--sleep", "--fail", "--say", "--times"]
    assert asked("inputs", "workflows/three.yaml")[0] == "--symbols"


def test_slices_and_settings_are_named_without_being_loaded(asked, project):
    (project / "plugins/slices/broken.py").write_text("1 / 0")
    assert {"desk", "broken"} <= set(asked("slices"))
    assert "journal=" in asked("settings")


def test_the_newest_runs_are_named_and_no_journal_is_made_for_it(asked, call, tmp_path):
    assert asked("runs") == []
    assert not (tmp_path / "home").exists()
    run_id = call("run", "three", "--json").json["id"]
    assert asked("runs") == ["latest", run_id]


@pytest.mark.parametrize("words", [(), ("nonsense",), ("inputs", "nothing"), ("inputs",)])
def test_whatever_goes_wrong_a_shell_gets_no_words(asked, words):
    assert asked(*words) == []


def test_broken_settings_do_not_disturb_a_person_who_types(asked, project):
    (project / "gpt-trader.yaml").write_text("nonsense: [")
    assert asked("workflows") == []


def test_every_command_and_option_is_in_every_script():
    for make in SCRIPTS.values():
        script = make()
        for place in menus():
            assert place.path in script
            assert all(name.lstrip("-") in script for flag in place.flags for name in flag.names)


def test_the_scripts_are_the_same_each_time():
    assert {shell: make() for shell, make in SCRIPTS.items()} == {shell: make() for shell, make in SCRIPTS.items()}


def test_the_command_prints_the_shipped_script(call):
    assert call("completions", "bash").out == SCRIPTS["bash"]()
    assert call("completions", "fish").out == SCRIPTS["fish"]()
    assert call("completions", "zsh").out == SCRIPTS["zsh"]()


# --- in the shells ----------------------------------------------------------------------------------------------------

ENV = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
CASES = [
    ("gpt-trader ru", {"run", "runs"}),
    ("gpt-trader runs re", {"resume", "retry", "rerun"}),
    ("gpt-trader events dead ", {"list", "retry", "drop"}),
    ("gpt-trader run th", {"three"}),
    ("gpt-trader runs list --sta", {"--status"}),
    ("gpt-trader runs list --status f", {"failed"}),
    ("gpt-trader run three --sy", {"--symbols"}),
    ("gpt-trader slices show de", {"desk"}),
]


def needs(shell: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(shutil.which(shell) is None, reason=f"{shell} is not installed")


@needs("bash")
@pytest.mark.parametrize(("line", "words"), CASES)
def test_bash_completes(line, words, tmp_path):
    script = tmp_path / "completion.bash"
    script.write_text(SCRIPTS["bash"]())
    typed = line.split(" ")
    asks = f"""
source {script}
COMP_WORDS=({" ".join(f"'{w}'" for w in typed)}); COMP_CWORD={len(typed) - 1}; COMP_LINE='{line}'
_gpt_trader
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    done = subprocess.run(
        ["bash", "--norc", "-c", asks], env=ENV, capture_output=True, text=True, check=True, timeout=60
    )
    assert set(done.stdout.split()) == words
    assert done.stderr == ""


@needs("fish")
@pytest.mark.parametrize(("line", "words"), CASES)
def test_fish_completes(line, words, tmp_path):
    script = tmp_path / "completion.fish"
    script.write_text(SCRIPTS["fish"]())
    asks = f"source {script}; complete -C '{line}'"
    env = ENV | {"HOME": str(tmp_path)}
    done = subprocess.run(["fish", "-N", "-c", asks], env=env, capture_output=True, text=True, check=True, timeout=60)
    assert {row.partition("\t")[0] for row in done.stdout.splitlines()} == words


@needs("zsh")
def test_zsh_takes_the_script(tmp_path):
    script = tmp_path / "_gpt-trader"
    script.write_text(SCRIPTS["zsh"]())
    done = subprocess.run(["zsh", "-n", str(script)], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


@needs("zsh")
@pytest.mark.parametrize(("line", "words"), CASES)
def test_zsh_completes(line, words, tmp_path):
    """What would be offered is caught where zsh takes it: in compadd and _describe."""
    script = tmp_path / "_gpt-trader"
    script.write_text(SCRIPTS["zsh"]())
    typed = line.split(" ")
    asks = f"""
compdef() {{ }}
_files() {{ }}
compadd() {{ while [[ $1 != -- ]]; do shift; done; shift; print -l -- "$@" }}
_describe() {{ local name=${{@[-1]}}; print -l -- "${{(@P)name}}" }}
source {script}
words=({" ".join(f"'{w}'" for w in typed)}); CURRENT={len(typed)}
_gpt_trader
"""
    done = subprocess.run(["zsh", "-f", "-c", asks], env=ENV, capture_output=True, text=True, check=True, timeout=60)
    offered = {row.partition(":")[0] for row in done.stdout.splitlines()}
    assert {word for word in offered if word.startswith(typed[-1])} == words
    assert done.stderr == ""


def test_the_table_of_commands_is_what_the_scripts_know():
    assert set(menus()[0].commands) == set(COMMANDS)
