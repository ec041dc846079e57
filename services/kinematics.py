"""Kinematics process: people in the world in, joint angles of those of interest out."""

import msgspec

from core import angles
from core.messages import JointAngles, Message, Pose3D, Subjects
from services.child import Context, Pulse

POLL_MS = 100

Ids = tuple[int, ...]


def step(subjects: Ids, message: Message) -> tuple[Ids, JointAngles | None]:
    """Take in a pose, or who is of interest; nobody named: everybody is."""
    if isinstance(message, Subjects):
        return message.ids, None
    if not isinstance(message, Pose3D):
        return subjects, None
    if subjects:
        persons = tuple(person for person in message.persons if person.id in subjects)
        message = msgspec.structs.replace(message, persons=persons)
    return subjects, angles.step(message)


def main(context: Context) -> None:
    """Entry point of the process."""
    subjects: Ids = context.run.monitor.subjects
    with context.subscriber() as source, context.publisher() as publisher:
        pulse = Pulse(context, publisher)
        context.ready()
        while True:
            stopping = context.stop.is_set()
            received = source.drain(timeout_ms=POLL_MS)
            for one in received:
                subjects, found = step(subjects, one.message)
                if found is not None:
                    stamps = {**found.stamps, "angles": context.clock.now_ns()}
                    publisher.send("angles", msgspec.structs.replace(found, stamps=stamps))
                    pulse.counts["instants"] += 1
            pulse.beat(source)
            if stopping and not received:
                break
        pulse.beat(source, last=True)
