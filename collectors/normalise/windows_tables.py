"""What the Windows normaliser goes by, as one document, for an implementation that works on whole batches."""

import msgspec

from collectors.normalise.finish import MAX_ORIGINAL
from collectors.normalise.windows import HASHES, NOBODY
from collectors.normalise.windows_logsource import CATEGORIES, SERVICES, categories_of
from collectors.normalise.windows_record import FLAT_ALIASES, FLAT_TIMES, TRANSPORT
from impetus.domain.entity import IDENTIFYING
from impetus.domain.event import CYBER
from rules.windows import PREFIX, windows_fields


def windows_tables() -> bytes:
    """The tables (JSON)."""
    categories: dict[str, dict[str, dict[str, list[str]]]] = {}
    for service, code in CATEGORIES:
        categories.setdefault(service, {})[code] = {
            "deleted": categories_of(service, code, "delete"),
            "otherwise": categories_of(service, code, ""),
        }
    return msgspec.json.encode(
        {
            "fields": windows_fields(),
            "prefix": PREFIX,
            "transport": sorted(TRANSPORT),
            "identifying": sorted(IDENTIFYING),
            "nobody": NOBODY,
            "times": FLAT_TIMES,
            "aliases": FLAT_ALIASES,
            "hashes": HASHES,
            "logsources": {"services": SERVICES, "categories": categories},
            "domain": CYBER,
            "longest": MAX_ORIGINAL,
        }
    )
