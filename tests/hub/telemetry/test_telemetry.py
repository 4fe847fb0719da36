"""Logs, traces and metrics: fixed names, no data values, cheap."""

from __future__ import annotations

import ast
import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from hub.telemetry.log import EVENTS, configure_logging
from hub.telemetry.metrics import METRICS, Metrics
from hub.telemetry.trace import open_tracing

ROOT = Path(__file__).resolve().parents[3]
LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    out, before = io.StringIO(), structlog.get_config()
    configure_logging("info", "json", stream=out)
    yield out
    structlog.configure(**before)
    root.handlers, root.level = handlers, level


def events_in_code() -> Iterator[tuple[str, str]]:
    for room in ("hub", "schema", "connectors", "auth", "policies"):
        for file in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                match node:
                    case ast.Call(
                        func=ast.Attribute(value=ast.Name(id="log" | "_log"), attr=level),
                        args=[first, *_],
                    ) if level in LEVELS:
                        told = first.value if isinstance(first, ast.Constant) else "(computed)"
                        yield str(file.relative_to(ROOT)), str(told)


def test_every_event_in_the_code_is_listed_and_the_other_way_round() -> None:
    found = set(events_in_code())
    assert {(file, event) for file, event in found if event not in EVENTS} == set()
    assert set(EVENTS) - {event for _, event in found} == set()


def test_an_event_is_one_line_of_json(logged: io.StringIO) -> None:
    structlog.get_logger().info("serve.started", port=8000, name="x" * 1000, held={"a": "secret"})
    (line,) = logged.getvalue().splitlines()
    event = json.loads(line)
    assert (event["event"], event["port"], event["level"]) == ("serve.started", 8000, "info")
    assert len(event["name"]) < 300
    assert "secret" not in line


def test_debug_is_silent_unless_asked_for(logged: io.StringIO) -> None:
    structlog.get_logger().debug("reload.no_signal")
    assert logged.getvalue() == ""


def test_an_exception_tells_its_place_but_not_its_message(logged: io.StringIO) -> None:
    try:
        raise ValueError("330100199001011234")
    except ValueError:
        structlog.get_logger().exception("door.failed")
    event = json.loads(logged.getvalue())
    assert event["error"] == "ValueError"
    assert "test_telemetry.py" in event["places"][0]
    assert "330100" not in logged.getvalue()


def test_libraries_cannot_log_data(logged: io.StringIO) -> None:
    logging.getLogger("some.library").warning("value %s", "330100199001011234")
    logging.getLogger("some.library").warning("value 330100199001011234")
    logging.getLogger("some.library").info("GET https://h/persons?id=330100199001011234")
    lines = logged.getvalue().splitlines()
    assert len(lines) == 2
    assert "330100" not in logged.getvalue()
    assert json.loads(lines[0])["logger"] == "some.library"


def test_console_form(capsys: pytest.CaptureFixture[str]) -> None:
    out, before = io.StringIO(), structlog.get_config()
    configure_logging("warning", "console", stream=out)
    structlog.get_logger().warning("audit.stuck", waiting=3)
    structlog.configure(**before)
    logging.getLogger().handlers = []
    assert "audit.stuck" in out.getvalue()


def test_spans_hold_names_and_codes_only() -> None:
    exporter = InMemorySpanExporter()
    tracing = open_tracing(None, exporter=exporter)
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with (
        pytest.raises(ValueError, match="secret"),
        tracing.span("operation", {"hub.door": "graphql"}, parent=parent),
        tracing.span("fetch", {"hub.source": "civil", "hub.rows": 3}),
    ):
        raise ValueError("secret")
    tracing.close()
    fetch, operation = exporter.get_finished_spans()
    assert (operation.name, fetch.name) == ("operation", "fetch")
    assert fetch.parent is not None
    assert operation.context is not None
    assert fetch.parent.span_id == operation.context.span_id
    assert f"{operation.context.trace_id:032x}" == "0af7651916cd43dd8448eb211c80319c"
    assert "secret" not in operation.to_json() + fetch.to_json()


def test_without_a_collector_a_span_is_nothing() -> None:
    tracing = open_tracing(None)
    assert not tracing.enabled
    with tracing.span("operation") as one, tracing.span("fetch") as two:
        assert (one, two) == (None, None)
    tracing.close()


def samples(metrics: Metrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    page, content_type = metrics.render()
    assert content_type.startswith("application/openmetrics-text")
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(page.decode())
        for sample in family.samples
    }


def test_the_page_is_openmetrics_with_what_was_counted() -> None:
    metrics = Metrics()
    metrics.operation("ok", None, 0.003)
    metrics.operation("ok", None, 0.3)
    metrics.operation("partial", "SOURCE_TIMEOUT", 20.0)
    metrics.fetch("civil", 0.002, ok=True)
    metrics.fetch("civil", 0.002, ok=False)
    metrics.watch("hub.operations.in_flight", lambda: 3)
    metrics.watch("hub.audit.entries", lambda: 7)
    held = samples(metrics)
    labels = (("code", "SOURCE_TIMEOUT"), ("kind", "source"), ("outcome", "partial"))
    assert held["hub_operations_total", labels] == 1
    assert held["hub_operations_total", (("code", ""), ("kind", ""), ("outcome", "ok"))] == 2
    assert held["hub_operation_duration_seconds_bucket", (("le", "0.005"), ("outcome", "ok"))] == 1
    assert held["hub_operation_duration_seconds_count", (("outcome", "ok"),)] == 2
    assert held["hub_operation_duration_seconds_sum", (("outcome", "partial"),)] == 20.0
    over = (("le", "10.0"), ("outcome", "partial"))
    assert held["hub_operation_duration_seconds_bucket", over] == 0
    assert held["hub_fetches_total", (("ok", "false"), ("source", "civil"))] == 1
    assert held["hub_operations_in_flight", ()] == 3
    assert held["hub_audit_entries_total", ()] == 7
    metrics.operation("ok", None, 0.003)
    assert samples(metrics)["hub_operation_duration_seconds_count", (("outcome", "ok"),)] == 3
    metrics.close()


def test_two_workers_do_not_share_counters() -> None:
    one, two = Metrics(), Metrics()
    one.operation("ok", None, 0.1)
    assert not any(name == "hub_operations_total" for name, _ in samples(two))
    one.close()
    two.close()


def test_every_metric_says_what_it_counts() -> None:
    assert all(
        kind in ("counter", "gauge", "histogram") and about for kind, about in METRICS.values()
    )
