"""Agents are outside programs: one JSON task in, one JSON response out, no secrets, and killed when they are late."""

from __future__ import annotations

import json
import stat
import sys
import time
from pathlib import Path
from typing import Any

import jsonschema
import psutil
import pytest

from gpt_trader.workflow.schema import agent_task_schema
from tests.workflow.runhouse import House, workflow
from tests.workflow.test_runner import _until

ANSWER = '{"task_id": task["task_id"], "agent_name": "trend", "status": "success", "result": RESULT}'


def _agent(folder: Path, body: str, name: str = "trend.py") -> Path:
    program = folder / name
    head = f"#!{sys.executable}\nimport json, os, sys, time, subprocess\ntask = json.loads(sys.stdin.readline())\n"
    program.write_text(head + body)
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


def _answer(result: str) -> str:
    return f"print(json.dumps({ANSWER.replace('RESULT', result)}))\n"


def _run(home: House, program: Path, extra: str = "", after: str = "") -> Any:
    text = workflow(
        f'- trend: {{agent: ["{program}", "--fast"], task_type: analyze, data: {{symbol: AAPL}}{extra}}}{after}'
    )
    return home.run(text)


def test_an_agent_gets_one_task_and_gives_one_response(home: House) -> None:
    program = _agent(home.folder, _answer("{'task': task, 'args': sys.argv[1:]}"))
    result = _run(home, program, ", priority: high, timeout: 20")
    assert result.ok, result.error
    told = result.steps["trend"]["result"]
    assert told["args"] == ["--fast"]
    task = told["task"]
    assert task["task_id"].startswith(result.id)
    assert {k: task[k] for k in ("agent_target", "task_type", "priority", "data", "timeout", "retry_count")} == {
        "agent_target": "trend",
        "task_type": "analyze",
        "priority": "high",
        "data": {"symbol": "AAPL"},
        "timeout": 20.0,
        "retry_count": 0,
    }
    jsonschema.validate(task, agent_task_schema())


def test_an_agent_inherits_no_secrets(home: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROKER_KEY", "canary-7311")
    program = _agent(home.folder, _answer("dict(os.environ)"))
    seen = _run(home, program).steps["trend"]["result"]
    assert "canary-7311" not in json.dumps(seen)
    assert set(seen) <= {"PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "GPT_TRADER_TASK"}


def test_an_agent_that_is_late_is_killed_with_its_children(home: House) -> None:
    program = _agent(
        home.folder,
        f"child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"open({str(home.folder / 'pids')!r}, 'w').write(f'{{os.getpid()}} {{child.pid}}')\ntime.sleep(60)\n",
    )
    began = time.monotonic()
    result = _run(home, program, ", timeout: 1.5")
    assert time.monotonic() - began < 6
    assert "did not answer in time" in result.error["message"]
    pids = [int(p) for p in (home.folder / "pids").read_text().split()]
    assert len(pids) == 2
    _until(lambda: not any(psutil.pid_exists(p) and psutil.Process(p).status() != "zombie" for p in pids))


def test_what_an_agent_says_on_stderr_is_heard_while_it_works(home: House, capfd: pytest.CaptureFixture[str]) -> None:
    body = "sys.stderr.write('looking at ' + task['data']['symbol'] + '\\n')\n" + _answer("None")
    assert _run(home, _agent(home.folder, body)).ok
    assert "looking at AAPL\n" in capfd.readouterr().err


@pytest.mark.parametrize("ending", ["late", "cancelled", "flooding"])
def test_a_child_that_left_its_group_and_its_parent_is_killed_too(lite: House, ending: str) -> None:
    pid = lite.folder / "pid"
    last = "while True: sys.stdout.write('x' * 1000000)" if ending == "flooding" else "time.sleep(60)"
    program = _agent(
        lite.folder,
        "if os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n"
        f"        open({str(pid) + '~'!r}, 'w').write(str(os.getpid())); os.rename({str(pid) + '~'!r}, {str(pid)!r})\n"
        f"        os.close(1); time.sleep(60)\n    os._exit(0)\nos.wait()\n"
        f"while not os.path.exists({str(pid)!r}): time.sleep(0.01)\n{last}\n",
    )
    handle = lite.runner.start(
        lite.load(workflow(f'- a: {{agent: ["{program}"], timeout: {2 if ending == "late" else 30}}}'))
    )
    _until(pid.exists)
    if ending == "cancelled":
        handle.cancel()
    assert handle.result(30).status == ("CANCELLED" if ending == "cancelled" else "FAILED")
    child = int(pid.read_text())
    _until(lambda: not psutil.pid_exists(child) or psutil.Process(child).status() == "zombie")


def test_a_child_that_holds_on_to_the_output_of_an_agent_that_has_ended_keeps_nobody_waiting(lite: House) -> None:
    pid = lite.folder / "pid"
    program = _agent(
        lite.folder,
        _answer("1") + "child = subprocess.Popen(['sleep', '60'], start_new_session=True)\n"
        f"open({str(pid)!r}, 'w').write(str(child.pid))\n",
    )
    result = _run(lite, program, ", timeout: 30")
    assert result.steps["trend"]["result"] == 1
    child = int(pid.read_text())
    _until(lambda: not psutil.pid_exists(child) or psutil.Process(child).status() == "zombie")


def test_cancelling_a_run_kills_its_agent(home: House) -> None:
    program = _agent(home.folder, f"open({str(home.folder / 'up')!r}, 'w').close()\ntime.sleep(60)\n")
    handle = home.runner.start(home.load(workflow(f'- a: {{agent: ["{program}"]}}')))
    _until((home.folder / "up").exists)
    handle.cancel()
    assert handle.result(10).status == "CANCELLED"


@pytest.mark.parametrize(
    ("body", "message", "hint"),
    [
        ("print('hello')\n", "answered with no JSON", "it began: 'hello\\n'"),
        ("", "answered with no JSON", "it began: ''"),
        ("sys.stdout.write('{\"task_id\": ')\n", "answered with no JSON", "it began: '{\"task_id\": '"),
        ("print('{}')\n", "is a required property", "see schemas/agent_response.schema.json"),
        ("sys.stderr.write('no data today'); sys.exit(4)\n", "ended with code 4", "no data today"),
        ("sys.stderr.write('e' * 9000 + 'the end'); sys.exit(4)\n", "ended with code 4", "e" * 493 + "the end"),
        ("sys.exit(4)\n", "ended with code 4", None),
        ("os.kill(os.getpid(), 9)\n", "ended with code -9", None),
        ("while True: sys.stdout.write('x' * 1000000)\n", "wrote more than 10,000,000 bytes", "it was stopped"),
        (
            'print(json.dumps({"task_id": "t", "agent_name": "a", "status": "failure", "errors": ["closed"]}))\n',
            "reports: closed",
            None,
        ),
        (
            'print(json.dumps({"task_id": "t", "agent_name": "a", "status": "great"}))\n',
            "is not one of",
            "see schemas/agent_response.schema.json",
        ),
        (
            'print(json.dumps({"task_id": "t", "agent_name": "a", "status": "success"}))\n',
            "answers another task: t",
            "it was given RUN:steps[0]#1",
        ),
        (_answer("float('nan')"), "answered with no JSON: NaN", ...),
        (_answer("0").replace("0}", "'X'}").replace("}))", "}).replace('\"X\"', '-1e999'))"), "-1e999 is beyond", ...),
        ("print('[' * 200_000)\n", "answered with no JSON: maximum recursion depth", ...),
    ],
)
def test_a_program_that_misbehaves_fails_its_step_plainly(lite: House, body: str, message: str, hint: Any) -> None:
    result = _run(lite, _agent(lite.folder, body), ", timeout: 20")
    assert result.status == "FAILED"
    assert message in result.error["message"]
    if hint is not ...:
        assert result.error.get("hint") == (hint and hint.replace("RUN", result.id))


def test_a_program_may_take_several_lines_and_need_not_read_its_task(lite: House) -> None:
    """A task of more than any pipe holds is given to a program that closes its ear at once."""
    program = _agent(lite.folder, "")
    text = program.read_text().replace("task = json.loads(sys.stdin.readline())", "os.close(0)")
    reply = "{'task_id': sys.argv[1], 'agent_name': 'a', 'status': 'success', 'result': 7}"
    program.write_text(text + f"print('\\n' + json.dumps({reply}, indent=4) + '\\n')\n")
    data = "{many: '${{ inputs.many }}'}"
    head = "inputs: {many: {type: string}}"
    step = f'- a: {{agent: ["{program}", "${{{{ run.id }}}}:steps[0]#1"], data: {data}, timeout: 20}}'
    result = lite.run(workflow(step, head=head), {"many": "x" * 3_000_000})
    assert result.ok, result.error
    assert result.steps["a"]["result"] == 7


@pytest.mark.parametrize("name", ["$artifact", "$bars", "\\u0024artifact", "\\u0024b\\u0061rs"])
def test_a_response_names_no_artifact_however_its_json_is_written(lite: House, name: str) -> None:
    head = '{"task_id": "t", "agent_name": "a", "status": "success", "result": [{"deep": '
    body = head + '{"' + name + '": "' + "a" * 64 + '", "kind": "parquet", "size": 1}}]}'
    result = _run(lite, _agent(lite.folder, f"print({body!r})\n"), ", timeout: 20")
    assert result.status == "FAILED"
    assert "must not name artifacts" in result.error["message"]


def test_a_program_that_is_not_there_is_named(lite: House) -> None:
    result = _run(lite, lite.folder / "missing.py")
    assert "cannot be started: No such file or directory" in result.error["message"]
    assert result.error["hint"] == "is the path right, and the file executable?"


def test_a_command_that_no_system_takes_fails_its_step_plainly(lite: House) -> None:
    result = lite.run(workflow('- a: {agent: ["/bin/echo", "a\\0b"]}'))
    assert result.error["message"] == "step 'a' failed: /bin/echo cannot be started: embedded null byte"


def test_an_agent_is_retried_and_told_so(lite: House) -> None:
    program = _agent(lite.folder, "if task['retry_count'] == 0: sys.exit(1)\n" + _answer("task['retry_count']"))
    assert _run(lite, program, ", retry: {max_attempts: 2, delay: 0}").steps["trend"]["result"] == 1
