"""The tree of steps that a person watches."""

from __future__ import annotations

import pytest

from gpt_trader.cli.tree import Tree
from gpt_trader.journal.runs import StepRecord
from gpt_trader.workflow.definition import Action, Approval, Branch, Case, Foreach, Group, Parallel, Switch, Workflow


def action(name: str, path: str) -> Action:
    return Action(name=name, path=path, slice="desk", method="work")


@pytest.fixture
def tree() -> Tree:
    steps = (
        action("first", "steps[0]"),
        Parallel(
            name="both",
            path="steps[1]",
            branches=(
                Branch(name="left", steps=(action("l", "steps[1].parallel.left[0]"),)),
                Branch(name="right", steps=(action("r", "steps[1].parallel.right[0]"),)),
            ),
        ),
        Foreach(name="each", path="steps[2]", items=[1, 2, 3], steps=(action("score", "steps[2].foreach.steps[0]"),)),
        Switch(
            name="choose",
            path="steps[3]",
            cases=(
                Case(when="false", steps=(action("never", "steps[3].switch[0].steps[0]"),)),
                Case(when=None, steps=(action("else", "steps[3].switch[1].steps[0]"),)),
            ),
        ),
        Approval(name="gate", path="steps[4]"),
    )
    return Tree(Workflow(name="flow", steps=steps, finally_=(action("save", "finally[0]"),)))


def test_nothing_is_done_before_anything_began(tree):
    assert tree.done() == (0, 10)


def test_what_stands_in_finally_is_shown_but_not_counted(tree):
    tree.apply("finally[0]", "save", "SUCCEEDED", 1, "", 5.0)
    assert tree.done() == (0, 10)
    assert "save" in [node.name for node in tree.rows(100)]


def test_a_step_lasts_from_its_beginning_to_its_end(tree):
    tree.apply("steps[0]", "first", "RUNNING", 1, "", 10.0)
    node = tree.apply("steps[0]", "first", "SUCCEEDED", 1, "", 12.5)
    assert node is not None
    assert node.lasted(99.0) == 2.5
    assert tree.done()[0] == 1


def test_a_progress_is_a_text_and_no_status(tree):
    tree.apply("steps[0]", "first", "RUNNING", 1, "", 10.0)
    node = tree.apply("steps[0]", "first", "PROGRESS", 1, "crunching 3/10", 11.0)
    assert node is not None
    assert (node.status, node.text) == ("RUNNING", "crunching 3/10")


def test_rounds_of_a_foreach_are_items_of_one_node(tree):
    for item in (0, 1, 2):
        tree.apply(f"steps[2].foreach[{item}].steps[0]", "score", "RUNNING", 1, "", 1.0)
    tree.apply("steps[2].foreach[0].steps[0]", "score", "SUCCEEDED", 1, "", 2.0)
    tree.apply("steps[2].foreach[1].steps[0]", "score", "FAILED", 1, "no", 3.0)
    rows = [(n.name, n.label, n.status) for n in tree.rows(100) if n.name == "score"]
    assert rows == [("score", "", "RUNNING"), ("score", "[1]", "FAILED"), ("score", "[2]", "RUNNING")]
    assert tree.nodes["steps[2].foreach.steps[0]"].text == "1 done, 1 going, 1 failed"


def test_a_case_that_was_not_taken_counts_as_done(tree):
    tree.apply("steps[3]", "choose", "RUNNING", 1, "", 1.0)
    tree.apply("steps[3].switch[1].steps[0]", "else", "SUCCEEDED", 1, "", 2.0)
    tree.apply("steps[3]", "choose", "SUCCEEDED", 1, "", 2.0)
    assert tree.nodes["steps[3].switch[0].steps[0]"].text == "not taken"
    assert tree.done() == (3, 10)


def test_a_second_attempt_of_a_container_moves_the_same_nodes(tree):
    tree.apply("steps[1]~2.parallel.left[0]", "l", "SUCCEEDED", 1, "", 2.0)
    assert tree.nodes["steps[1].parallel.left[0]"].status == "SUCCEEDED"


def test_what_the_journal_knows_is_loaded(tree):
    record = StepRecord(
        run_id="r", path="steps[0]", attempt=2, name="first", slice="desk", method="work", status="SUCCEEDED",
        params_hash="", cache_key=None, outputs="{}", error=None, started_at=1_000_000, ended_at=3_000_000, owner="",
        fence=1,
    )  # fmt: skip
    tree.load([record])
    node = tree.nodes["steps[0]"]
    assert (node.status, node.attempt, node.lasted(0)) == ("SUCCEEDED", 2, 2.0)


def test_a_change_of_the_run_itself_is_the_status_of_the_tree(tree):
    assert tree.apply("", "flow", "WAITING", 0, "approval: yes?", 1.0) is None
    assert (tree.status, tree.reason) == ("WAITING", "approval: yes?")


@pytest.mark.parametrize("room", [3, 4, 6, 8])
def test_the_rows_never_need_more_room_than_there_is_and_show_what_goes_on(tree, room):
    tree.apply("steps[4]", "gate", "RUNNING", 1, "", 1.0)
    rows = list(tree.rows(room))
    assert len(rows) <= room
    assert "gate" in [node.name for node in rows]


def test_steps_in_a_group_are_deeper():
    group = Group(name="g", path="steps[0]", steps=(action("in", "steps[0].steps[0]"),))
    tree = Tree(Workflow(name="w", steps=(group,)))
    assert [(n.name, n.depth) for n in tree.rows(9)] == [("g", 0), ("in", 1)]
