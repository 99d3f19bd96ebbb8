"""What the rules know that a person must look at: taken to health, and to the log."""

import structlog

from edge_agent.clock import Moment
from edge_agent.config.devices import DeviceSettings
from edge_agent.health import Condition, Health, Level
from edge_agent.log import places
from edge_agent.shop import layouts
from edge_agent.shop.proof.proof import Proof
from edge_agent.shop.shop import Shop

log = structlog.get_logger()


def judge_layout(settings: DeviceSettings, shop: Shop, health: Health) -> None:
    """Say whether a device's receipts are printed in another layout than they were."""
    condition = None
    if shop.layouts.has_changed(settings.id):
        detail = f"{settings.name or settings.id}: {layouts.DETAIL}"
        condition = Condition(layouts.REASON, Level.ATTENTION, detail)
    if health.report(f"layout/{settings.id}", condition) and condition is not None:
        log.warning("layout_changed", device=settings.id)


def judge_days(proof: Proof, health: Health, at: Moment) -> None:
    """Say which days' proofs do not agree: with head office's books, or with the register's own report. ``at``: now."""
    differing = proof.unresolved()
    days = [f"{key.business_day}, {key.workstation}: {', '.join(names)}" for key, names in differing.items()]
    health.report("day/central", Condition("day_differs", Level.ATTENTION, "; ".join(days)) if days else None)
    off = [f"{key.business_day}, {key.workstation}" for key in proof.registers_off(at)]
    health.report("day/register", Condition("register_differs", Level.ATTENTION, "; ".join(off)) if off else None)


def log_defect(where: str, error: Exception) -> None:
    """Log where the rules failed, without the message: that may quote what the slip says."""
    log.error("rules_failed", device=where, error=type(error).__name__, traceback=places(error))
