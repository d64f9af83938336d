"""The resources of a File Daemon as frozen values (page 06 section 6). No secret shows in their repr()."""

from dataclasses import dataclass, field

from fdaemon.config.addresses import DEFAULT_ADDRESSES, DEFAULT_PORT, ListenAddress
from fdaemon.config.messages import MessagesResource

DEFAULT_NETWORK_BUFFER = 262144
SMALLEST_NETWORK_BUFFER = 1024
"""A block has room for its address and for some data."""
LARGEST_NETWORK_BUFFER = 896 * 1024
"""A block that grows by a sixteenth, as the worst case of LZO does, still fits into one packet of a million bytes.

In two packets it is two records, and cannot be restored when it is packed."""


@dataclass(frozen=True, slots=True)
class TlsConfig:
    """The TLS directives of one resource; empty strings are unset, paths are expanded."""

    enable: bool = True
    require: bool = True
    authenticate: bool = False
    verify_peer: bool = False
    certificate: str = ""
    key: str = ""
    ca_certificate_file: str = ""
    ca_certificate_dir: str = ""
    crl: str = ""
    allowed_cn: tuple[str, ...] = ()
    cipher_list: str = ""
    cipher_suites: str = ""
    protocol: str = ""
    dh_file: str = ""

    @property
    def policy(self) -> int:
        """The number for `ssl=`: 0 none, 1 enabled, 2 required (page 01 section 5.6)."""
        return (2 if self.require else 1) if self.enable else 0


@dataclass(frozen=True, slots=True)
class ClientResource:
    """The daemon's own resource. Times in seconds, bandwidth in bytes a second, 0 and empty mean unset.

    `messages` is the name of a Messages resource; `source_address` is numeric; `addresses_listed` tells that
    the addresses come from an Addresses block, which is the only form that the export shows.
    """

    name: str
    description: str = ""
    addresses: tuple[ListenAddress, ...] = DEFAULT_ADDRESSES
    addresses_listed: bool = False
    source_address: str = ""
    working_directory: str = "/var/lib/bareos"
    plugin_directory: str = ""
    plugin_names: tuple[str, ...] = ()
    scripts_directory: str = "/usr/lib/bareos/scripts"
    maximum_concurrent_jobs: int = 1000
    maximum_workers_per_job: int = 2
    messages: str = ""
    sd_connect_timeout: int = 1800
    heartbeat_interval: int = 0
    maximum_network_buffer_size: int = 0
    pki_signatures: bool = False
    pki_encryption: bool = False
    pki_keypair: str = ""
    pki_signers: tuple[str, ...] = ()
    pki_master_keys: tuple[str, ...] = ()
    pki_cipher: str = "aes128"
    ver_id: str = ""
    maximum_bandwidth_per_job: int = 0
    allow_bandwidth_bursting: bool = False
    allowed_script_dir: tuple[str, ...] = ()
    allowed_job_command: tuple[str, ...] = ()
    absolute_job_timeout: int = 0
    always_use_lmdb: bool = False
    lmdb_threshold: int | None = None
    secure_erase_command: str = ""
    log_timestamp_format: str = "%d-%b %H:%M"
    grpc_module: str = "bareos-grpc-fd-plugin-bridge"
    enable_ktls: bool = False
    compatible: bool = False
    pid_directory: str = ""
    maximum_connections: int = 0
    monitor_port: int = 0
    monitor_address: str = "127.0.0.1"
    monitor_socket: str = ""
    monitor_token: str = field(default="", repr=False)
    monitor_token_file: str = ""
    monitor_certificate: str = ""
    monitor_key: str = ""
    monitor_metrics_file: str = ""
    tls: TlsConfig = field(default_factory=TlsConfig)

    @property
    def port(self) -> int:
        """The port of the first listening address, which also names the state file."""
        return self.addresses[0].port if self.addresses else DEFAULT_PORT

    @property
    def fd_port(self) -> int:
        """The older name of `port`."""
        return self.port

    @property
    def network_buffer(self) -> int:
        """Bytes of file data in one packet: what is configured, as far as packets allow it, or the default."""
        size = self.maximum_network_buffer_size or DEFAULT_NETWORK_BUFFER
        return min(max(size, SMALLEST_NETWORK_BUFFER), LARGEST_NETWORK_BUFFER)


@dataclass(frozen=True, slots=True)
class DirectorResource:
    """A Director that may talk to this daemon; `password_key`: the ASCII key of CRAM-MD5 and TLS-PSK."""

    name: str
    password_key: bytes = field(repr=False)
    description: str = ""
    address: str = ""
    port: int = 9101
    connection_from_director_to_client: bool = True
    connection_from_client_to_director: bool = False
    monitor: bool = False
    maximum_bandwidth_per_job: int = 0
    allowed_script_dir: tuple[str, ...] = ()
    allowed_job_command: tuple[str, ...] = ()
    enable_ktls: bool = False
    tls: TlsConfig = field(default_factory=TlsConfig)


@dataclass(frozen=True, slots=True)
class Resources:
    """All that a configuration defines, in the order of reading, before it is checked.

    `path` is the file or pattern that was read; `warnings` are sentences without a line end.
    """

    path: str
    clients: tuple[ClientResource, ...]
    directors: tuple[DirectorResource, ...]
    messages: tuple[MessagesResource, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Configuration:
    """A checked configuration: one client, at least one Director and one Messages resource."""

    path: str
    client: ClientResource
    directors: tuple[DirectorResource, ...]
    messages: tuple[MessagesResource, ...]
    warnings: tuple[str, ...]

    @property
    def own_messages(self) -> MessagesResource:
        """The Messages resource that serves the daemon and all jobs (page 06 section 7.1)."""
        named = (resource for resource in self.messages if resource.name == self.client.messages)
        return next(named, self.messages[0])

    def director(self, name: str) -> DirectorResource | None:
        """The Director resource of exactly this name."""
        return next((director for director in self.directors if director.name == name), None)

    def allowed_job_commands(self, director: DirectorResource) -> tuple[str, ...]:
        """The commands this Director may use, its own list before the client's; empty: all (section 6.3)."""
        return director.allowed_job_command or self.client.allowed_job_command

    def allowed_script_dirs(self, director: DirectorResource) -> tuple[str, ...]:
        """The directories whose scripts this Director may run, by the same rule."""
        return director.allowed_script_dir or self.client.allowed_script_dir

    def bandwidth(self, director: DirectorResource) -> int:
        """The limit per job in bytes a second, the Director's own before the client's; 0: none."""
        return director.maximum_bandwidth_per_job or self.client.maximum_bandwidth_per_job
