"""Looking at bars without using them: what is wrong with each symbol, and whether it can be read at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gpt_trader.core.errors import GptTraderError, Interrupted, RunCancelled
from gpt_trader.slices.data.loading import at, loaded_of
from gpt_trader.slices.data.params import Check, Checked
from gpt_trader.slices.data.reports import counts_of, findings_of, unreadable

if TYPE_CHECKING:
    from gpt_trader.core.feeds import Archive, Watch


def checked(archive: Archive, params: Check, watch: Watch) -> Checked:
    """Findings and counts for each symbol; one that cannot be read is a finding, and stops no other."""
    findings: list[dict[str, str]] = []
    checks: list[dict[str, Any]] = []
    for done, symbol in enumerate(params.symbols):
        watch.check()
        try:
            loaded = loaded_of(archive, symbol, params, at(watch, done, len(params.symbols)))
        except (Interrupted, RunCancelled):
            raise
        except GptTraderError as error:
            findings.append(unreadable(symbol, error))
            continue
        findings += findings_of(loaded)
        checks.append(counts_of(loaded))
    return Checked(ok=not any(f["severity"] != "info" for f in findings), findings=findings, checks=checks)
