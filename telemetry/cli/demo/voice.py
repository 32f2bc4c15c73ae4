"""Five voice devices of two tenants: one is degraded, one has failed."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from random import Random
from typing import Any

from telemetry.cli.demo.month import Month, busyness

Event = dict[str, Any]

PHRASES = ["stop", "louder please", "next", "what time is it", "cancel the timer"]

FLAGS = ("capture_degraded", "aec_unstable", "device_changed", "stream_gap_detected")

# How often a device reports its timing.
EVERY = timedelta(hours=2)


@dataclass(frozen=True)
class Device:
    """A device, and how it ends the month; ``flags`` are those that are true then."""

    tenant_id: str
    device_id: str
    device_type: str
    session_id: int
    jitter_ms: float
    health: str = "HEALTHY"
    flags: tuple[str, ...] = ()
    minutes_ago: float = 4.0

    @property
    def names(self) -> Event:
        """The fields with which every event names the device."""
        return {"tenant_id": self.tenant_id, "device_id": self.device_id}


DEVICES = (
    Device("acme", "kitchen-1", "speaker", 7001, 4.1, "FAILED", ("device_changed",), 17),
    Device("acme", "lobby-07", "speaker", 7002, 9.8, "DEGRADED", ("stream_gap_detected",), 11),
    Device("acme", "office-2", "desk phone", 7003, 1.9, minutes_ago=3),
    Device("globex", "van-1", "car kit", 7004, 6.4, minutes_ago=38),
    Device("globex", "desk-3", "headset", 7005, 0.8, minutes_ago=1.5),
)


def events_of(month: Month) -> list[Event]:
    """Return what the devices observed, oldest first."""
    events = [event for device in DEVICES for event in _events(month, device)]
    return sorted(events, key=lambda event: int(event["created_at"]))


def _events(month: Month, device: Device) -> Iterator[Event]:
    keys = count(1)

    def event(moment: datetime, kind: str, **fields: Any) -> Event:
        return {
            **device.names,
            "session_id": device.session_id,
            "event_kind": kind,
            "created_at": int(moment.timestamp() * 1_000_000) * 1000,
            "idempotency_key": f"{kind.lower()}-{next(keys)}",
            **fields,
        }

    for number, slot in month.slots(EVERY):
        chance = month.chance(device.device_id, number)
        moment = slot + chance.random() * 0.3 * EVERY
        if number % 12 == 11:
            yield event(moment, "DEVICE_STATE", **_state(device, "HEALTHY"))
            yield event(moment, "DEGRADATION_FLAGS", **dict.fromkeys(FLAGS, False))
        yield event(moment, "TIMING_STATS", **_timing(chance, device.jitter_ms))
        if chance.random() < busyness(moment):
            for kind, fields in _conversation(chance):
                moment += timedelta(seconds=chance.uniform(0.2, 4))
                yield event(moment, kind, **fields)
    last = month.ago(minutes=device.minutes_ago)
    timing = _timing(month.chance(device.device_id, "last"), device.jitter_ms)
    yield event(last - timedelta(seconds=2), "TIMING_STATS", **timing)
    flags = {name: name in device.flags for name in FLAGS}
    yield event(last - timedelta(seconds=1), "DEGRADATION_FLAGS", **flags)
    yield event(last, "DEVICE_STATE", **_state(device, device.health))


def _conversation(chance: Random) -> Iterator[tuple[str, Event]]:
    """Yield what a device observes while someone speaks to it."""
    stream = f"mic-{chance.getrandbits(24):06x}"
    buffer_id = chance.randint(1, 9999)
    yield "STREAM_REFS", {"processed_stream_id": stream, "pre_roll_buffer_id": buffer_id}
    yield "VAD_EVENT", {"processed_stream_id": stream}
    yield "TTS_PLAYBACK_ACTIVE", {"tts_playback_active": True}
    if chance.random() < 0.3:
        phrase = chance.randrange(len(PHRASES))
        text = {"phrase_id": phrase, "phrase_text": PHRASES[phrase], "reason_code": 1}
        yield "INTERRUPT_CANDIDATE", text
    yield "TTS_PLAYBACK_ACTIVE", {"tts_playback_active": False}


def _state(device: Device, health: str) -> Event:
    return {
        "selected_mic": f"{device.device_type} microphone",
        "selected_speaker": f"{device.device_type} speaker",
        "device_health": health,
    }


def _timing(chance: Random, jitter_ms: float) -> Event:
    return {
        "jitter_ms": round(jitter_ms * chance.uniform(0.7, 1.6), 2),
        "drift_ppm": round(chance.gauss(0, 6), 2),
        "buffer_depth_ms": float(chance.choice((20, 40, 40, 60))),
        "underruns": chance.choice((0, 0, 0, 0, 1, 3)),
        "overruns": chance.choice((0, 0, 0, 0, 0, 1)),
    }
