"""Reading a stream to its end and then on, from where it was, through every interruption."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import nats.errors
import nats.js.errors
import structlog
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from connectors.stream.events import BadEventError, change_of
from connectors.stream.view import View

log = structlog.get_logger("connectors.stream")

_REST_S = (0.2, 5.0)
_GONE_S = 60.0
"""After so long the server forgets a reader that is gone."""
_BATCH = 500
"""Events after which other work may go on."""


class _GapError(Exception):
    """Events were lost on the way: they are read again."""


async def follow(
    source: str, table: str, view: View, stream: JetStreamContext, *, idle_s: float
) -> None:
    """Keep a view in step until cancelled; after `idle_s` seconds without an event the server is
    asked whether there is one."""
    failed = 0
    while True:
        before = view.last
        try:
            await _read(source, table, view, stream, idle_s)
        except (nats.errors.Error, _GapError, TimeoutError, OSError) as error:
            failed = failed + 1 if view.last == before else 1
            log.warning("stream.interrupted", source=source, table=table, kind=type(error).__name__)
        first, most = _REST_S
        rest = min(most, first * 2.0 ** min(failed, 10))
        await asyncio.sleep(rest * random.uniform(0.5, 1))  # noqa: S311 - no secret


async def _read(
    source: str, table: str, view: View, stream: JetStreamContext, idle_s: float
) -> None:
    events = view.events
    found = await stream.stream_info(events.stream)
    if found.created != view.made or found.state.last_seq < view.last:
        view.begin(found.created)
    view.hear()
    # this reader leaves no trace: nothing is acknowledged, and the server forgets it
    config = ConsumerConfig(
        ack_policy=AckPolicy.NONE,
        deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
        opt_start_seq=view.last + 1,
        inactive_threshold=_GONE_S,
        mem_storage=True,
        num_replicas=1,
    )
    reader = await stream.subscribe(events.subject, stream=events.stream, config=config)
    try:
        told = await reader.consumer_info()
        sent = 0 if told.delivered is None else told.delivered.consumer_seq
        if not told.num_pending and not sent:
            view.read.set()  # what was sent already is still to be taken in
        count = 0
        while True:
            try:
                message = await reader.next_msg(timeout=idle_s)
            except nats.errors.TimeoutError:
                told = await reader.consumer_info()
                if told.delivered is not None and told.delivered.consumer_seq != count:
                    raise _GapError from None
                view.hear()
                continue
            count += 1
            _take(source, table, view, message, count)
            if count % _BATCH == 0:
                await asyncio.sleep(0)
    finally:
        await _unsubscribe(reader)


def _take(source: str, table: str, view: View, message: Any, count: int) -> None:
    about = message.metadata
    if about.sequence.consumer != count:
        raise _GapError
    try:
        view.apply(change_of(view.events, message.headers, message.data))
    except BadEventError as error:
        # one bad event does not stop a department's stream; its number lets it be found there
        view.bad += 1
        number = about.sequence.stream
        log.warning("stream.bad_event", source=source, table=table, number=number, why=str(error))
    view.last = about.sequence.stream
    view.hear()
    if not about.num_pending:
        view.read.set()


async def _unsubscribe(reader: Any) -> None:
    try:
        await reader.unsubscribe()
    except (nats.errors.Error, TimeoutError, OSError) as error:
        log.info("stream.not_left", kind=type(error).__name__)
