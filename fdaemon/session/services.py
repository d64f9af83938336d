"""What all sessions of one daemon share: its resources, its registry, what it says of itself. No secrets in views."""

import platform
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import trio

from fdaemon.config import Configuration, DirectorResource
from fdaemon.config.messages import Destination
from fdaemon.config.options import Options
from fdaemon.config.resources import TlsConfig
from fdaemon.jobs.reporter import Reporter, Standing
from fdaemon.net.newcomers import Newcomers
from fdaemon.net.packets import PacketStream
from fdaemon.net.tls import TlsSettings
from fdaemon.protocol.messages import MessageType
from fdaemon.protocol.tls_policy import policy_of
from fdaemon.registry import Registry
from fdaemon.session.debug import Debug
from fdaemon.session.keys import KeyRing
from fdaemon.session.outlets import Outlets
from fdaemon.views import DaemonView
from statecharts.tracker import Observer

if TYPE_CHECKING:
    from fdaemon.monitor.service import Served

MOST_NEWCOMERS = 256
"""Connections that have not proved who they are: a quarter of the usual limit of descriptors. A Director proves itself
within milliseconds, so many that arrive at once are still let in."""


@dataclass(frozen=True, slots=True)
class Release:
    """What the daemon claims to be: the Bareos release whose protocol it speaks, its dates, the system below."""

    version: str = "25.1.0"
    date: str = "03 August 2026"
    short_date: str = "03Aug26"
    system: str = "Linux"
    platform: str = "linux"

    @property
    def line(self) -> bytes:
        """The first message of a job's data phase."""
        return f"Version: {self.version} ({self.date}) {self.system}\n".encode()


def this_system() -> Release:
    """The release as it stands on this machine (os-release file)."""
    try:
        names = platform.freedesktop_os_release()
    except OSError:
        return Release(system=platform.system(), platform=platform.system().lower())
    return Release(system=names.get("PRETTY_NAME", "Linux"), platform=names.get("ID", "linux"))


@dataclass(slots=True)
class Services:
    """The daemon as its sessions know it. `log` takes daemon messages: type and text without prefix."""

    configuration: Configuration
    options: Options
    registry: Registry
    release: Release
    log: Callable[[MessageType, str], None]
    observers: tuple[Observer, ...] = ()
    debug: Debug = field(default_factory=Debug)
    started: float = field(default_factory=time.time)
    refusals: trio.Lock = field(default_factory=trio.Lock)
    writing: trio.CapacityLimiter = field(default_factory=partial(trio.CapacityLimiter, 1))
    """Of the list of terminated jobs: on a slow disk the next writer waits for the last, or both would spoil it."""
    newcomers: Newcomers = field(default_factory=partial(Newcomers, MOST_NEWCOMERS))
    addresses: tuple[tuple[str, int], ...] = ()
    default_bandwidth: int | None = None
    monitor: "Served | None" = None
    keys: KeyRing | None = field(default=None, repr=False)
    outlets: Outlets = field(init=False)
    left: trio.Event = field(default_factory=trio.Event)
    """Set when a session is over; who waits for the next one puts a new event here."""

    def __post_init__(self) -> None:
        self.configure(self.configuration)
        self.observers = (*self.observers, self.debug.observe)

    def configure(self, configuration: Configuration) -> None:
        """Take over a configuration, at the start and at a reload; what runs goes on as it began."""
        self.configuration = configuration
        client = configuration.client
        self.outlets = Outlets(configuration.own_messages, client.name, client.log_timestamp_format)
        self.debug.name = client.name
        self.debug.trace_path = f"{client.working_directory}/{client.name}.trace"

    @property
    def name(self) -> bytes:
        """The Client resource's name."""
        return self.configuration.client.name.encode()

    def director(self, name: bytes) -> DirectorResource | None:
        """The Director resource of that name."""
        return next((found for found in self.configuration.directors if found.name.encode() == name), None)

    def bandwidth(self, director: DirectorResource | None) -> int:
        """The limit of a job without one of its own, in bytes a second: the Director's, else the client's."""
        if director is not None and director.maximum_bandwidth_per_job:
            return director.maximum_bandwidth_per_job
        own = self.configuration.client.maximum_bandwidth_per_job
        return own if self.default_bandwidth is None else self.default_bandwidth

    def limit_waits(self, packets: PacketStream) -> None:
        """Put the `Absolute Job Timeout` on a job's connection: it limits each wait (protocol/01 section 11.2)."""
        limit = self.configuration.client.absolute_job_timeout
        if limit and not self.options.no_signals:
            packets.read_patience = packets.write_patience = limit

    def wanted_messages(self) -> frozenset[MessageType]:
        """The message types that go to the Director."""
        return frozenset(
            kind
            for kind in MessageType
            for destination in self.configuration.own_messages.destinations_for(int(kind))
            if destination.kind is Destination.DIRECTOR
        )

    def reporter(self, standing: Standing, send: Callable[[bytes], Awaitable[object]]) -> Reporter:
        """The way of one session's messages: to its Director, and to the destinations on this machine."""
        outlets = self.outlets
        resource = self.configuration.own_messages

        async def also(kind: MessageType, when: int, text: bytes) -> None:
            shown = text.decode("utf-8", "surrogateescape")
            await trio.to_thread.run_sync(outlets.write, kind, when, shown)

        return Reporter(
            standing,
            send,
            name=self.name,
            wanted=self.wanted_messages(),
            accepted=frozenset(kind for kind in MessageType if resource.accepts(int(kind))),
            local=frozenset(kind for kind in MessageType if outlets.takes(kind)),
            also=also,
        )

    def view(self) -> DaemonView:
        """A frozen picture of the daemon and its jobs."""
        client = self.configuration.client
        return DaemonView(
            name=client.name,
            release=self.release.version,
            release_date=self.release.date,
            system=self.release.system,
            started=self.started,
            finished_jobs=self.registry.finished,
            debug=self.debug.level,
            trace=self.debug.trace,
            bandwidth=self.bandwidth(None),
            secure_erase=client.secure_erase_command,
            warnings=self.configuration.warnings,
            jobs=self.registry.jobs(),
            sessions=self.registry.sessions(),
            recent=tuple(self.registry.recent),
            binary="fdaemon",
            limits=(
                ("concurrent_jobs", client.maximum_concurrent_jobs),
                ("workers_per_job", client.maximum_workers_per_job),
                ("network_buffer", client.network_buffer),
            ),
        )


def tls_settings(tls: TlsConfig) -> TlsSettings:
    """The settings of a resource as the net room takes them."""
    return TlsSettings(
        certificate=tls.certificate or None,
        key=tls.key or None,
        ca_file=tls.ca_certificate_file or None,
        ca_dir=tls.ca_certificate_dir or None,
        crl=tls.crl or None,
        verify_peer=tls.verify_peer,
        allowed_cns=tls.allowed_cn,
        cipher_list=tls.cipher_list,
        cipher_suites=tls.cipher_suites,
        protocol=tls.protocol,
        dh_file=tls.dh_file or None,
    )


def tls_policy(tls: TlsConfig) -> int:
    """The policy number of a resource, as it stands behind `ssl=`."""
    return policy_of(enable=tls.enable, require=tls.require)
