"""The allocation of this moment: one plan, what it comes to in lots, and the reasons in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gpt_trader.core.frames import bars_of
from gpt_trader.core.market import moment_of
from gpt_trader.slices.adaptive_portfolio.policy import Policy
from gpt_trader.slices.adaptive_portfolio.sections import present_sections
from gpt_trader.slices.adaptive_portfolio.session import nothing_to_weigh
from gpt_trader.slices.adaptive_portfolio.targets import held_of, orders_of, targets_of, weights_held

if TYPE_CHECKING:
    from gpt_trader.core.context import StepContext
    from gpt_trader.core.feeds import StrategyCatalog
    from gpt_trader.slices.adaptive_portfolio.params import AllocateParams
    from gpt_trader.slices.adaptive_portfolio.policy import Plan

HAIR = 0.005
"""What is no whole per cent is not told."""


def allocated(params: AllocateParams, catalog: StrategyCatalog, ctx: StepContext) -> dict[str, Any]:
    """Every output of an allocation by its name."""
    bars = bars_of(params.bars, params.data_provenance)
    ctx.check()
    policy = Policy(params, bars, catalog)
    now = int(policy.past.moments[-1])
    if params.decided_at:
        now = moment_of(params.decided_at)
    held = held_of(params.positions, policy.mix.names)
    parts = weights_held(held, policy, now, params.cash)
    plan = policy.plan(now, params.cash, parts, inside=lambda key: bool(policy.mix.state(*key)))
    if not plan.labels:
        raise nothing_to_weigh(plan.left_out)
    targets = targets_of(plan, policy, held, params, now)
    orders, reasons = orders_of(targets), reasons_of(plan)
    return {
        "weights": plan.by_symbol(),
        "strategy_weights": plan.shares,
        "targets": targets,
        "rebalance_orders": orders,
        "turnover": sum(order["value"] for order in orders) / params.cash,
        "tier": plan.tier.told(),
        "reasons": reasons,
        "sections": [*params.sections, *present_sections(targets, orders, reasons)],
    }


def reasons_of(plan: Plan) -> list[str]:
    """Why it is so, in words."""
    tier = plan.tier
    rule = f"at most {tier.most_positions} symbols with {tier.most_weight:.0%} each, {tier.reserve:.0%} in reserve"
    cash = 1.0 - sum(plan.by_symbol().values())
    rest = f"{cash:.0%} has no weight and stays in cash"
    over = f"the weights are {1.0 - cash:.0%} of the account: more is held than one rebalancing may trade"
    lines = [f"an account of this size is {tier.name}: {rule}", rest if cash > -HAIR else over]
    return lines + [f"{symbol} is left out: {reason}" for symbol, reason in plan.left_out.items()]
