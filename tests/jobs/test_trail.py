"""What the trail keeps of a chart that goes round for every file: the first step of each kind, and all of the time."""

from itertools import count

from fdaemon.jobs.trail import KEPT_STEPS, Trail
from statecharts.job import JOB, JobEvent
from statecharts.tracker import Tracker
from statecharts.verify import VERIFY, VerifyEvent

_E = VerifyEvent
DIGESTED = (_E.FILE_FOUND, _E.ATTRIBUTES_SENT, _E.DIGEST_SENT)
PLAIN = (_E.FILE_FOUND, _E.ATTRIBUTES_SENT, _E.DIGEST_WAIVED)


def test_rounds_do_not_push_out_the_steps_of_other_conversations() -> None:
    ticks = count()
    trail = Trail(lambda: float(next(ticks)))
    job, verify = (
        Tracker(JOB, b"", (trail.observe,)),
        Tracker(VERIFY, b"", (trail.observe_round,)),
    )
    job.fire(JobEvent.AUTHENTICATED)
    verify.fire(_E.WALK_STARTED)
    for _ in range(10 * KEPT_STEPS):
        verify.fire_rounds(DIGESTED, 700)
        verify.fire_rounds(PLAIN, 100)
    verify.fire(_E.WALK_ENDED)
    verify.fire(_E.EOD_SENT)
    assert [(step.chart, step.event, step.target) for step in trail.steps] == [
        ("job", "AUTHENTICATED", "Authenticated"),
        ("verify", "WALK_STARTED", "Walk"),
        ("verify", "FILE_FOUND", "Attribute"),
        ("verify", "ATTRIBUTES_SENT", "Digest"),
        ("verify", "DIGEST_SENT", "Walk"),
        ("verify", "DIGEST_WAIVED", "Walk"),
        ("verify", "WALK_ENDED", "Done"),
        ("verify", "EOD_SENT", "Ended"),
    ]


def test_the_time_of_all_rounds_is_kept_and_the_state_is_never_an_old_one() -> None:
    ticks = count()
    trail = Trail(lambda: float(next(ticks)))
    verify = Tracker(VERIFY, b"", (trail.observe_round,))
    verify.fire(_E.VOLUME_OPENED)
    for event in 10 * (_E.ATTRIBUTES_SENT, _E.ATTRIBUTES_SENT, _E.DIGEST_SENT):
        state = verify.fire(event)
        assert [conversation.state for conversation in trail.conversations] == [state.value]
    (conversation,) = trail.conversations
    # one tick a step; the first is the trail's birth
    assert dict(conversation.spent) == {"Idle": 1.0, "Volume": 10.0, "VolumeFile": 20.0}
    assert (conversation.state, conversation.since) == ("Volume", 31.0)
