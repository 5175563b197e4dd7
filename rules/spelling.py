"""Names in rules that nothing known bears: log sources, fields, and what correlations group by."""

import difflib
from collections.abc import Iterable, Iterator

from impetus.domain.errors import ImpetusError, nearest
from rules import form
from rules.compile import Compiled, Single, Window
from rules.parse import Parsed
from rules.taxonomy import Taxonomy, taxonomy


def check(compiled: Compiled) -> Iterator[ImpetusError]:
    """A problem for each name that is not known, with the nearest that is."""
    known = taxonomy()
    sources: dict[str, list[form.LogSource]] = {}
    for single in compiled.singles:
        sources[single.parsed.id] = [single.form.logsource]
        yield from _logsource(single, known)
        if known.owns(single.form.logsource.product):
            yield from _fields(single, known)
    for window in compiled.windows:
        referred = [source for id in window.refers.values() for source in sources[id]]
        sources[window.parsed.id] = referred
        yield from _window(window, referred, known)


def _logsource(single: Single, known: Taxonomy) -> Iterator[ImpetusError]:
    source, parsed = single.form.logsource, single.parsed
    if source.product is None:
        if source.category is not None and source.category not in known.categories:
            yield _unknown(
                parsed, ("logsource", "category"), "category without a product", source.category, known.categories
            )
    elif known.owns(source.product):
        for key, name in (("category", source.category), ("service", source.service)):
            if name is not None and name not in known.logsources[source.product]:
                what = f"{key} of product {source.product!r}"
                yield _unknown(parsed, ("logsource", key), what, name, known.logsources[source.product])
    elif source.product not in known.products:
        yield _unknown(
            parsed, ("logsource", "product"), "product", source.product, {*known.logsources, *known.products}
        )


def _unknown(parsed: Parsed, path: tuple[str, ...], what: str, name: str, names: Iterable[str]) -> ImpetusError:
    return parsed.problem("rule.invalid", f"{name!r} is no {what} that is known", path, nearest(name, names))


def _fields(single: Single, known: Taxonomy) -> Iterator[ImpetusError]:
    for field in sorted(form.fields(single.form.condition)):
        if not known.knows(field):
            what = f"no event is known to have the field {field!r}"
            yield single.parsed.problem("rule.invalid", what, _path(single.parsed, field), _near(field, known))
        else:
            yield from _foreign(single.parsed, field, [single.form.logsource], known, _path(single.parsed, field))


def _window(window: Window, sources: list[form.LogSource], known: Taxonomy) -> Iterator[ImpetusError]:
    if not all(known.owns(source.product) for source in sources):
        return
    rule = window.reading.rule
    for field in rule.group_by or ():
        if field in rule.aliases.aliases:
            continue
        path = ("correlation", "group-by")
        if not known.knows(field):
            what = f"no event of the rules referred to is known to have the field {field!r}"
            yield window.parsed.problem("rule.invalid", what, path, _near(field, known))
        else:
            yield from _foreign(window.parsed, field, sources, known, path)


def _foreign(
    parsed: Parsed, field: str, sources: list[form.LogSource], known: Taxonomy, path: tuple[str, ...]
) -> Iterator[ImpetusError]:
    """A field of the domain that events of other log sources have, and none of these."""
    homes = known.sources_of(field)
    if homes is None or any(_names(source) & set(homes) or not _names(source) for source in sources):
        return
    what = f"the field {field!r} stands on events of {', '.join(homes)}, which the rule does not read"
    yield parsed.problem("rule.invalid", what, path, "Check the field and the log source")


def _names(source: form.LogSource) -> set[str]:
    """``product/category`` and ``product/service``; empty where a log source takes all of a product."""
    return {f"{source.product}/{name}" for name in (source.category, source.service) if name is not None}


def _near(field: str, known: Taxonomy) -> str:
    close = difflib.get_close_matches(field, sorted(known.fields()), n=1, cutoff=0.6)
    return f"Did you mean {close[0]!r}?" if close else "See the list of fields in docs/rules.md"


def _path(parsed: Parsed, field: str) -> tuple[str, ...]:
    """Where a field stands in the detection, as far as it is written there under this name."""
    for name, definition in parsed.document.data.get("detection", {}).items():
        for item in definition if isinstance(definition, list) else [definition]:
            keys = item if isinstance(item, dict) else {}
            for key in keys:
                if str(key).split("|", 1)[0] == field:
                    return ("detection", name, key) if item is definition else ("detection", name)
    return ("detection",)
