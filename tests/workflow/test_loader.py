"""What a workflow file may say, what becomes of it, and that every mistake is told with its place."""

# ruff: noqa: E501 - one mistake, one line

from pathlib import Path

import pytest

from gpt_trader.core.errors import NotFound
from gpt_trader.workflow import definition as d
from gpt_trader.workflow.faults import FaultsFound
from gpt_trader.workflow.loader import load, load_file, load_or_raise
from tests.workflow.house import catalog

CATALOG = catalog()
FETCH = "{slice: data, method: get_historical, with: {symbols: [AAPL]}}"


def read(text, others=None):
    found = dict(others or {})
    return load_or_raise(
        text, file="w.yaml", catalog=CATALOG, find=lambda n: (found[n], f"{n}.yaml") if n in found else None
    )


def faults(text, others=None):
    found = dict(others or {})
    loaded = load(text, file="w.yaml", catalog=CATALOG, find=lambda n: (found[n], f"{n}.yaml") if n in found else None)
    assert loaded.faults
    assert loaded.workflow is None
    return loaded.faults


def steps(body, head=""):
    return f"name: w\n{head}steps:\n" + "".join(f"  - {line}\n" for line in body)


def only(*body, head="", others=None):
    found = faults(steps(body, head), others)
    assert len(found) == 1, found
    return found[0]


# --- the shapes of the specification ---------------------------------------------------------------------------------

SHAPE_A = """\
name: simple_backtest                 # (a) steps that name a slice and a method
inputs: {symbols: {type: array, default: [AAPL]}}
steps:
  - fetch_data: {slice: data, method: get_historical}
"""
SHAPE_B = """\
name: paper_trading                   # (b) a loop over market data, steps by bare name
mode: real-time
steps:
  - initialize: {slices: [data, monitor, paper_trade]}
  - market_loop: {trigger: market_data_update, steps: [analyze_market, check_signals, validate_risk, execute_trade, update_portfolio, log_metrics]}
"""
SHAPE_C = """\
name: live_trading                    # (c) groups by phase
mode: real-time
safety: maximum
steps:
  - pre_market: [system_health_check, load_positions, validate_config]
  - market_hours: [real_time_data_stream, signal_generation, risk_validation, order_execution, position_management]
  - post_market: [reconciliation, performance_report, next_day_prep]
"""
FULL = """\
# yaml-language-server: $schema=../schemas/workflow.schema.json
name: momentum
description: one line
mode: backtest                        # backtest | paper | live; `real-time` takes paper or live from the command line
safety: standard                      # standard | maximum
inputs:
  symbols: {type: array, items: {type: string}, default: [AAPL, MSFT]}
  cash: {type: number, default: 100000, exclusiveMinimum: 0}
secrets: [BROKER_KEY]
triggers:
  - schedule: {cron: "30 9 * * 1-5", timezone: America/New_York, calendar: XNYS, overlap: skip, catch_up: latest}
  - event: {topic: market.data.updated, if: "${{ event.symbol in inputs.symbols }}"}
  - files: {path: downloads/, glob: "*.png", settle: 2s}
  - interval: {every: 5m}
concurrency: {group: "${{ inputs.account }}", limit: 1, on_conflict: queue}    # queue | skip | replace
defaults: {timeout: 60s, retry: {max_attempts: 3, backoff: exponential, delay: 1s, max_delay: 30s, jitter: true}}
steps:
  - fetch_data: {slice: data, method: get_historical, with: {symbols: "${{ inputs.symbols }}"}, cache: {ttl: 1h}}
  - look: {parallel: {max: 2, branches: {tech: [find_patterns], regime: [detect_regime]}}}
  - per_symbol: {foreach: {in: "${{ inputs.symbols }}", as: symbol, max: 8, executor: processes}, steps: [score]}
  - decide:
      switch:
        - if: "${{ steps.per_symbol.best > 0.7 }}"
          steps:
            - gate: {approval: {timeout: 10m, on_timeout: reject}}
            - order: {slice: paper_trade, method: place_order, effect: once, reconcile: find_order}
        - else: [log_skip]
on_failure: [notify]
finally: [save_report]
"""


def test_shape_a_names_a_slice_and_a_method():
    (step,) = read(SHAPE_A).steps
    assert isinstance(step, d.Action)
    assert (step.name, step.path, step.line, step.slice, step.method) == (
        "fetch_data", "steps[0]", 4, "data", "get_historical",
    )  # fmt: skip


def test_shape_b_loops_over_market_data():
    workflow = read(SHAPE_B)
    prepare, loop = workflow.steps
    assert workflow.mode == "real-time"
    assert isinstance(prepare, d.Prepare)
    assert prepare.slices == ("data", "monitor", "paper_trade")
    assert isinstance(loop, d.Loop)
    assert loop.topic == "market.data.updated"
    assert [s.name for s in loop.steps][3:] == ["execute_trade", "update_portfolio", "log_metrics"]
    assert loop.steps[3].effect == "once"
    assert loop.steps[0].path == "steps[1].loop.steps[0]"


def test_shape_c_groups_by_phase():
    workflow = read(SHAPE_C)
    assert workflow.safety == "maximum"
    assert [type(s) for s in workflow.steps] == [d.Group] * 3
    assert workflow.steps[1].steps[3].path == "steps[1].steps[3]"


def test_the_full_form():
    workflow = read(FULL)
    fetch, look, each, decide = workflow.steps
    assert isinstance(fetch, d.Action)
    assert (fetch.timeout, fetch.retry.max_attempts, fetch.cache_ttl) == (60.0, 3, 3600.0)
    assert fetch.params == {"symbols": "${{ inputs.symbols }}"}
    assert isinstance(look, d.Parallel)
    assert (look.max, [b.name for b in look.branches]) == (2, ["tech", "regime"])
    assert look.branches[0].steps[0].path == "steps[1].parallel.tech[0]"
    assert isinstance(each, d.Foreach)
    assert (each.items, each.var, each.max, each.executor) == ("${{ inputs.symbols }}", "symbol", 8, "processes")
    assert each.steps[0].path == "steps[2].foreach.steps[0]"
    assert isinstance(decide, d.Switch)
    gate, order = decide.cases[0].steps
    assert isinstance(gate, d.Approval)
    assert (gate.wait, gate.on_timeout, gate.timeout) == (600.0, "reject", None)
    assert isinstance(order, d.Action)
    assert (order.effect, order.reconcile, order.retry.max_attempts) == ("once", "find_order", 1)
    assert decide.cases[1].when is None
    assert decide.cases[1].steps[0].path == "steps[3].switch[1].steps[0]"


def test_the_full_form_beside_its_steps():
    workflow = read(FULL)
    assert workflow.on_failure[0].path == "on_failure[0]"
    assert workflow.finally_[0].path == "finally[0]"
    assert workflow.concurrency == d.Concurrency(group="${{ inputs.account }}")
    assert workflow.secrets == ("BROKER_KEY",)
    kinds = {t.kind: t.options for t in workflow.triggers}
    assert kinds["files"] == {"path": "downloads/", "glob": "*.png", "settle": 2.0}
    assert kinds["interval"] == {"every": 300.0}
    assert kinds["schedule"]["overlap"] == "skip"


@pytest.mark.parametrize("text", [SHAPE_A, SHAPE_B, SHAPE_C, FULL])
def test_a_loaded_workflow_survives_being_stored(text):
    workflow = read(text)
    assert d.Workflow.from_json(workflow.text) == workflow
    assert workflow.hash == read(text).hash


def test_account_is_an_input_that_nobody_need_declare():
    assert read(FULL).inputs["account"]["default"] == "default"
    assert "account" not in read(SHAPE_A).inputs


# --- what each kind becomes ------------------------------------------------------------------------------------------


def test_every_kind_of_step_may_say_when_how_long_and_what_if():
    common = "if: true, timeout: 5m, retry: {max_attempts: 2, delay: 0s}, effect: none, on_error: continue"
    body = [
        f"a: {{slice: data, method: get_historical, with: {{symbols: [A]}}, {common}}}",
        f"b: {{slices: [data], {common}}}",
        f"c: {{steps: [log_skip], {common}}}",
        f"d: {{parallel: {{branches: {{x: [log_skip]}}}}, {common}}}",
        f"e: {{foreach: {{in: [1, 2]}}, steps: [log_skip], {common}}}",
        f"f: {{switch: [{{else: [log_skip]}}], {common}}}",
        f"g: {{trigger: market_data_update, steps: [log_skip], {common}}}",
        f"h: {{approval: {{message: ok?}}, {common}}}",
        f"i: {{wait: {{for: 1.5}}, {common}}}",
        f"j: {{workflow: inner, {common}}}",
        f"k: {{agent: [./x.py, --fast], task_type: report, priority: high, data: {{n: 1}}, {common}}}",
    ]
    made = read(steps(body), {"inner": "name: inner\nsteps: [log_skip]\n"}).steps
    assert [s.kind for s in made] == (
        ["action", "slices", "group", "parallel", "foreach", "switch", "loop", "approval", "wait", "workflow", "agent"]
    )
    for step in made:
        assert (step.when, step.timeout, step.on_error) == ("true", 300.0, "continue"), step.kind
        assert (step.retry.max_attempts, step.retry.delay) == (2, 0.0), step.kind
    agent = made[-1]
    assert isinstance(agent, d.Agent)
    assert (agent.command, agent.task_type, agent.priority, agent.data) == (
        ("./x.py", "--fast"),
        "report",
        "high",
        {"n": 1},
    )


def test_defaults_reach_actions_and_agents_but_no_step_that_waits():
    head = "defaults: {timeout: 7s, retry: {max_attempts: 4, delay: 2s}, on_error: pause}\n"
    body = [
        f"a: {FETCH}",
        "b: {agent: [x]}",
        "c: {approval: {}}",
        "d: [log_skip]",
        "e: {slice: paper_trade, method: place_order}",
        "f: {slice: data, method: get_historical, with: {symbols: []}, retry: {max_attempts: 2}, timeout: 1s}",
    ]
    a, b, c, group, e, f = read(steps(body, head)).steps
    for step in (a, b, group.steps[0]):
        assert (step.timeout, step.retry.max_attempts, step.retry.delay, step.on_error) == (7.0, 4, 2.0, "pause")
    assert (c.timeout, c.retry.max_attempts, c.on_error) == (None, 1, "fail")
    assert (e.timeout, e.retry.max_attempts, e.effect) == (7.0, 1, "once")
    assert (f.timeout, f.retry.max_attempts, f.retry.delay) == (1.0, 2, 2.0)


def test_a_step_takes_the_effect_that_its_method_declares():
    a, b, c = read(steps(["order_execution", "a: {slice: paper_trade, method: place_order}", f"b: {FETCH}"])).steps
    assert (a.effect, b.effect, c.effect) == ("once", "once", "none")


def test_the_long_form_of_a_loop():
    trigger = (
        "{topic: order.*, if: event.x > 1, until: steps.o.order_id == event.id, max: 5, idle: 2s, checkpoint_every: 3}"
    )
    (loop,) = read(steps([f"l: {{trigger: {trigger}, steps: [o: {{slice: paper_trade, method: place_order}}]}}"])).steps
    assert isinstance(loop, d.Loop)
    assert (loop.topic, loop.event_if, loop.max_events, loop.idle, loop.checkpoint_every) == (
        "order.*",
        "event.x > 1",
        5,
        2.0,
        3,
    )
    assert loop.until == "steps.o.order_id == event.id"


def test_the_three_ways_to_wait():
    body = [
        "a: {wait: {for: 1h30m}}",
        'b: {wait: {until: "15:30 America/New_York"}}',
        "c: {wait: {until: 2026-11-20T15:30:00Z}}",
        "e: {wait: {event: {topic: trade.executed, if: event.qty > 1, timeout: 1d}}}",
    ]
    a, b, c, e = read(steps(body)).steps
    assert a.seconds == 5400.0
    assert b.until == "15:30 America/New_York"
    assert c.until == "2026-11-20T15:30:00Z"
    assert (e.topic, e.event_if, e.wait) == ("trade.executed", "event.qty > 1", 86400.0)


def test_a_topic_of_a_loop_may_be_written_out():
    (loop,) = read(steps(["l: {trigger: trade.executed, steps: [log_skip]}"])).steps
    assert loop.topic == "trade.executed"


# --- sub-workflows ---------------------------------------------------------------------------------------------------

INNER = "name: inner\ninputs: {symbols: {type: array}}\nsteps:\n  - get: {slice: data, method: get_historical}\n  - find_patterns\n"


def test_a_sub_workflow_is_embedded_below_the_path_of_its_step():
    step = read(
        steps(
            ["sub: {workflow: inner, with: {symbols: [A]}}", "use: {if: size(steps.sub.patterns) > 0, slices: [data]}"]
        ),
        {"inner": INNER},
    ).steps[0]
    assert isinstance(step, d.SubWorkflow)
    assert step.params == {"symbols": ["A"]}
    assert [s.path for s in step.workflow.steps] == ["steps[0].workflow.steps[0]", "steps[0].workflow.steps[1]"]


def test_inputs_of_a_sub_workflow_are_wired_by_name():
    head = "inputs: {symbols: {type: array}}\n"
    assert read(steps(["sub: {workflow: inner}"], head), {"inner": INNER})
    assert only("sub: {workflow: inner}", others={"inner": INNER}).code == "missing-param"


def test_faults_of_a_sub_workflow_name_its_own_file():
    found = only("sub: {workflow: inner}", others={"inner": "name: inner\nsteps:\n  - nonsense\n"})
    assert (found.file, found.line, found.code, found.source) == ("inner.yaml", 3, "unknown-method", "  - nonsense")


def test_safety_maximum_reaches_into_sub_workflows():
    inner = "name: inner\nsteps:\n  - o: {slice: paper_trade, method: place_order, effect: none}\n"
    assert read(steps(["sub: {workflow: inner}"]), {"inner": inner})
    found = only("sub: {workflow: inner}", head="safety: maximum\n", others={"inner": inner})
    assert (found.file, found.code) == ("inner.yaml", "safety-effect")


@pytest.mark.parametrize(("with_", "code"), [("{symbls: [A]}", "unknown-param"), ("{symbols: 5}", "wrong-param")])
def test_what_a_sub_workflow_is_given_is_checked(with_, code):
    assert code in {f.code for f in faults(steps([f"sub: {{workflow: inner, with: {with_}}}"]), {"inner": INNER})}


def test_workflows_that_contain_one_another_are_refused():
    others = {"a": "name: a\nsteps:\n  - s: {workflow: b}\n", "b": "name: b\nsteps:\n  - s: {workflow: a}\n"}
    found = only("s: {workflow: a}", others=others)
    assert found.code == "workflow-cycle"
    assert "a > b > a" in found.message
    assert only("s: {workflow: w}", others={"w": ""}).code == "workflow-cycle"


def test_workflows_nest_only_so_deep():
    others = {f"w{i}": f"name: w{i}\nsteps:\n  - s: {{workflow: w{i + 1}}}\n" for i in range(30)}
    assert only("s: {workflow: w0}", others=others).code == "workflow-depth"


def test_a_workflow_that_nobody_has():
    assert only("s: {workflow: other}").code == "unknown-workflow"


def test_the_hint_of_whoever_looks_workflows_up_is_kept():
    def find(name):
        raise NotFound.among("workflow", name, ["momentum"])

    loaded = load(steps(["s: {workflow: momentm}"]), file="w.yaml", catalog=CATALOG, find=find)
    assert loaded.faults[0].hint == "did you mean 'momentum'?"


# --- mistakes --------------------------------------------------------------------------------------------------------

WRONG_STEPS = [
    ("nonsense", "unknown-method", "nonsense", None),
    ("detct_regime", "unknown-method", "detct_regime", "did you mean 'detect_regime'"),
    ("find_order", "ambiguous-method", "find_order", "write {slice: paper_trade"),
    ("a: {slice: dta, method: get_historical}", "unknown-slice", "dta", "did you mean 'data'?"),
    ("a: {slice: data, method: get_history}", "unknown-method", "get_history", "did you mean 'get_historical'?"),
    ("a: {slice: data}", "missing-key", "{slice", None),
    ("a: {slice: data, mthod: x}", "missing-key", "{slice", None),
    ("a: {slice: 5, method: x}", "wrong-type", "5", None),
    ("a: {slices: []}", "empty", "[]", None),
    ("a: {slices: [data, data]}", "twice", "[data", None),
    ("a: {slices: [dta]}", "unknown-slice", "dta", "did you mean 'data'?"),
    ("a: {slice: data, wait: {for: 1s}}", "two-kinds", "wait", None),
    ("a: {foreach: {in: [1]}, trigger: x.y, steps: [log_skip]}", "two-kinds", "trigger", None),
    ("a: {}", "no-kind", "{}", "give it one of slice,"),
    ("a: {timeout: 5s}", "no-kind", "{timeout", None),
    ("a: {wiat: {for: 1s}}", "unknown-key", "wiat", "did you mean 'wait'"),
    ("a: {wait: {for: 1s}, retyr: {}}", "unknown-key", "retyr", "did you mean 'retry'?"),
    ("a: {wait: {for: 1s}, with: {}}", "unused-key", "with", None),
    ("a: {steps: [log_skip], cache: {ttl: 1s}}", "unused-key", "cache", None),
    ("a: 5", "bad-step", "5", None),
    ("a:", "bad-step", None, None),
    ("5", "bad-step", "5", None),
    ("[log_skip]", "bad-step", "[log", None),
    ("{a: [log_skip], b: [log_skip]}", "bad-step", "{a", "check the indentation"),
    ("{}", "bad-step", "{}", None),
    ("a b: [log_skip]", "bad-name", "a b", None),
    ("a: []", "empty", "[]", None),
    ("a: {steps: []}", "empty", "[]", None),
    ("a: {steps: log_skip}", "wrong-type", "log_skip", None),
    ("a: {wait: {for: 10 s}}", "wrong-form", "10 s", None),
    ("a: {wait: {for: 10}, timeout: 0}", "out-of-range", "0}", None),
    ("a: {wait: {for: 9999d}}", "out-of-range", "9999d", None),
    ("a: {wait: {for: 0s}}", "out-of-range", "0s", None),
    ("a: {wait: {for: true}}", "wrong-type", "true", None),
    ("a: {wait: {}}", "empty", "{}", None),
    ("a: {wait: {for: 1s, until: '15:30 UTC'}}", "too-many-keys", "{for", None),
    ("a: {wait: {until: '25:30 UTC'}}", "wrong-form", "'25", None),
    ("a: {wait: {until: '15:30 Mars/Base'}}", "wrong-form", "'15", None),
    ("a: {wait: {until: '2026-11-20T15:30:00'}}", "wrong-form", "'2026", None),
    ("a: {wait: {event: {if: true}}}", "missing-key", "{if", None),
    ("a: {wait: {event: {topic: 'Trade Done'}}}", "wrong-form", "'Trade", None),
    ("a: {trigger: market_dta_update, steps: [log_skip]}", "unknown-trigger", "market_dta", "did you mean 'market_data_update'"),
    ("a: {trigger: market_data_update}", "missing-key", "{trigger", None),
    ("a: {trigger: {max: 1}, steps: [log_skip]}", "missing-key", "{max", None),
    ("a: {trigger: {topic: a.b, max: 0}, steps: [log_skip]}", "out-of-range", "0}", None),
    ("a: {foreach: {as: x}, steps: [log_skip]}", "missing-key", "{as", None),
    ("a: {foreach: {in: 5}, steps: [log_skip]}", "wrong-type", "5", None),
    ("a: {foreach: {in: [1], as: steps}, steps: [log_skip]}", "bad-name", "steps}", None),
    ("a: {foreach: {in: [1], as: a-b}, steps: [log_skip]}", "wrong-form", "a-b", None),
    ("a: {foreach: {in: [1], executor: fibers}, steps: [log_skip]}", "not-allowed", "fibers", None),
    ("a: {parallel: {branches: {}}}", "empty", "{}}", None),
    ("a: {parallel: {branches: {'x y': [log_skip]}}}", "bad-name", "'x y'", None),
    ("a: {parallel: {branches: {x: []}}}", "empty", "[]", None),
    ("a: {parallel: {branches: {x: [log_skip]}, mx: 1}}", "unknown-key", "mx", "did you mean 'max'?"),
    ("a: {switch: []}", "empty", "[]", None),
    ("a: {switch: [{else: [log_skip]}, {if: true, steps: [log_skip]}]}", "else-not-last", "{else", None),
    ("a: {switch: [{if: true}]}", "bad-case", "{if", None),
    ("a: {switch: [{if: true, steps: [log_skip], else: [log_skip]}]}", "bad-case", "{if", None),
    ("a: {switch: [{}]}", "bad-case", "{}", None),
    ("a: {approval: {on_timeout: maybe}}", "not-allowed", "maybe", None),
    ("a: {approval: }", "wrong-type", None, None),
    ("a: {agent: ./x.py}", "wrong-type", "./x.py", None),
    ("a: {agent: []}", "empty", "[]", None),
    ("a: {agent: [x], priority: urgent}", "not-allowed", "urgent", None),
    ("a: {agent: [x], task_type: analyse}", "not-allowed", "analyse", "did you mean 'analyze'?"),
    ("a: {slices: [data], if: 5}", "wrong-type", "5", None),
    ("a: {slices: [data], on_error: ignore}", "not-allowed", "ignore", None),
    ("a: {slices: [data], retry: {max_attempts: two}}", "wrong-type", "two", None),
    ("a: {slices: [data], retry: 3}", "wrong-type", "3", None),
    # params
    ("a: {slice: data, method: get_historical, with: {symbols: [A], dys: 3}}", "unknown-param", "dys", "did you mean 'days'?"),
    ("a: {slice: data, method: get_historical, with: {symbols: A}}", "wrong-param", "A}", None),
    ("a: {slice: data, method: get_historical, with: {symbols: [A, 5]}}", "wrong-param", "5", None),
    ("a: {slice: data, method: get_historical, with: {symbols: [A], days: 0}}", "wrong-param", "0", None),
    ("a: {slice: data, method: get_historical, with: {symbols: [A], days: '3'}}", "wrong-param", "'3'", None),
    ("a: {slice: data, method: get_historical, with: {symbols: [A], source: web}}", "wrong-param", "web", None),
    ("a: {slice: data, method: get_historical, with: [symbols]}", "wrong-type", "[symbols", None),
    ("a: {slice: data, method: get_historical}", "missing-param", "a:", "give it in `with`"),
    ("get_historical", "missing-param", "get_historical", None),
    # effects
    ("a: {slice: paper_trade, method: place_order, retry: {max_attempts: 3}}", "retry-of-effect", "retry", None),
    ("a: {retry: {max_attempts: 2}, steps: [{g: [{o: {slice: paper_trade, method: place_order}}]}]}", "retry-of-effect", "retry", "remove `retry`"),
    ("a: {slice: paper_trade, method: place_order, cache: {ttl: 1h}}", "cache-of-effect", "cache", None),
    ("a: {slice: paper_trade, method: place_order, reconcile: find_ordr}", "unknown-method", "find_ordr", "did you mean 'find_order'?"),
    ("a: {slice: paper_trade, method: place_order, effect: none, reconcile: find_order}", "unused-key", "reconcile", None),
    ("a: {slice: paper_trade, method: place_order, effect: twice}", "not-allowed", "twice", None),
    # expressions
    ("a: {slices: [data], if: 'steps.b.x > 1'}", "unknown-step", "steps.b", None),
    ("a-b: {slices: [data], if: 'steps.a-b.prepared == 1'}", "unknown-step", "steps.a", "write steps['a-b']"),
    ("a: {slices: [data], if: 'inputs.n > 1'}", "unknown-input", "inputs.n", "declare it under `inputs`"),
    ("a: {slices: [data], if: 'input.n > 1'}", "unknown-name", "input.n", "did you mean 'inputs'?"),
    ("a: {slices: [data], if: 'item > 1'}", "unknown-name", "item", "`item` exists inside a foreach alone"),
    ("a: {slices: [data], if: 'event.x > 1'}", "unknown-name", "event", "`event` exists inside a loop over events alone"),
    ("a: {slices: [data], if: 'run.idd == 1'}", "unknown-name", "run", "did you mean 'id'?"),
    ("a: {slices: [data], if: '1 +'}", "bad-expression", None, None),
    ("a: {slices: [data], if: 'nope(1)'}", "bad-expression", None, None),
    ("a: {agent: [x], data: ['${{ nope(1) }}']}", "bad-expression", None, None),
    ("a: {slices: [data], retry: {delay: 9999d}}", "out-of-range", "9999d", None),
    ("a: {slices: [data], if: '${{ true'}", "bad-expression", "${{", None),
    ("a: {approval: {message: 'x ${{ steps.b }}'}}", "unknown-step", "steps.b", None),
    ("a: {agent: [x], data: {n: ['${{ steps.b }}']}}", "unknown-step", "steps.b", None),
    ("a: {foreach: {in: '${{ inputs.n }}'}, steps: [log_skip]}", "unknown-input", "inputs.n", None),
    ("a: {foreach: {in: ['${{ inputs.n }}']}, steps: [log_skip]}", "unknown-input", "inputs.n", None),
    ("a: {switch: [{if: steps.b.x, steps: [log_skip]}]}", "unknown-step", "steps.b", None),
    ("a: {wait: {until: '${{ steps.b.x }}'}}", "unknown-step", "steps.b", None),
    ("a: {wait: {event: {topic: a.b, if: evnt.x > 1}}}", "unknown-name", "evnt", "did you mean 'event'?"),
    ("a: {trigger: {topic: a.b, if: evnt.x > 1}, steps: [log_skip]}", "unknown-name", "evnt", "did you mean 'event'?"),
    ("a: {trigger: {topic: a.b, until: steps.nope.x}, steps: [log_skip]}", "unknown-step", "steps.nope", None),
]  # fmt: skip


@pytest.mark.parametrize(("step", "code", "at", "hint"), WRONG_STEPS, ids=[w[0] for w in WRONG_STEPS])
def test_a_mistake_in_a_step(step, code, at, hint):
    found = [f for f in faults(steps([step])) if f.code == code]
    assert found, faults(steps([step]))
    line = f"  - {step}"
    assert (found[0].line, found[0].source) == (3, line)
    if at is not None:
        assert line[found[0].col - 1 :].startswith(at), line[found[0].col - 1 :]
    if hint is not None:
        assert hint in (found[0].hint or "")


WRONG_HEADS = [
    ("name: 'a b'", "wrong-form", 1),
    ("mode: papr", "not-allowed", 2),
    ("safety: high", "not-allowed", 2),
    ("stpes: []", "unknown-key", 2),
    ("secrets: [a b]", "wrong-form", 2),
    ("secrets: {A: secret}", "wrong-type", 2),
    ("description: 5", "wrong-type", 2),
    ("inputs: {n: {type: integr}}", "not-allowed", 2),
    ("inputs: {n: {typ: integer}}", "unknown-key", 2),
    ("inputs: {n: {type: integer, default: x}}", "wrong-default", 2),
    ("inputs: {n: {type: array, items: {type: string}, default: [1]}}", "wrong-default", 2),
    ("inputs: {n: {type: string, pattern: '['}}", "wrong-form", 2),
    ("inputs: {n: {type: array, items: {type: string, pattern: '('}}}", "wrong-form", 2),
    ("inputs: {'n-m': {}}", "bad-name", 2),
    ("inputs: {n: 5}", "wrong-type", 2),
    ("inputs: [n]", "wrong-type", 2),
    ("defaults: {timeout: 10 sec}", "wrong-form", 2),
    ("defaults: {timeout: 5000d}", "out-of-range", 2),
    ("defaults: {retries: 3}", "unknown-key", 2),
    ("concurrency: {limit: 1}", "missing-key", 2),
    ("concurrency: {group: '${{ inputs.x }}'}", "unknown-input", 2),
    ("concurrency: {group: '${{ steps.x }}'}", "unknown-name", 2),
    ("concurrency: {group: '${{ 1 + }}'}", "bad-expression", 2),
    ("concurrency: {group: g, on_conflict: wait}", "not-allowed", 2),
    ("concurrency: {group: g, limit: 0}", "out-of-range", 2),
    ("triggers: [{}]", "empty", 2),
    ("triggers: [{cron: x}]", "unknown-key", 2),
    ("triggers: [{interval: {every: 1m}, files: {path: x}}]", "too-many-keys", 2),
    ("triggers: [{interval: {every: 5 min}}]", "wrong-form", 2),
    ("triggers: [{schedule: {cron: '* * * *'}}]", "wrong-form", 2),
    ("triggers: [{schedule: {cron: '60 * * * *'}}]", "wrong-form", 2),
    ("triggers: [{schedule: {cron: '* * * * mon', timezone: Mars/Base}}]", "wrong-form", 2),
    ("triggers: [{schedule: {cron: '* * * * *', overlap: run}}]", "not-allowed", 2),
    ("triggers: [{schedule: {cron: '* * * * *', with: {n: 1}}}]", "unknown-input", 2),
    ("triggers: [{event: {topic: a.b, if: 'event.x > inputs.n'}}]", "unknown-input", 2),
    ("triggers: [{event: {topic: a.b, if: '1 +'}}]", "bad-expression", 2),
    ("triggers: [{files: {glob: '*'}}]", "missing-key", 2),
    ("on_failure: []", "empty", 2),
    ("on_failure: [nonsense]", "unknown-method", 2),
    ("finally: [{a: {slices: [data], if: steps.b.x}}]", "unknown-step", 2),
    ("finally: log_skip", "wrong-type", 2),
]


@pytest.mark.parametrize(("head", "code", "line"), WRONG_HEADS, ids=[w[0] for w in WRONG_HEADS])
def test_a_mistake_beside_the_steps(head, code, line):
    text = f"{'' if head.startswith('name') else 'name: w' + chr(10)}{head}\nsteps: [log_skip]\n"
    found = faults(text)
    assert [f.code for f in found] == [code]
    assert found[0].line == line


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("steps: [log_skip]\n", "missing-key"),
        ("name: w\n", "missing-key"),
        ("name: w\nsteps:\n", "wrong-type"),
        ("name: w\nsteps: {}\n", "wrong-type"),
        ("- name: w\n", "not-a-workflow"),
        ("hello\n", "not-a-workflow"),
        ("5\n", "not-a-workflow"),
    ],
)
def test_what_is_no_workflow(text, code):
    assert [f.code for f in faults(text)] == [code]


def test_many_mistakes_are_told_at_once_in_the_order_of_the_file():
    text = """\
name: w
mode: papr
inputs: {n: {type: integer, default: x}}
steps:
  - a: {slice: data, method: get_historical, with: {symbols: 5, dys: 3}, retry: {max_attempts: 0}}
  - nonsense
  - b: {if: "inputs.m > 1", slices: [dta]}
finally: [{c: {wait: {for: x}}}]
"""
    found = [(f.code, f.line) for f in faults(text)]
    assert found == [
        ("not-allowed", 2),
        ("wrong-default", 3),
        ("wrong-param", 5),
        ("unknown-param", 5),
        ("out-of-range", 5),
        ("unknown-method", 6),
        ("unknown-input", 7),
        ("unknown-slice", 7),
        ("wrong-form", 8),
    ]


def test_no_message_speaks_of_schemas():
    for step, *_ in WRONG_STEPS:
        for fault in faults(steps([step])):
            assert "schema" not in fault.message
            assert "is not valid under" not in fault.message


def test_a_file_of_nothing_but_mistakes_is_cut_short():
    assert len(faults(steps([f"s{i}: {{wiat: {{}}}}" for i in range(500)]))) == 100


def test_a_step_is_placed_by_its_name():
    text = "name: w\nsteps:\n  - a:\n      slice: data\n      method: get_historical\n"
    (found,) = faults(text)
    assert (found.code, found.line, found.col) == ("missing-param", 3, 5)
    assert read(text.replace("steps", "inputs: {symbols: {}}\nsteps")).steps[0].line == 4


def test_two_steps_of_one_name():
    found = only("a: [log_skip]", "a: [log_skip]")
    assert (found.code, found.line, found.hint) == ("duplicate-step", 4, "the first is in line 3")


def test_the_same_name_in_another_list_is_fine():
    assert read(steps(["a: [log_skip, notify]", "b: [log_skip]"]))


# --- names and scopes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "code", "hint"),
    [
        (["a: {slices: [data], if: steps.b.case == 1}", "b: {switch: [{else: [log_skip]}]}"], "later-step", None),
        (["a: {slices: [data], if: steps.a.prepared == 1}"], "later-step", None),
        (["b: [log_skip]", "a: {slices: [data], if: steps.c.x}"], "unknown-step", "there are: a, b, log_skip"),
        ([f"fetch: {FETCH}", "a: {slices: [data], if: steps.fetch.barz == 1}"], "unknown-output", "did you mean 'bars'?"),
        (
            ["e: {foreach: {in: [1]}, steps: [{o: {slice: paper_trade, method: place_order}}]}", "a: {slices: [data], if: steps.o.order_id == ''}"],
            "hidden-step",
            "from outside use steps.e.items",
        ),
        (["p: {parallel: {branches: {x: [log_skip], y: [{a: {slices: [data], if: steps.log_skip.x}}]}}}"], "hidden-step", None),
        (["e: {foreach: {in: [1]}, steps: [log_skip]}", "a: {slices: [data], if: steps.e.best > 1}"], "unknown-output", None),
    ],
)  # fmt: skip
def test_a_reference_to_what_is_not_there_yet(body, code, hint):
    found = only(*body)
    assert found.code == code
    assert hint is None or hint in (found.hint or "")


@pytest.mark.parametrize(
    "body",
    [
        ["g: [{o: {slice: paper_trade, method: place_order}}]", "a: {slices: [data], if: steps.o.order_id == ''}"],
        ["p: {parallel: {branches: {x: [{o: {slice: paper_trade, method: place_order}}]}}}", "a: {slices: [data], if: steps.o.order_id == ''}"],
        ["s: {switch: [{else: [{o: {slice: paper_trade, method: place_order}}]}]}", "a: {slices: [data], if: has(steps.o.order_id)}"],
        ["e: {foreach: {in: [[1]]}, steps: [{f: {foreach: {in: '${{ item }}', as: x}, steps: [{a: {slices: [data], if: x > item}}]}}]}"],
        ["l: {trigger: a.b, steps: [{a: {slices: [data], if: event.price > 1}}]}", "a: {slices: [data], if: steps.l.count > 1}"],
        ["e: {foreach: {in: [1], fail_fast: false}, steps: [log_skip]}", "a: {slices: [data], if: size(steps.e.failed) == 0}"],
        ["w: {wait: {event: {topic: a.b}}}", "a: {slices: [data], if: steps.w.event.x == 1}"],
        ["x: {agent: [x]}", "a: {slices: [data], if: steps.x.status == 'success' && steps.x.result.anything}"],
        ["x: {approval: {}, on_error: continue}", "a: {slices: [data], if: steps.x.approved && steps.x.by != ''}"],
        ["a: {slices: [data], if: run.mode == 'paper' && run.id != ''}"],
        ["a: {slices: [data], if: size(inputs) == 0 && size(steps) == 0}"],
    ],
)  # fmt: skip
def test_a_reference_to_what_is_there(body):
    assert read(steps(body))


def test_what_failed_is_known_to_on_failure_and_finally():
    text = "name: w\nsteps: [log_skip]\non_failure: [{a: {approval: {message: '${{ error.message }}'}}}]\n"
    assert read(text)
    assert read(text.replace("on_failure", "finally").replace("error.message", "has(error.message)"))
    found = only("a: {approval: {message: '${{ error.message }}'}}")
    assert found.hint == "`error` exists in on_failure and finally alone"


def test_behind_a_broken_step_nobody_guesses_what_is_missing():
    found = faults(
        steps(
            ["fetch: {slice: data, method: get_histrical}", "find_patterns", "a: {slices: [data], if: steps.fetch.x}"]
        )
    )
    assert [f.code for f in found] == ["unknown-method"]


def test_a_missing_param_tells_what_is_near():
    found = only(f"a: {FETCH}", "b: {slice: analyze, method: score}", head="inputs: {symbl: {type: string}}\n")
    assert (found.code, found.hint) == ("missing-param", "did you mean 'symbl'?")


def test_an_expression_in_a_block_is_placed_at_its_beginning():
    found = only("a:\n      slices: [data]\n      if: >-\n        true &&\n        steps.b.x")
    assert (found.code, found.line) == ("unknown-step", 5)


# --- safety ----------------------------------------------------------------------------------------------------------

LIVE = "mode: live\nsafety: maximum\n"


def test_maximum_safety_wants_an_approval_before_a_live_effect():
    assert only("execute_trade", head=LIVE).code == "safety-approval"
    assert read(steps(["gate: {approval: {}}", "execute_trade"], LIVE))
    assert read(steps(["execute_trade"], "mode: live\n"))
    assert read(steps(["execute_trade"], "mode: real-time\nsafety: maximum\n"))


def test_maximum_safety_takes_an_armed_flag_instead():
    head = LIVE + "inputs: {armed: {type: boolean, default: false}}\n"
    assert read(steps(["a: {slice: paper_trade, method: place_order, if: inputs.armed}"], head))
    assert read(steps(["a: {if: inputs.armed, steps: [execute_trade]}"], head))
    assert read(steps(["a: {switch: [{if: inputs.armed, steps: [execute_trade]}, {else: [log_skip]}]}"], head))


@pytest.mark.parametrize(
    "gate",
    [
        "gate: {approval: {}, if: inputs.x}",
        "gate: {approval: {}, on_error: continue}",
        "gate: {approval: {timeout: 1m, on_timeout: approve}}",
        "gate: {switch: [{else: [{ask: {approval: {}}}]}]}",
    ],
)
def test_an_approval_that_can_be_passed_by_is_none(gate):
    head = LIVE + "inputs: {x: {type: boolean, default: false}}\n"
    assert only(gate, "execute_trade", head=head).code == "safety-approval"


def test_the_approval_of_a_sub_workflow_may_stand_outside_it():
    inner = {"inner": "name: inner\nmode: live\nsafety: maximum\nsteps: [execute_trade]\n"}
    assert read(steps(["gate: {approval: {}}", "sub: {workflow: inner}"], LIVE), inner)
    found = only("sub: {workflow: inner}", head=LIVE, others=inner)
    assert (found.code, found.file, found.line) == ("safety-approval", "w.yaml", 5)


def test_maximum_safety_wants_effects_to_happen_once():
    found = only("a: {slice: paper_trade, method: place_order, effect: none}", head="safety: maximum\n")
    assert found.code == "safety-effect"
    assert read(steps(["a: {slice: paper_trade, method: place_order, effect: none}"]))


def test_maximum_safety_tries_no_effect_again():
    step = "a: {slice: paper_trade, method: place_order, reconcile: find_order, retry: {max_attempts: 2}}"
    assert only(step, head="safety: maximum\n").code == "safety-retry"
    assert read(steps([step]))


# --- files -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "code", "place"),
    [
        ("name: w\nsteps: [é]\n".encode("latin-1"), "yaml-encoding", (2, 9)),
        ("name: w\n".encode("utf-16"), "yaml-encoding", (1, 1)),
        (b"\xef\xbb\xbfname: w\n", "yaml-bom", (1, 1)),
        (b"name: \0\n", "yaml-character", (1, 7)),
        (b"", "yaml-empty", (1, 1)),
        (b"x" * 2_000_000, "yaml-size", (1, 1)),
    ],
)
def test_a_file_that_is_no_utf8_text(tmp_path: Path, data, code, place):
    path = tmp_path / "w.yaml"
    path.write_bytes(data)
    (found,) = load_file(path, catalog=CATALOG).faults
    assert (found.code, (found.line, found.col), found.file) == (code, place, str(path))


def test_what_never_ends_is_read_no_further_than_a_workflow_may_be_long():
    assert load_file(Path("/dev/zero"), catalog=CATALOG).faults[0].code == "yaml-size"


def test_a_directory_or_nothing_at_all(tmp_path: Path):
    assert load_file(tmp_path, catalog=CATALOG).faults[0].code == "not-a-file"
    assert load_file(tmp_path / "absent.yaml", catalog=CATALOG).faults[0].code == "no-file"


def test_a_good_file_loads(tmp_path: Path):
    path = tmp_path / "w.yaml"
    path.write_text(FULL)
    workflow = load_file(path, catalog=CATALOG).workflow
    assert workflow is not None
    assert workflow.name == "momentum"


def test_what_looks_an_effect_up_must_say_whether_it_happened_and_answer_in_its_place():
    """Else a crash is found out with an order that is sent twice."""
    found = faults(steps(["o: {slice: paper_trade, method: place_order, reconcile: score}"]))
    assert [(f.code, f.message) for f in found] == [
        ("wrong-reconcile", "analyze.score does not tell whether it was done"),
        ("wrong-reconcile", "analyze.score needs 'bars', and place_order takes none"),
        ("wrong-reconcile", "analyze.score needs 'symbol', and place_order takes none"),
        ("wrong-reconcile", "analyze.score does not give 'order_id', as place_order does"),
    ]
    assert found[0].hint == "give its outputs `found: bool`"


def test_the_error_carries_the_faults():
    with pytest.raises(FaultsFound) as caught:
        read("name: w\n")
    assert [f.code for f in caught.value.faults] == ["missing-key"]
