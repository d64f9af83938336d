"""The feed's figures as OpenMetrics text, of which only that is used that the older Prometheus text knows too, so
that a node exporter's text-file collector takes the same file.

Labels are called as in `bareos_exporter`, which reads a Director's catalog: jobname, jobtype, client, level; the
name of the FileSet, its `fileset`, is not told to a File Daemon.
"""

from collections.abc import Iterable, Iterator
from typing import Any

CONTENT_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"


def _duration(job: dict[str, Any]) -> float | None:
    return None if job["ended"] is None else round(job["ended"] - job["started"], 3)


_JOB = (
    ("files", "gauge", "Files saved or restored so far", lambda job: job["files"]),
    ("read_bytes", "gauge", "Content bytes read so far", lambda job: job["read_bytes"]),
    ("sent_bytes", "gauge", "Bytes handed to the Storage daemon so far", lambda job: job["sent_bytes"]),
    ("errors", "gauge", "Errors so far", lambda job: job["errors"]),
    ("warnings", "gauge", "Warnings so far", lambda job: job["warnings"]),
    ("read_bytes_per_second", "gauge", "Content bytes a second now", lambda job: job["rate"]["bytes_now"]),
    ("files_per_second", "gauge", "Files a second now", lambda job: job["rate"]["files_now"]),
    ("started_timestamp_seconds", "gauge", "When the job began", lambda job: job["started"]),
    ("progress_ratio", "gauge", "Estimated share of the work done", lambda job: job["progress"]["fraction"]),
    ("left_seconds", "gauge", "Estimated time left", lambda job: job["progress"]["seconds_left"]),
)
_RECENT = (
    ("files", "gauge", "Files of the last finished job", lambda job: job["files"]),
    ("read_bytes", "gauge", "Content bytes of the last finished job", lambda job: job["read_bytes"]),
    (
        "sent_bytes",
        "gauge",
        "Bytes to the Storage daemon of the last finished job",
        lambda job: job["sent_bytes"],
    ),
    ("errors", "gauge", "Errors of the last finished job", lambda job: job["errors"]),
    ("duration_seconds", "gauge", "Duration of the last finished job", _duration),
    ("ended_timestamp_seconds", "gauge", "When the last finished job ended", lambda job: job["ended"]),
    ("ok", "gauge", "1 if the last finished job ended well", lambda job: int(job["status"] in ("T", "W"))),
)


def metrics(view: dict[str, Any], base_of: Any) -> str:
    """OpenMetrics text of a full view; `base_of` makes a job's configured name from its unique one."""
    daemon = view["daemon"]
    lines = [
        *_family("fdaemon_build_info", "gauge", "What runs here"),
        f"fdaemon_build_info{_labels(client=daemon['name'], release=daemon['release'])} 1",
        *_family("fdaemon_start_timestamp_seconds", "gauge", "When the daemon began"),
        f"fdaemon_start_timestamp_seconds{_labels(client=daemon['name'])} {daemon['started']}",
        *_family("fdaemon_finished_jobs", "gauge", "Jobs finished since then"),
        f"fdaemon_finished_jobs{_labels(client=daemon['name'])} {daemon['finished_jobs']}",
        *_family("fdaemon_running_jobs", "gauge", "Jobs that run"),
        f"fdaemon_running_jobs{_labels(client=daemon['name'])} {len(view['jobs'])}",
        *_family("fdaemon_monitor_viewers", "gauge", "Viewers of the live feed"),
        f"fdaemon_monitor_viewers{_labels(client=daemon['name'])} {daemon['viewers']}",
    ]
    for name, kind, text, value in _JOB:
        lines += _series(
            f"fdaemon_job_{name}", kind, text, _told(view["jobs"], value, daemon, base_of, running=True)
        )
    newest = {_identity(job, base_of): job for job in view["recent"]}.values()
    for name, kind, text, value in _RECENT:
        lines += _series(
            f"fdaemon_last_job_{name}", kind, text, _told(newest, value, daemon, base_of, running=False)
        )
    return "\n".join([*lines, "# EOF", ""])


def _told(
    jobs: Iterable[dict[str, Any]], value: Any, daemon: dict[str, Any], base_of: Any, *, running: bool
) -> Iterator[tuple[str, Any]]:
    for job in jobs:
        figure = value(job)
        if figure is None:
            continue
        words = {"client": daemon["name"], **dict(zip(_NAMES, _identity(job, base_of), strict=True))}
        if running:
            words["jobid"] = str(job["job_id"])
        yield _labels(**words), figure


_NAMES = ("jobname", "level", "jobtype", "director")


def _identity(job: dict[str, Any], base_of: Any) -> tuple[str, ...]:
    return base_of(job["name"]), job["level"], job["type"], job["director"]


def _family(name: str, kind: str, text: str) -> list[str]:
    return [f"# TYPE {name} {kind}", f"# HELP {name} {text}."]


def _series(name: str, kind: str, text: str, rows: Iterator[tuple[str, Any]]) -> list[str]:
    found = [f"{name}{labels} {value}" for labels, value in rows]
    return [*_family(name, kind, text), *found] if found else []


def _labels(**words: str) -> str:
    inner = ",".join(f'{name}="{_escaped(value)}"' for name, value in words.items())
    return "{" + inner + "}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
