"""The one table of directives: it drives reading, export, schema and reference (page 06 sections 6 and 7.2)."""

# ruff: noqa: E501 (one directive a line)

from dataclasses import dataclass
from enum import Enum

from fdaemon.config.messages import Destination


class ValueType(Enum):
    """Types of values; the value is the word of the schema and a letter that keeps equal words apart."""

    STRING = ("STRING", "a")
    DIRECTORY = ("DIRECTORY", "a")
    PASSWORD = ("MD5PASSWORD", "a")
    NAME = ("NAME", "a")
    RESOURCE = ("RES", "a")
    STRING_LIST = ("STRING_LIST", "a")
    NAME_LIST = ("STRING_LIST", "b")
    DIRECTORY_LIST = ("DIRECTORY_LIST", "a")
    PLUGIN_NAMES = ("PLUGIN_NAMES", "a")
    PINT32 = ("PINT32", "a")
    BOOLEAN = ("BOOLEAN", "a")
    TIME = ("TIME", "a")
    SPEED = ("SPEED", "a")
    CIPHER = ("ENCRYPTION_CIPHER", "a")
    PORT = ("PORT", "a")
    ADDRESS = ("ADDRESS", "a")
    ADDRESSES = ("ADDRESSES", "a")
    MESSAGES = ("MESSAGES", "a")

    @property
    def word(self) -> str:
        """The data type as the schema names it."""
        return self.value[0]


class Effect(Enum):
    """What the Python daemon does with a directive."""

    HONOURED = "honoured"
    ACCEPTED = "accepted, no effect"


@dataclass(frozen=True, slots=True)
class Directive:
    """One directive. `field` is where its value goes in the resource ("tls.x": in its TlsConfig).

    `default` is the text of the schema; `versions` as the schema writes them; `obsolete` directives are known to
    older releases only: they are accepted with a warning and are not part of the schema. `own` directives are
    this daemon's: no Bareos release reads a configuration with them, and they are not part of the schema either.
    """

    name: str
    type: ValueType
    field: str
    note: str
    default: str | None = None
    aliases: tuple[str, ...] = ()
    effect: Effect = Effect.HONOURED
    required: bool = False
    deprecated: bool = False
    obsolete: bool = False
    own: bool = False
    warned: bool = False
    platform: bool = False
    versions: str = ""
    code: int = 0

    @property
    def in_schema(self) -> bool:
        """True for what the schema of Bareos knows."""
        return not (self.obsolete or self.own)

    @property
    def warns(self) -> bool:
        """True when its use gives a configuration warning."""
        return self.deprecated or self.obsolete or self.warned


class ResourceType(Enum):
    """Resource types in the order of the export; the value is the name."""

    DIRECTOR = "Director"
    CLIENT = "Client"
    MESSAGES = "Messages"


RESOURCE_ALIASES = {"filedaemon": ResourceType.CLIENT}

CIPHERS = (
    "blowfish",
    "3des",
    "aes128",
    "aes192",
    "aes256",
    "camellia128",
    "camellia192",
    "camellia256",
    "aes128hmacsha1",
    "aes256hmacsha1",
)

_S, _D, _B, _N = ValueType.STRING, ValueType.DIRECTORY, ValueType.BOOLEAN, ValueType.PINT32
_NONE = Effect.ACCEPTED

_TLS = (
    Directive("TlsAuthenticate", _B, "tls.authenticate", "TLS for the authentication only: not supported, the session stays encrypted.", "false", effect=_NONE, warned=True),
    Directive("TlsEnable", _B, "tls.enable", "Offer TLS; `no` also lets a Director of that resource come in cleartext.", "true"),
    Directive("TlsRequire", _B, "tls.require", "Refuse what would end in cleartext.", "true"),
    Directive("TlsCipherList", _S, "tls.cipher_list", "OpenSSL cipher list for TLS up to 1.2.", platform=True),
    Directive("TlsCipherSuites", _S, "tls.cipher_suites", "OpenSSL cipher suites for TLS 1.3; a pre-shared key needs one with SHA-256.", platform=True),
    Directive("TlsDhFile", _D, "tls.dh_file", "PEM file with Diffie-Hellman parameters."),
    Directive("TlsProtocol", _S, "tls.protocol", "Value of OpenSSL's `Protocol` command, for example `-TLSv1.3`.", platform=True, versions="20.0.0-"),
    Directive("TlsVerifyPeer", _B, "tls.verify_peer", "Demand a certificate from the peer and check it.", "false"),
    Directive("TlsCaCertificateFile", _D, "tls.ca_certificate_file", "PEM file with the trusted authorities."),
    Directive("TlsCaCertificateDir", _D, "tls.ca_certificate_dir", "Hashed directory with the trusted authorities."),
    Directive("TlsCertificateRevocationList", _D, "tls.crl", "PEM file with revoked certificates."),
    Directive("TlsCertificate", _D, "tls.certificate", "PEM file with the own certificate."),
    Directive("TlsKey", _D, "tls.key", "PEM file with the own private key, without a passphrase."),
    Directive("TlsAllowedCn", ValueType.NAME_LIST, "tls.allowed_cn", "Common names that a verified peer may have; none: any."),
)  # fmt: skip

DIRECTOR = (
    Directive("Name", ValueType.NAME, "name", "The name in the Director's hello.", required=True),
    Directive("Description", _S, "description", "Free text.", effect=_NONE),
    Directive("Password", ValueType.PASSWORD, "password_key", "Shared with the Client resource of the Director; plain or `[md5]` and 32 hexadecimal digits.", required=True),
    Directive("Address", _S, "address", "Where the Director listens; for connections that the client begins."),
    Directive("Port", _N, "port", "Port of the Director; for connections that the client begins.", "9101", versions="16.2.2-"),
    Directive("ConnectionFromDirectorToClient", _B, "connection_from_director_to_client", "Let this Director connect.", "true", versions="16.2.2-"),
    Directive("ConnectionFromClientToDirector", _B, "connection_from_client_to_director", "Keep one connection to this Director open.", "false", versions="16.2.2-"),
    Directive("Monitor", _B, "monitor", "Only status commands are allowed.", "false"),
    Directive("MaximumBandwidthPerJob", ValueType.SPEED, "maximum_bandwidth_per_job", "Limit of the job's data to and from the Storage daemon, instead of the client's."),
    Directive("AllowedScriptDir", ValueType.DIRECTORY_LIST, "allowed_script_dir", "Directories whose scripts may run, instead of the client's list; one a line."),
    Directive("AllowedJobCommand", ValueType.STRING_LIST, "allowed_job_command", "Which of backup, estimate, restore, runscript, verify are allowed, instead of the client's list."),
    Directive("EnableKtls", _B, "enable_ktls", "Known to release 23 only.", "false", effect=_NONE, obsolete=True),
    *_TLS,
)  # fmt: skip

_MONITOR = (
    Directive("MonitorPort", _N, "monitor_port", "Port of the live monitor's feed; 0: none. The feed is off unless this or `Monitor Socket` is set.", "0", own=True),
    Directive("MonitorAddress", _S, "monitor_address", "Numeric address of the feed. Beyond loopback it needs `Monitor Certificate`.", "127.0.0.1", own=True),
    Directive("MonitorSocket", _D, "monitor_socket", "Path of a Unix socket for the feed, instead of or beside the port.", own=True),
    Directive("MonitorToken", _S, "monitor_token", "What a viewer has to show, at least 16 characters; instead of a file.", own=True),
    Directive("MonitorTokenFile", _D, "monitor_token_file", "File with the token; made with a fresh one if it is not there. Default: `NAME.monitor-token` in the working directory.", own=True),
    Directive("MonitorCertificate", _D, "monitor_certificate", "PEM file with the certificate of the feed: with it the port speaks TLS.", own=True),
    Directive("MonitorKey", _D, "monitor_key", "PEM file with its private key; default: the certificate's file.", own=True),
    Directive("MonitorMetricsFile", _D, "monitor_metrics_file", "OpenMetrics text for a node exporter's text-file collector, kept up to date; the name ends in `.prom`.", own=True),
)  # fmt: skip

CLIENT = (
    Directive("Name", ValueType.NAME, "name", "The daemon's own name: in challenges, TLS identities, messages and file names.", required=True),
    Directive("Description", _S, "description", "Free text.", effect=_NONE),
    Directive("Port", ValueType.PORT, "addresses", "Listen on this port of all addresses.", "9102", ("FdPort",)),
    Directive("Address", ValueType.ADDRESS, "addresses", "Listen on this address only.", "9102", ("FdAddress",)),
    Directive("Addresses", ValueType.ADDRESSES, "addresses", "Block of addresses to listen on.", "9102", ("FdAddresses",)),
    Directive("SourceAddress", ValueType.ADDRESS, "source_address", "Local address of outgoing connections.", "0", ("FdSourceAddress",)),
    Directive("WorkingDirectory", _D, "working_directory", "State and trace files; has to exist.", "/var/lib/bareos", platform=True),
    Directive("PluginDirectory", _D, "plugin_directory", "Where C++ plugins are: this daemon loads none.", effect=_NONE),
    Directive("PluginNames", ValueType.PLUGIN_NAMES, "plugin_names", "Which C++ plugins to load: this daemon loads none.", effect=_NONE),
    Directive("ScriptsDirectory", _D, "scripts_directory", "Not used by a File Daemon.", "/usr/lib/bareos/scripts", effect=_NONE, platform=True),
    Directive("MaximumConcurrentJobs", _N, "maximum_concurrent_jobs", "Jobs and connections served at the same time.", "1000", deprecated=True, versions="-24.0.0"),
    Directive("MaximumWorkersPerJob", _N, "maximum_workers_per_job", "Threads that digest, compress and encrypt for one job; 0: none beside the reader.", "2", versions="23.0.0-"),
    Directive("Messages", ValueType.RESOURCE, "messages", "The Messages resource to use; default: the first one read.", code=2),
    Directive("SdConnectTimeout", ValueType.TIME, "sd_connect_timeout", "How long to try to reach a Storage daemon.", "1800"),
    Directive("HeartbeatInterval", ValueType.TIME, "heartbeat_interval", "Keepalive time of connections and interval of heartbeat packets; 0: off.", "0"),
    Directive("MaximumNetworkBufferSize", _N, "maximum_network_buffer_size", "File data in one packet, 1024 to 917504 bytes; 0: 262144."),
    Directive("PkiSignatures", _B, "pki_signatures", "Sign the data of backups.", "false"),
    Directive("PkiEncryption", _B, "pki_encryption", "Encrypt the data of backups; signs them too.", "false"),
    Directive("PkiKeyPair", _D, "pki_keypair", "PEM file with the own certificate and private key."),
    Directive("PkiSigner", ValueType.DIRECTORY_LIST, "pki_signers", "Further PEM files whose signatures are trusted; one a line."),
    Directive("PkiMasterKey", ValueType.DIRECTORY_LIST, "pki_master_keys", "PEM certificates of further recipients; one a line."),
    Directive("PkiCipher", ValueType.CIPHER, "pki_cipher", "Cipher of encrypted backups: " + ", ".join(CIPHERS) + ".", "aes128"),
    Directive("VerId", _S, "ver_id", "Shown nowhere.", effect=_NONE),
    Directive("MaximumBandwidthPerJob", ValueType.SPEED, "maximum_bandwidth_per_job", "Limit of a job's data to and from the Storage daemon in bytes a second."),
    Directive("AllowBandwidthBursting", _B, "allow_bandwidth_bursting", "Let unused bandwidth add up.", "false"),
    Directive("AllowedScriptDir", ValueType.DIRECTORY_LIST, "allowed_script_dir", "Directories whose scripts may run; none: all. One a line, their sub-directories are not meant."),
    Directive("AllowedJobCommand", ValueType.STRING_LIST, "allowed_job_command", "Which of backup, estimate, restore, runscript, verify are allowed; none: all."),
    Directive("AbsoluteJobTimeout", _N, "absolute_job_timeout", "Seconds that one wait on a connection may last before the job is canceled; 0: no limit.", versions="14.2.0-"),
    Directive("AlwaysUseLmdb", _B, "always_use_lmdb", "Where the C++ daemon keeps the accurate list.", "false", effect=_NONE, deprecated=True, versions="-24.0.0"),
    Directive("LmdbThreshold", _N, "lmdb_threshold", "Where the C++ daemon keeps the accurate list.", effect=_NONE),
    Directive("SecureEraseCommand", _S, "secure_erase_command", "Command that removes files, with the path as its argument.", versions="15.2.1-"),
    Directive("LogTimestampFormat", _S, "log_timestamp_format", "strftime format of log lines.", "%d-%b %H:%M", versions="15.2.3-"),
    Directive("GrpcModule", _S, "grpc_module", "Bridge of the C++ daemon to Python plugins.", "bareos-grpc-fd-plugin-bridge", effect=_NONE, versions="25.0.0-"),
    Directive("EnableKtls", _B, "enable_ktls", "Kernel TLS in the C++ daemon.", "false", effect=_NONE, versions="23.0.0-"),
    Directive("Compatible", _B, "compatible", "Known to release 22 only.", effect=_NONE, obsolete=True),
    Directive("PidDirectory", _D, "pid_directory", "Known to release 22 only; see option `-p`.", effect=_NONE, obsolete=True),
    Directive("MaximumConnections", _N, "maximum_connections", "Known to release 22 only.", effect=_NONE, obsolete=True),
    *_MONITOR,
    *_TLS,
)  # fmt: skip


def _to(name: str, destination: Destination, note: str, effect: Effect = Effect.HONOURED) -> Directive:
    return Directive(name, ValueType.MESSAGES, "destinations", note, effect=effect, code=destination.value)


MESSAGES = (
    Directive("Name", ValueType.NAME, "name", "Its name."),
    Directive("Description", _S, "description", "Free text.", effect=_NONE),
    Directive("MailCommand", _S, "mail_command", "Command for the mail destinations below it.", effect=_NONE),
    Directive("OperatorCommand", _S, "operator_command", "Command for the operator destinations below it.", effect=_NONE),
    Directive("TimestampFormat", _S, "timestamp_format", "strftime format of the destinations below it."),
    _to("Syslog", Destination.SYSLOG, "`types` or `facility = types`."),
    _to("Mail", Destination.MAIL, "`addresses = types`; this daemon sends no mail.", _NONE),
    _to("MailOnError", Destination.MAIL_ON_ERROR, "`addresses = types`; this daemon sends no mail.", _NONE),
    _to("MailOnSuccess", Destination.MAIL_ON_SUCCESS, "`addresses = types`; this daemon sends no mail.", _NONE),
    _to("File", Destination.FILE, "`path = types`; a new file for each job."),
    _to("Append", Destination.APPEND, "`path = types`."),
    _to("Stdout", Destination.STDOUT, "`types`."),
    _to("Stderr", Destination.STDERR, "`types`."),
    _to("Director", Destination.DIRECTOR, "`names = types`; to the Director of the job, whatever the name."),
    _to("Console", Destination.CONSOLE, "`types`; means nothing in a File Daemon.", _NONE),
    _to("Operator", Destination.OPERATOR, "`addresses = types`; this daemon sends no mail.", _NONE),
    _to("Catalog", Destination.CATALOG, "`types`; means nothing in a File Daemon.", _NONE),
)  # fmt: skip

TABLE: dict[ResourceType, tuple[Directive, ...]] = {
    ResourceType.DIRECTOR: DIRECTOR,
    ResourceType.CLIENT: CLIENT,
    ResourceType.MESSAGES: MESSAGES,
}


def find_resource(word: str) -> ResourceType | None:
    """The resource type of a word in any case."""
    known = {kind.value.lower(): kind for kind in ResourceType} | RESOURCE_ALIASES
    return known.get(word.lower())


def find_directive(resource: ResourceType, word: str) -> Directive | None:
    """The directive of a word in any case, aliases included."""
    lower = word.lower()
    return next(
        (item for item in TABLE[resource] if lower in {name.lower() for name in (item.name, *item.aliases)}),
        None,
    )
