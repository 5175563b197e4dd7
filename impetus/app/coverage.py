"""Coverage as the settings have it: the model in force, and what the store knows of its devices."""

from pathlib import Path

from correlator.city import CityModel
from correlator.city.coverage import Coverage, cover
from correlator.city.soundness import held, newest_event, unsound
from impetus.app.plugins import make_store
from impetus.app.settings import Settings, read_settings
from impetus.domain.errors import ImpetusError, Where


def find_coverage(city: Path | None, config: Path, at: int | None) -> tuple[CityModel, list[Coverage]]:
    """The model and the coverage of its zones at an event time (µs; None: of the newest event).

    With ``city`` it is that of a model alone; else of the settings, with what the store knows if there is one.
    """
    if city is not None:
        model = CityModel.read(city)
        return model, cover(model)
    settings = read_settings(config)
    if settings.city.model is None:
        hint = "Set city.model, or give a model with --city"
        raise ImpetusError("settings.invalid", "there is no city model", Where(settings.file, None, "city.model"), hint)
    model = CityModel.read(settings.path(settings.city.model))
    return model, _covered(model, settings, at)


def _covered(model: CityModel, settings: Settings, at: int | None) -> list[Coverage]:
    path = settings.path(settings.store.path)
    if not path.exists():
        return cover(model)
    store = make_store(settings.store.kind, path)
    try:
        at = newest_event(store) if at is None else at
        return cover(model, unsound(model, store, at), held(store, at)) if at is not None else cover(model)
    finally:
        store.close()
