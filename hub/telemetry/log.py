"""Structured logs: events from one list, without data values."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Mapping, MutableMapping
from typing import Any, Literal, TextIO

import structlog

EVENTS: Mapping[str, str] = {
    "audit.anchor_failed": "a signed head could not be left at an anchor; a later one goes there",
    "audit.close_timeout": "entries were still waiting when the log was closed",
    "audit.head_unwritten": "the head file could not be written",
    "audit.loop_closed": "entries became durable after everyone had stopped waiting",
    "audit.signed": "a head of the audit log's tree was signed",
    "audit.stuck": "the audit store takes too long; operations are refused until it answers",
    "audit.unavailable": "entries could not be made durable; their answers were refused",
    "audit.unsigned": "no head of the audit log could be signed; it is tried again",
    "bound.unfit": "a stored approval does not verify; its document is refused",
    "auth.keys_failed": "an issuer's key set could not be fetched",
    "auth.refused": "credentials were refused; `reason` is for the operator only",
    "operation.failed": "an operation met an error that nobody foresaw; it is on record",
    "control.unread": "what has changed could not be read; streams wait for the next look",
    "corrections.overdue": "a doubt was not settled in time; the authority is told",
    "directory.changed": "the directory was changed; everybody is looked at anew",
    "directory.stale": "an attribute of a caller was not confirmed for too long and does not count",
    "directory.unconfirmed": "what a token confirms could not be noted; older confirmations count",
    "directory.unread": "the directory could not be read; new credentials are refused",
    "disputes.unavailable": "an answer could not say which of its values are doubted",
    "door.failed": "a door met an error that nobody foresaw",
    "emergency.overdue": "a review was not made in time; the application is suspended",
    "emergency.taken_up": "what was opened or closed in an emergency is in force in this worker",
    "emergency.told": "those concerned were told of a step in an emergency",
    "emergency.unread": "what is open could not be looked at; after a while nothing is open",
    "fetch.bad_data": "a source sent data of another shape than declared",
    "fetch.failed": "a source did not answer a fetch",
    "files.failed": "a file of a source could not be read",
    "files.skipped": "a file that no fragment describes could not be read and is left out",
    "gateway.failed": "the gateway met an error that nobody foresaw",
    "http.failed": "a source over HTTP broke the connection",
    "http.refused": "a source over HTTP answered with an error",
    "keys.unreadable": "the API keys could not be read",
    "links.unavailable": "a link's token could not be noted as used; its question is refused",
    "mosaics.unavailable": "what is used together could not be counted; it is refused",
    "news.failed": "receivers could not be told what has happened; it is tried again",
    "quotas.unavailable": "quotas could not be counted; operations with a quota are refused",
    "ready.failed": "a readiness check failed",
    "recording.failed": "operations could not be recorded for simulation; they were answered",
    "reload.changed": "a watched file changed",
    "reload.done": "catalogue and policies were swapped",
    "reload.failed": "a reload met an error that nobody foresaw; nothing was changed",
    "reload.no_signal": "this platform has no reload signal",
    "reload.refused": "what was to be loaded is not valid; nothing was changed",
    "rules.activated": "an epoch is in force in this worker",
    "rules.failed": "a look at the rules in force met an error that nobody foresaw",
    "rules.gone": "the database has an older epoch than was in force; all operations are refused",
    "rules.none": "no release was ever put in force; nobody is permitted anything",
    "rules.unfit": "the epoch in force is not well signed or does not fit; operations are refused",
    "rules.unread": "the database did not say which epoch is in force; it is asked again",
    "rules.unsigned": "rules are in force as their files say, signed by nobody",
    "login.done": "somebody has logged in; `provider` says where, `stepped_up` if anew",
    "login.refused": "a log-in came to nothing; `reason` is for the operator only",
    "sessions.unavailable": "sessions could not be looked at; whoever has one is refused",
    "token.issued": "the token door has made a token for `client`",
    "token.refused": "the token door has refused; `reason` is for the operator only",
    "serve.drain_timeout": "operations were still in flight at the end of the drain",
    "serve.refused": "the server was not started",
    "serve.started": "a worker serves",
    "serve.stopped": "a worker stopped",
    "shares.forged": "a row of a grant was not written by the hub; it gives nothing",
    "shares.gone": "the database has older grants than were in force; none of them is",
    "shares.misfit": "a grant does not fit the catalogue any more; it gives nothing",
    "shares.taken_up": "grants of requests were taken up",
    "shares.unfit": "grants could not be taken up",
    "shares.unread": "grants could not be read; after some seconds none of them is in force",
    "source.cleared": "what a source was warned of has gone",
    "source.connect_failed": "a source could not be reached when it was opened",
    "source.disagreement": "two sources have different values of one field; their owners are told",
    "source.error": "a source failed during an operation, which went on without it",
    "source.failed": "a connector failed in a way that nobody foresaw",
    "source.not_closed": "a source did not close in order",
    "source.not_open": "a source could not be opened; it is tried again",
    "source.not_sampled": "a table could not be sampled for a draft; its names alone are judged",
    "source.outside_norm": "values of a field are outside its norm; `state` says how",
    "source.warning": "a source is down, failing, slow or stale; `condition` says which",
    "sources.failed": "a source could not be taken in again; it is tried again",
    "sources.gone": "the database has an older publication than was in force; it is not taken up",
    "sources.published": "registered sources were published and are served by this worker",
    "sources.unfit": "what was published does not fit or cannot be read; the catalogue stays",
    "sources.unwatched": "the sources could not be looked at; it is tried again",
    "stream.bad_event": "a message of a stream is no event of its table; its number tells which",
    "stream.behind": "a stream is still being read; its tables answer when that is done",
    "stream.interrupted": "a stream could not be followed; it is read on from where it was",
    "stream.not_left": "a stream's server was not told that nobody listens any more",
    "warning.asleep": "a rule's owner may not use what it speaks of as a filter; it is not judged",
    "warning.opened": "a rule of early warning has found something",
    "warning.refused": "a receiver did not take a warning; after the `last` try it is not sent",
    "warning.rules_unfit": "rules of early warning do not fit; those before them stay",
    "warning.unjudged": "a rule of early warning cannot be judged; the others are",
    "warning.unread": "a body of the record is no entry; it is not counted",
    "warning.unwatched": "the record could not be watched; it is tried again",
    "webhook.dropped": "too many events wait for a webhook; this one is not sent",
    "webhook.refused": "a webhook did not take an event; after the `last` try it is lost",
}
"""Event -> what it means. A test finds every event in the code here."""

Level = Literal["debug", "info", "warning", "error"]
Format = Literal["json", "console"]

_LONGEST = 200


def configure_logging(
    level: Level = "info", form: Format = "json", *, stream: TextIO | None = None
) -> None:
    """Log to stderr; the libraries' own logs come out in the same form from WARNING on."""
    out = stream if stream is not None else sys.stderr
    number = logging.getLevelNamesMapping()[level.upper()]
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        error_without_values,
        bounded_values,
    ]
    writer: Any = (
        structlog.processors.JSONRenderer(sort_keys=True)
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=out.isatty())
    )
    structlog.configure(
        processors=[*shared, writer],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(file=out),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, library_without_values],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, writer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(max(number, logging.WARNING))


def error_without_values(
    _: Any, __: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """An exception as its type and the places it went through; messages may hold data."""
    found = event.pop("exc_info", None)
    if found is True:
        found = sys.exc_info()[1]
    elif isinstance(found, tuple):
        found = found[1]
    if isinstance(found, BaseException):
        event["error"] = type(found).__name__
        frames = traceback.extract_tb(found.__traceback__)
        event["places"] = [f"{frame.filename}:{frame.lineno}" for frame in frames[-12:]]
    return event


def library_without_values(
    _: Any, __: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """A library's record by its place and unfilled text: what is filled in may be data."""
    record: logging.LogRecord = event["_record"]
    event["event"] = "library"
    event["logger"] = record.name
    event["text"] = str(record.msg)[:_LONGEST] if record.args else f"line {record.lineno}"
    return event


def bounded_values(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Only short texts, numbers and lists of them: nothing large slips into a log."""
    for key, value in event.items():
        if isinstance(value, str) and len(value) > _LONGEST and key != "places":
            event[key] = f"{value[:_LONGEST]}..."
        elif not isinstance(value, str | int | float | bool | list | logging.LogRecord | None):
            event[key] = type(value).__name__
    return event
