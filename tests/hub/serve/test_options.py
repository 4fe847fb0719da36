"""The doors take what the settings say."""

from __future__ import annotations

from hub.serve.options import DoorOptions, ListenOptions, door_options, listen_options
from hub.settings import Settings
from hub.settings.declared import LimitSettings, Listen, Protocol


def test_defaults_agree() -> None:
    assert door_options(Settings()) == DoorOptions()
    assert listen_options(Settings()) == ListenOptions()


def test_what_is_set_arrives() -> None:
    settings = Settings(
        protocol=Protocol(status="2026", batching=5, trusted_documents="/m.json", get=False),
        limits=LimitSettings(body_bytes=7, in_flight=3),
        listen=Listen(port=9, workers=2, drain_s=1.5),
    )
    door, listen = door_options(settings), listen_options(settings)
    assert (door.status_table, door.batch_max, door.documents, door.get) == (
        "2026", 5, "trusted", False,
    )  # fmt: skip
    assert (door.max_body_bytes, door.in_flight_max) == (7, 3)
    assert (listen.port, listen.workers, listen.drain_s) == (9, 2, 1.5)
