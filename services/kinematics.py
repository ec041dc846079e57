"""Kinematics process: people in the world in, joint angles out."""

import msgspec

from core import angles
from core.messages import Pose3D
from services.child import Context, Pulse

POLL_MS = 100


def main(context: Context) -> None:
    """Entry point of the process."""
    with context.subscriber() as source, context.publisher() as publisher:
        pulse = Pulse(context, publisher)
        context.ready()
        while True:
            stopping = context.stop.is_set()
            received = source.drain(timeout_ms=POLL_MS)
            for one in received:
                if isinstance(one.message, Pose3D):
                    found = angles.step(one.message)
                    stamps = {**found.stamps, "angles": context.clock.now_ns()}
                    publisher.send("angles", msgspec.structs.replace(found, stamps=stamps))
                    pulse.counts["instants"] += 1
            pulse.beat(source)
            if stopping and not received:
                break
        pulse.beat(source, last=True)
