"""A match worker: a process that reads, enriches and matches rounds, beside any number of others."""

import signal
from functools import partial

import msgspec

from correlator.cluster.matching import RoundMatcher
from correlator.cluster.rounds import Codec, MatchedRound, Round
from impetus.app.cluster.access import make_access, make_layout
from impetus.app.cluster.setups import Setups
from impetus.app.reloading import collect
from impetus.app.settings import Settings
from impetus.domain.errors import ImpetusError
from integrations.kafka.access import Access
from integrations.kafka.topics import make_topics
from integrations.kafka.transforming import Made, TransformLoop


def run(settings: Settings, name: str) -> None:
    """Match rounds until a signal."""
    access = make_access(settings)
    make_topics(access, make_layout(settings))
    loop = TransformLoop(access, name, make_transform(access))
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: loop.stop())
    collect()
    loop.run()


def make_transform(access: Access) -> "partial[Made | None]":
    """What a match worker makes of a round."""
    return partial(_transform, Codec(), RoundMatcher(Setups(access).find))


def _transform(codec: Codec, matcher: RoundMatcher, partition: int, offset: int, value: bytes) -> Made | None:
    try:
        one = codec.decode(value, Round)
    except ImpetusError as error:
        if error.code != "cluster.record":
            raise
        return None
    matched, events = matcher.match(partition, offset, one)
    return Made(codec.encode(events) if events is not None else None, partial(_onward, codec, matched))


def _onward(codec: Codec, matched: MatchedRound, beside: int) -> bytes:
    """A matched round, which says where its events lie."""
    return codec.encode(msgspec.structs.replace(matched, beside=beside))
