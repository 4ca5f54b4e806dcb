"""Steps of the journal in the order and with the words in which a person reads them."""

from __future__ import annotations

from gpt_trader.cli.listing import placed
from gpt_trader.journal.runs import StepRecord


def step(path: str, began: int, attempt: int = 1, status: str = "SUCCEEDED") -> StepRecord:
    return StepRecord(
        run_id="r",
        path=path,
        attempt=attempt,
        name=path,
        slice="",
        method="",
        status=status,
        params_hash="",
        cache_key=None,
        outputs=None,
        error=None,
        started_at=began,
        ended_at=began,
        owner="o",
        fence=1,
    )


def told(*steps: StepRecord) -> list[tuple[str, int, str]]:
    return [(row.step.path, row.depth, row.label) for row in placed(list(steps))]


def test_steps_that_ran_side_by_side_stand_below_their_own_branch_or_item():
    assert told(
        step("steps[0]", 1),
        step("steps[0].parallel.b[0]", 2),
        step("steps[0].parallel.a[0]", 3),
        step("steps[0].parallel.b[1]", 4),
        step("steps[0].parallel.a[1]", 5),
        step("steps[0].parallel.a[1].foreach[0].steps[0]", 6),
        step("steps[0].parallel.a[1].foreach[1].steps[0]", 7),
        step("steps[0].parallel.a[1].foreach[0].steps[1]", 8),
        step("finally[0]", 9),
    ) == [
        ("steps[0]", 0, ""),
        ("steps[0].parallel.b[0]", 1, "b"),
        ("steps[0].parallel.b[1]", 1, "b"),
        ("steps[0].parallel.a[0]", 1, "a"),
        ("steps[0].parallel.a[1]", 1, "a"),
        ("steps[0].parallel.a[1].foreach[0].steps[0]", 2, "[0]"),
        ("steps[0].parallel.a[1].foreach[0].steps[1]", 2, "[0]"),
        ("steps[0].parallel.a[1].foreach[1].steps[0]", 2, "[1]"),
        ("finally[0]", 0, "finally"),
    ]


def test_what_older_attempts_held_is_left_out():
    steps = (
        step("steps[0]", 1, status="FAILED"),
        step("steps[0].steps[0]", 2, status="FAILED"),
        step("steps[0]", 3, attempt=2),
        step("steps[0]~2.steps[0]", 4, status="FAILED"),
        step("steps[0]~2.steps[0]", 5, attempt=2),
        step("steps[0]~2.steps[0]~2.steps[0]", 6),
        step("steps[0]~2.steps[0].steps[0]", 4),
    )
    assert [(r.step.path, r.step.attempt, r.depth) for r in placed(list(steps))] == [
        ("steps[0]", 2, 0),
        ("steps[0]~2.steps[0]", 2, 1),
        ("steps[0]~2.steps[0]~2.steps[0]", 1, 2),
    ]


def test_a_round_of_a_loop_leaves_its_number_where_it_left_a_record():
    assert told(step("steps[0]", 1), step("steps[0].workflow.steps[0].loop[7].steps[1]", 2)) == [
        ("steps[0]", 0, ""),
        ("steps[0].workflow.steps[0].loop[7].steps[1]", 1, "[7]"),
    ]
