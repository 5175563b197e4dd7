"""What detection found in a step."""

import msgspec

from impetus.domain.alert import Alert
from impetus.domain.plan import LedgerLine


class Findings(msgspec.Struct):
    """What a step found: alerts by id in their newest state, and lines that came into or left the ledger."""

    alerts: dict[str, Alert] = {}
    ledger: list[LedgerLine] = []
    withdrawn: list[LedgerLine] = []
    fresh: dict[str, Alert] = {}
    """Alerts that changed and have not been asked yet what they override."""
    late: bool = False
    """Whether some of it came from an event that was not the newest of its window."""

    def take(self, alert: Alert) -> None:
        """Note an alert that was raised, revised or is gone."""
        self.alerts[alert.id] = self.fresh[alert.id] = alert
