"""Views as JSON values of the feed, and the difference between two of them. Pure; nothing secret is in a view.

The form is published in docs/monitor-feed.schema.json; a change that breaks readers needs a new VERSION.
"""

from typing import Any

from fdaemon.monitor.sampling import Sample
from fdaemon.views import ConversationView, DaemonView, JobView, TransitionView

VERSION = 1
LONGEST_MESSAGE = 1000
"""Characters of a job message that are shown."""

type Json = dict[str, Any]


def shown(text: str | bytes) -> str:
    """Text that every JSON reader takes: bytes that are not UTF-8 are written as `\\xNN`."""
    raw = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
    return raw.decode("utf-8", "backslashreplace")


def daemon_document(view: DaemonView, viewers: int, period: float) -> Json:
    """The daemon's own figures."""
    return {
        "name": shown(view.name),
        "release": view.release,
        "system": shown(view.system),
        "binary": view.binary,
        "started": round(view.started, 3),
        "finished_jobs": view.finished_jobs,
        "bandwidth": view.bandwidth,
        "limits": dict(view.limits),
        "warnings": [shown(text) for text in view.warnings],
        "sessions": [
            {"director": shown(session.director), "started": round(session.started, 3)}
            for session in view.sessions
        ],
        "viewers": viewers,
        "period": period,
    }


def job_document(job: JobView, sample: Sample) -> Json:
    """One job, running or over."""
    flow = job.flow
    return {
        "key": job.key,
        "job_id": job.job_id,
        "name": shown(job.name),
        "type": job.type,
        "level": job.level,
        "director": shown(job.director),
        "status": job.status,
        "started": round(job.started, 3),
        "ended": None if job.ended is None else round(job.ended, 3),
        "conversations": [_conversation(item) for item in job.conversations],
        "transitions": [_step(item) for item in job.transitions],
        "files": job.files,
        "examined": job.examined,
        "read_bytes": job.read_bytes,
        "sent_bytes": job.job_bytes,
        "rate": {
            "files_now": round(sample.files_now, 1),
            "bytes_now": round(sample.bytes_now),
            "files_average": round(sample.files_average, 1),
            "bytes_average": round(sample.bytes_average),
        },
        "compression": None if not job.read_bytes else round(1 - job.job_bytes / job.read_bytes, 4),
        "errors": job.errors,
        "warnings": job.warnings,
        "messages": [
            {"time": item.time, "type": item.type, "text": shown(item.text)[:LONGEST_MESSAGE]}
            for item in job.messages
        ],
        "current": shown(job.current) if job.ended is None else "",
        "bandwidth": job.bandwidth,
        "walk_ahead": 0 if flow is None else max(0, job.files - flow.sent_files) if job.type == "B" else 0,
        "queue": {"used": 0 if flow is None else flow.used, "size": 0 if flow is None else flow.size},
        "waits": {name: round(share, 2) for name, share in sample.waits},
        "waits_on": sample.waits_on,
        "progress": {
            "fraction": None if sample.progress.fraction is None else round(sample.progress.fraction, 4),
            "seconds_left": None
            if sample.progress.seconds_left is None
            else round(sample.progress.seconds_left, 1),
            "source": sample.progress.source,
            "basis": sample.progress.basis,
        },
    }


def view_document(sequence: int, now: float, daemon: Json, jobs: list[Json], recent: list[Json]) -> Json:
    """A full view."""
    return {
        "v": VERSION,
        "kind": "view",
        "seq": sequence,
        "time": round(now, 3),
        "daemon": daemon,
        "jobs": jobs,
        "recent": recent,
    }


def change_document(sequence: int, now: float, before: Json, after: Json) -> Json:
    """What makes the full view `before` into `after`: changed members only, jobs by their key."""
    change: Json = {"v": VERSION, "kind": "change", "seq": sequence, "time": round(now, 3)}
    daemon = _changed(before["daemon"], after["daemon"])
    if daemon:
        change["daemon"] = daemon
    known = {job["key"]: job for job in before["jobs"]}
    jobs = []
    for job in after["jobs"]:
        old = known.pop(job["key"], None)
        new = job if old is None else _changed(old, job)
        if new:
            jobs.append({"key": job["key"], **new})
    if jobs:
        change["jobs"] = jobs
    if known:
        change["gone"] = sorted(known)
    told = {job["key"] for job in before["recent"]}
    recent = [job for job in after["recent"] if job["key"] not in told]
    if recent:
        change["recent"] = recent
    return change


def is_empty(change: Json) -> bool:
    """True for a change that says only that time goes by."""
    return change.keys() == {"v", "kind", "seq", "time"}


def _changed(before: Json, after: Json) -> Json:
    return {name: value for name, value in after.items() if before.get(name) != value}


def _conversation(item: ConversationView) -> Json:
    return {
        "chart": item.chart,
        "state": item.state,
        "since": round(item.since, 3),
        "spent": {state: round(seconds, 3) for state, seconds in item.spent},
    }


def _step(item: TransitionView) -> Json:
    return {
        "time": round(item.time, 3),
        "chart": item.chart,
        "source": item.source,
        "event": item.event,
        "target": item.target,
    }
