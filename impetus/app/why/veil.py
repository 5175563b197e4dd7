"""What answers must not say: personal values, masked as in every output."""

from collections.abc import Mapping

from impetus.domain.event import Json
from impetus.domain.personal import FIELDS, Masker, mask_text
from integrations.grpc.keys import MaskedKeys
from integrations.grpc.masking import Masking


class Veil:
    """Masks the values of events: those of personal fields, and the same values in texts of the same event."""

    def __init__(self, masker: Masker) -> None:
        self._masker = masker
        self._masking = Masking(masker, MaskedKeys())
        self._of: Mapping[str, Json] | None = None
        self._names: Mapping[str, str] = {}

    def __call__(self, event: Mapping[str, Json], field: str | None, value: str) -> str:
        """A value of a field of an event (None: a text), as it may be shown."""
        if field in FIELDS:
            return self._masker.value(field, value)
        if event is not self._of:
            self._of, self._names = event, self._masking.names(event)
        return mask_text(value, self._names)
