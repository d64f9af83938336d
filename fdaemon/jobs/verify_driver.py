"""Runs a verify job: its data scope, and the job's chart and standing around the exchange. Makes no packet itself."""

from fdaemon.channels.verify import DiskSource, VerifyExchange, VolumeSource
from fdaemon.errors import JobFailed
from fdaemon.jobs.job import Job
from fdaemon.jobs.reporter import Reporter
from fdaemon.outcome import Status
from fdaemon.protocol.messages import MessageType
from statecharts.job import JobEvent


async def verify_disk(job: Job, exchange: VerifyExchange, source: DiskSource) -> None:
    """Levels InitCatalog, Catalog and DiskToCatalog. The job's standing tells how it went."""
    job.tracker.fire(JobEvent.WALK_STARTED)
    well = False
    with job.data_scope() as scope:
        well = await exchange.run_disk(source)
    _settle(job, well, scope.cancelled_caught, JobEvent.WALK_ENDED)


async def verify_volume(job: Job, exchange: VerifyExchange, source: VolumeSource, reporter: Reporter) -> None:
    """Level VolumeToCatalog. A refused read session ends it before the exchange has begun, with nothing owed."""
    storage = job.storage
    assert storage is not None
    well = False
    try:
        with job.data_scope() as scope:
            await storage.open_read(job.spec.session_id, job.spec.session_time)
            job.tracker.fire(JobEvent.STORAGE_OPENED)
            well = await exchange.run_volume(source, storage)
    except JobFailed as failure:
        await reporter.send(MessageType.FATAL, failure.text)
        _settle(job, False, False, JobEvent.FAILED)
        return
    if scope.cancelled_caught:
        storage.break_off()
    _settle(job, well, scope.cancelled_caught, JobEvent.DATA_ENDED)


def _settle(job: Job, well: bool, canceled: bool, end: JobEvent) -> None:
    if canceled:
        job.tracker.fire(JobEvent.CANCELED)
    elif well:
        job.standing.announce(Status.TERMINATED)
        job.tracker.fire(end)
    else:
        job.standing.announce(Status.ERROR)
        job.tracker.fire(JobEvent.FAILED)
