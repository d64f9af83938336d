"""The directory that holds backups: volumes in the Bareos format, a catalog, and a configuration for the
real volume tools.

One program at a time writes to it.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from fdlocal.errors import UsageError
from fdpeers.catalog import Catalog
from fdpeers.errors import CatalogError

CATALOG: Final = "catalog.sqlite"
VOLUMES: Final = "volumes"
TOOLS: Final = "bareos-sd.conf"
DEVICE: Final = "FileStorage"
_LOCK: Final = "lock"


class Repository:
    """An open repository; `catalog` and `volumes` are its parts."""

    def __init__(self, root: Path, catalog: Catalog) -> None:
        self.root = root
        self.catalog = catalog
        self.volumes = root / VOLUMES

    def volume_name(self, job_id: int) -> str:
        """The volume of a job: each has its own."""
        return f"Local-{job_id:04d}"

    def volume(self, job_id: int) -> Path:
        """The file of a job's volume."""
        return self.volumes / self.volume_name(job_id)

    def write_tool_config(self) -> None:
        """A Storage daemon configuration with which the real `bls` and `bextract` read the volumes where
        they are now.
        """
        text = (
            f'Storage {{\n  Name = fdlocal-sd\n  Working Directory = "{self.root}"\n'
            "  Backend Directory = /usr/lib/bareos/backends\n}\n"
            'Director {\n  Name = fdlocal-dir\n  Password = "unused"\n}\n'
            f'Device {{\n  Name = {DEVICE}\n  Media Type = File\n  Archive Device = "{self.volumes}"\n'
            "  Device Type = File\n  Label Media = yes\n  Random Access = yes\n  Automatic Mount = yes\n"
            "  Removable Media = no\n  Always Open = no\n}\n"
        )
        (self.root / TOOLS).write_text(text)


@contextmanager
def open_repository(root: Path, *, create: bool = False) -> Iterator[Repository]:
    """Open, and with `create` make, the repository at `root`. Raises UsageError."""
    root = root.absolute()
    if create:
        _create(root)
    if not (root / CATALOG).exists() and not create:
        raise UsageError(f"{root} is no fdlocal repository: it has no {CATALOG}")
    with _locked(root):
        try:
            catalog = Catalog(root / CATALOG)
        except CatalogError as error:
            raise UsageError(str(error)) from error
        with catalog:
            repository = Repository(root, catalog)
            _recover(repository)
            if create:
                repository.write_tool_config()
            yield repository


def _create(root: Path) -> None:
    if root.exists() and not (root / CATALOG).exists() and any(root.iterdir()):
        raise UsageError(f"{root} is not empty and no fdlocal repository")
    try:
        (root / VOLUMES).mkdir(mode=0o700, parents=True, exist_ok=True)
        root.chmod(0o700)
    except OSError as error:
        raise UsageError(f"cannot make {root}: {error.strerror}") from error


def _recover(repository: Repository) -> None:
    """Jobs that were killed half-way: nobody runs them any more, so they failed, and what they wrote goes."""
    for job in repository.catalog.jobs():
        if job.status == "C":
            repository.volume(job.job_id).unlink(missing_ok=True)
            repository.catalog.forget_files(job.job_id)
            repository.catalog.finish_job(replace(job, status="f", ended=job.started))


@contextmanager
def _locked(root: Path) -> Iterator[None]:
    descriptor = os.open(root / _LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(f"{root} is in use by another fdlocal") from None
        yield
    finally:
        os.close(descriptor)
