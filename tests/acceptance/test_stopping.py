"""The first Ctrl-C or SIGTERM is heard in every state of a run, soon, and the run goes on from there."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

AGENT = """
import json, sys, time
task = json.load(sys.stdin)
time.sleep(2)
print(json.dumps({"task_id": task["task_id"], "agent_name": "a", "status": "success"}))
"""
STATES = {
    "approval": "- s: {approval: {message: Shall we?, timeout: 2s, on_timeout: approve}}",
    "wait": "- s: {wait: {for: 2s}}",
    "event": "- s: {wait: {event: {topic: a.b, timeout: 2s}}, on_error: continue}",
    "loop": "- s: {trigger: {topic: a.b, idle: 2s}, steps: [{w: {slice: desk, method: work}}]}",
    "pause": "- s: {slice: desk, method: work, with: {fail: true}, on_error: continue, "
    "retry: {max_attempts: 2, delay: 2s, jitter: false}}",
    "parallel": "- s: {parallel: {branches: {a: [{w: {slice: desk, method: work, with: {sleep: 2.0}}}], "
    "b: [{w: {wait: {for: 2s}}}]}}}",
    "processes": "- s: {foreach: {in: [1, 2], executor: processes}, "
    "steps: [{w: {slice: desk, method: work, with: {sleep: 2.0}}}]}",
    "group": "- s: {steps: [{w: {slice: desk, method: work, with: {sleep: 2.0}}}]}",
    "agent": "- s: {agent: [PYTHON, AGENT]}",
}
AFTER = "  - after: {slice: desk, method: work}\n"


@pytest.mark.parametrize(
    ("state", "number"), [*((state, signal.SIGINT) for state in sorted(STATES)), ("approval", signal.SIGTERM)]
)
def test_it_stops_in_every_state_and_goes_on_from_there(state: str, number: int, project: Path, begin, shell, until):
    (project / "agent.py").write_text(AGENT)
    text = STATES[state].replace("PYTHON", sys.executable).replace("AGENT", str(project / "agent.py"))
    (project / "workflows" / "state.yaml").write_text(f"name: state\nsteps:\n  {text}\n{AFTER}")
    going = begin("run", "state")
    until(lambda document: any(s["path"].startswith("steps[0]") for s in document["steps"]))
    time.sleep(0.5)
    going.signal(number)
    found = going.end()
    assert found.code == 130, found.err
    document = shell("runs", "show", "latest", "--json").json
    assert (document["status"], document["reason"]) == ("WAITING", "interrupted")
    assert not [s for s in document["steps"] if s["name"] == "after"], "nothing new begins"
    resumed = shell("runs", "resume", "latest", "--json").json
    assert resumed["status"] == "SUCCEEDED"
    assert [s["name"] for s in resumed["steps"]][-1] == "after"


def test_the_second_signal_ends_the_agent_that_is_waited_for_too(project: Path, begin, shell, until):
    (project / "agent.py").write_text("import os, time\nopen('pid', 'w').write(str(os.getpid()))\ntime.sleep(60)\n")
    steps = f'- s: {{agent: ["{sys.executable}", "{project / "agent.py"}"]}}'
    (project / "workflows" / "state.yaml").write_text(f"name: state\nsteps:\n  {steps}\n")
    going = begin("run", "state")
    until(lambda document: (project / "pid").exists() and (project / "pid").read_text() != "")
    going.signal(signal.SIGINT)
    time.sleep(0.5)
    going.signal(signal.SIGINT)
    assert going.end().code == 130
    agent = int((project / "pid").read_text())
    assert not psutil.pid_exists(agent) or psutil.Process(agent).status() == "zombie"


HURRIED = """
from gpt_trader.cli import conduct, main
conduct._STOP_SECONDS = 1.0
main.main()
"""


@pytest.mark.parametrize("deaf", [False, True])
def test_an_agent_that_is_not_done_in_time_ends_and_its_run_is_left_in_its_step(
    project: Path, shell, until, deaf: bool
) -> None:
    """The program waits 20 seconds; here it waits one."""
    ignore = "import signal\nfor n in (1, 2, 15): signal.signal(n, signal.SIG_IGN)\n" if deaf else ""
    child = "[sys.executable, '-c', 'import time; time.sleep(60)']"
    (project / "agent.py").write_text(
        f"{ignore}import os, subprocess, sys, time\nif os.path.exists('go'):\n    exec(open('answer.py').read())\n"
        f"child = subprocess.Popen({child})\nopen('pids', 'w').write(f'{{os.getpid()}} {{child.pid}} .')\n"
        "time.sleep(60)\n"
    )
    (project / "answer.py").write_text(AGENT.replace("time.sleep(2)", "") + "sys.exit(0)\n")
    steps = f'- s: {{agent: ["{sys.executable}", "{project / "agent.py"}"]}}\n{AFTER}'
    (project / "workflows" / "state.yaml").write_text(f"name: state\nsteps:\n  {steps}")
    going = subprocess.Popen([sys.executable, "-c", HURRIED, "run", "state"], stderr=subprocess.PIPE, text=True)
    until(lambda document: (project / "pids").exists() and "." in (project / "pids").read_text())
    began = time.monotonic()
    going.send_signal(signal.SIGTERM)
    told = going.communicate(timeout=30)[1]
    assert going.returncode == 130
    assert 1.0 <= time.monotonic() - began < 15
    document = shell("runs", "show", "latest", "--json").json
    assert f"run {document['id']} was left in its step" in told
    assert f"gpt-trader runs resume {document['id']}" in told
    for pid in (project / "pids").read_text().split()[:2]:
        assert not psutil.pid_exists(int(pid)) or psutil.Process(int(pid)).status() == "zombie"
    (project / "go").touch()
    resumed = shell("runs", "resume", "latest", "--json").json
    assert resumed["status"] == "SUCCEEDED"
    assert [s["name"] for s in resumed["steps"]][-1] == "after"


@pytest.mark.parametrize(("before", "blocks"), [(0, 1), (0, 64), (1, 1), (1, 12), (1, 24), (1, 36)])
def test_a_disk_that_takes_no_more_is_told_in_a_line_and_nothing_that_was_acknowledged_is_lost(
    project: Path, shell, before: int, blocks: int
) -> None:
    """No file may grow beyond so many blocks: writes fail in the middle, as they do on a full disk."""
    from tests.acceptance.conftest import as_shell

    for _ in range(before):
        assert shell("run", "three").code == 0
    done = as_shell(f"ulimit -f {blocks}; gpt-trader run three --json; exit $?", project)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert "disk" in json.loads(done.stdout)["error"]["message"]
    assert shell("doctor").code == 0, "the journal is whole"
    runs = shell("runs", "list", "--json").json["runs"]
    if runs and runs[0]["status"] != "SUCCEEDED":
        assert shell("runs", "resume", "latest").code == 0
    assert shell("run", "three").code == 0
