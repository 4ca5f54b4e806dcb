"""The installed command: pipes, closed streams, odd surroundings."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.acceptance.conftest import as_shell
from tests.cli.conftest import COMMAND, SLICE

MEASURED = """
import resource, subprocess, sys
code = subprocess.call(sys.argv[1:])
open("most", "w").write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
sys.exit(code)
"""
"""Runs a command as the child of a small process: of a large one it would inherit the largest size."""


def test_the_literal_forms_work(shell, project):
    assert shell("run", "three", "--symbols", "AAPL", "MSFT").code == 0
    assert shell("run", "workflows/three.yaml").code == 0
    assert shell("run", "three", "--input", "symbols=AAPL").code == 0
    assert shell("status").code == 0
    module = [sys.executable, "-m", "gpt_trader", "status"]
    assert subprocess.run(module, cwd=project, capture_output=True, timeout=60, check=False).returncode == 0


def test_a_reader_that_has_seen_enough_ends_it_quietly(shell, project):
    for _ in range(3):
        shell("run", "three")
    done = as_shell("for i in 1 2 3; do gpt-trader runs logs latest --json; done | head -1", project)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["topic"] == "run.started"


@pytest.mark.parametrize("closing", [">&-", "2>&-", "<&-", ">&- 2>&- <&-"])
def test_it_works_with_closed_streams(project, closing):
    done = as_shell(f"gpt-trader run three {closing}", project)
    assert done.returncode == 0, done.stderr
    assert as_shell("gpt-trader doctor --json", project).returncode == 0
    assert "SUCCEEDED" in as_shell("gpt-trader runs list", project).stdout


def test_an_output_that_cannot_be_written_is_an_error(project):
    done = as_shell("gpt-trader workflows list > /dev/full", project)
    assert done.returncode == 1
    assert "the output cannot be written" in done.stderr


def test_it_works_without_a_home_variable(project, tmp_path):
    done = as_shell("unset HOME; gpt-trader run three && gpt-trader status", project)
    assert done.returncode == 0, done.stderr


def test_it_needs_nothing_writable_but_its_home(project, tmp_path):
    """The folder of another file system that nobody can write stands for a read-only project."""
    done = as_shell("cd /proc/self && gpt-trader status && gpt-trader workflows list && gpt-trader doctor", project)
    assert done.returncode == 0, done.stderr


def test_a_home_that_cannot_be_written_is_named_in_one_line(project):
    done = as_shell("gpt-trader run three", project, GPT_TRADER_HOME="/proc/nowhere")
    assert done.returncode == 1
    assert done.stderr.splitlines()[0].startswith("error: ")
    assert "/proc/nowhere" in done.stderr
    assert "hint: GPT_TRADER_HOME, or the setting `journal`, chooses another place" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_steps_print_does_not_spoil_the_results(shell):
    found = shell("run", "three", "--say", "hello from a step", "--json")
    assert found.json["status"] == "SUCCEEDED"
    assert "hello from a step\n" in found.err


def test_a_step_that_prints_without_end_is_cut_off(shell):
    found = shell("run", "three", "--say", "x" * 1000, "--times", "3000", "--json")
    assert found.json["status"] == "SUCCEEDED"
    assert "the steps printed more than 1 MiB" in found.err
    assert len(found.err) < 1_100_000


def test_a_step_that_prints_a_gigabyte_costs_neither_the_run_nor_memory(shell, project):
    (project / "plugins/slices/desk.py").write_text(SLICE.replace("print(params.say)", "print('x' * 1_000_000)"))
    words = [str(COMMAND), "run", "three", "--say", "much", "--times", "1000", "--json"]
    done = subprocess.run([sys.executable, "-c", MEASURED, *words], cwd=project, capture_output=True, check=False)
    assert json.loads(done.stdout)["status"] == "SUCCEEDED"
    assert b"the steps printed more than 1 MiB" in done.stderr
    assert len(done.stderr) < 1_100_000
    most = int((project / "most").read_text())
    assert most < 200_000, f"{most} KiB"


def test_a_program_that_a_step_starts_prints_to_stderr(shell, project):
    (project / "plugins/slices/starter.py").write_text(
        "import subprocess\nimport gpt_trader\n"
        "class None_(gpt_trader.Params):\n    pass\n"
        "class Out(gpt_trader.Outputs):\n    code: int\n"
        "class Starter(gpt_trader.Slice):\n    name = 'starter'\n"
        "    @gpt_trader.method()\n    def start(self, params: None_, ctx: gpt_trader.StepContext) -> Out:\n"
        "        'Start a program.'\n        return Out(code=subprocess.run(['echo', 'from outside']).returncode)\n"
    )
    (project / "starts.yaml").write_text("name: starts\nsteps:\n  - one: {slice: starter, method: start}\n")
    found = shell("run", "starts.yaml", "--json")
    assert found.json["status"] == "SUCCEEDED"
    assert "from outside" in found.err


def test_a_program_that_a_step_leaves_behind_keeps_neither_the_command_nor_its_reader_and_is_cut_off(shell, project):
    (project / "plugins/slices/starter.py").write_text(
        "import subprocess, time\nimport gpt_trader\n"
        "class None_(gpt_trader.Params):\n    pass\n"
        "class Out(gpt_trader.Outputs):\n    code: int\n"
        "class Starter(gpt_trader.Slice):\n    name = 'starter'\n"
        "    @gpt_trader.method()\n    def start(self, params: None_, ctx: gpt_trader.StepContext) -> Out:\n"
        "        'Start a program.'\n        subprocess.Popen(['yes', 'for ever'])\n        time.sleep(0.5)\n"
        "        return Out(code=0)\n"
    )
    (project / "starts.yaml").write_text("name: starts\nsteps:\n  - one: {slice: starter, method: start}\n")
    found = shell("run", "starts.yaml", "--json")
    assert found.json["status"] == "SUCCEEDED"
    assert "for ever\n" in found.err
    assert "the steps printed more than 1 MiB" in found.err
    assert len(found.err) < 1_100_000


def test_a_step_that_hangs_does_not_keep_the_process(shell):
    found = shell("run", "stuck")
    assert found.code == 1
    assert "step 'stuck' failed: its time has run out" in found.err


def test_no_colour_in_a_pipe_unless_forced(shell):
    plain = shell("run", "three", "--fail")
    assert "\x1b" not in plain.out + plain.err
    forced = shell("run", "three", "--fail", FORCE_COLOR="1")
    assert "\x1b[1;31merror" in forced.err
    assert "\x1b" not in shell("run", "three", "--fail", FORCE_COLOR="1", NO_COLOR="1").err


def test_traces_come_with_debug_alone(shell):
    assert "Traceback" not in shell("run", "three", "--fail").err
    assert 'raise ValueError("no luck")' in shell("run", "three", "--fail", "--debug").err
    assert 'raise ValueError("no luck")' in shell("run", "three", "--fail", GPT_TRADER_DEBUG="1").err


def test_an_ascii_terminal_is_no_reason_to_fail(shell, project):
    (project / "workflows/odd.yaml").write_text(
        'name: odd\ndescription: "käse ✓"\nsteps: [{one: {slice: desk, method: work}}]\n'
    )
    assert shell("workflows", "list", PYTHONIOENCODING="ascii").code == 0


def test_a_refusal_of_the_risk_desk_is_told_by_the_exit_code(shell, project):
    (project / "plugins/slices/refuser.py").write_text(
        "import gpt_trader\nfrom gpt_trader.core.errors import RefusedByRisk\n"
        "class None_(gpt_trader.Params):\n    pass\n"
        "class Out(gpt_trader.Outputs):\n    code: int\n"
        "class Refuser(gpt_trader.Slice):\n    name = 'refuser'\n"
        "    @gpt_trader.method()\n    def check(self, params: None_, ctx: gpt_trader.StepContext) -> Out:\n"
        "        'Refuse.'\n        raise RefusedByRisk('too large', hint='order less')\n"
    )
    (project / "refused.yaml").write_text("name: refused\nsteps:\n  - one: {slice: refuser, method: check}\n")
    found = shell("run", "refused.yaml")
    assert found.code == 5
    assert "too large" in found.err
    assert "hint: order less" in found.err


def test_what_init_makes_passes_its_own_test(shell, tmp_path):
    folder = tmp_path / "fresh"
    assert shell("init", str(folder)).code == 0
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"],
        cwd=folder, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout


def test_the_command_and_the_python_face_share_a_journal(shell, project):
    script = (
        "import gpt_trader\nwith gpt_trader.TradingOrchestrator() as o:\n    print(o.execute_workflow('three').id)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=project, capture_output=True, text=True, timeout=60, check=True
    )
    assert shell("runs", "show", done.stdout.strip(), "--json").json["status"] == "SUCCEEDED"


def test_a_deleted_folder_is_one_line(project, tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    done = as_shell(f"cd {gone} && rmdir {gone} && gpt-trader status", project)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


def test_a_reader_that_left_does_not_hide_that_a_run_failed(project):
    done = as_shell("gpt-trader run three --fail --json | true; echo ${PIPESTATUS[0]}", project)
    assert done.stdout == "1\n"
    assert as_shell("gpt-trader run three 2>&1 | true; echo ${PIPESTATUS[0]}", project).stdout == "0\n"


def test_a_run_that_the_journal_fails_names_the_command_that_goes_on_with_it(shell):
    failed = shell("run", "three", GPT_TRADER_FAILPOINTS="journal.begin=full@3")
    assert failed.code == 1
    run_id = shell("runs", "list", "--json").json["runs"][0]["id"]
    assert "error: the journal" in failed.err
    assert f"hint: gpt-trader runs resume {run_id}" in failed.err
    assert shell("runs", "resume", run_id).code == 0


def test_a_run_that_is_one_too_many_in_its_group_is_skipped_and_that_is_no_failure(begin, until, shell, project):
    (project / "workflows/alone.yaml").write_text(
        "name: alone\nconcurrency: {group: one, on_conflict: skip}\n"
        "steps: [{one: {slice: desk, method: work, with: {sleep: 3.0}}}]\n"
    )
    going = begin("run", "alone")
    until(lambda document: document["status"] == "RUNNING")
    found = shell("run", "alone")
    assert found.code == 0
    assert found.out.startswith("alone  SKIPPED")
    assert "was skipped: another run of its group was running" in found.err
    assert going.end().code == 0
