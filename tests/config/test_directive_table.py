"""The table of directives: for each the tests that see its effect, or why there is none; checked to be whole and true.

What a directive reads to, its default and its aliases are in test_directives.py for all of them.
"""

import ast
from functools import cache
from pathlib import Path

import pytest

from fdaemon.config.directives import TABLE, Effect, ResourceType

TESTS = Path(__file__).resolve().parents[1]
DOCS = TESTS.parent / "docs" / "configuration.md"

type Tests = tuple[str, ...]

HANDSHAKE = "net/test_tls_handshake.py"
SETTINGS = "monitor/test_settings.py"
OUTLETS = "session/test_outlets.py"
LIMITS = "e2e/test_real_limits.py"
PROCESS = "test_process.py"
LISTEN = "net/test_listen.py::test_default_addresses_share_a_port_where_there_is_ipv6"
SEALED = "e2e/test_replay_backup.py::test_sealed_backup"
CLEAR = "session/test_arrival.py::test_clear_text_is_refused_unless_tls_is_off"
SPEED = f"{LIMITS}::test_a_configured_limit_holds"
SCRIPTS = "session/test_commands.py::test_scripts_only_from_where_they_may_be"
ALLOWED = "session/test_commands.py::test_a_command_that_is_not_allowed"
DEPARTURE = "session/test_departure.py::test_a_parked_connection_is_taken_up_and_replaced_at_once"

TLS: dict[str, Tests] = {
    "TlsEnable": (CLEAR, f"{HANDSHAKE}::test_psk_handshake"),
    "TlsRequire": (CLEAR,),
    "TlsCipherList": (f"{HANDSHAKE}::test_unusable_settings",),
    "TlsCipherSuites": (f"{HANDSHAKE}::test_cipher_suites_are_enforced",),
    "TlsDhFile": (f"{HANDSHAKE}::test_unusable_settings",),
    "TlsProtocol": (f"{HANDSHAKE}::test_protocol_directive",),
    "TlsVerifyPeer": (
        f"{HANDSHAKE}::test_server_with_verification_refuses_a_peer_without_certificate",
        f"{HANDSHAKE}::test_without_verification_any_certificate_will_do",
    ),
    "TlsCaCertificateFile": (f"{HANDSHAKE}::test_untrusted_certificate_is_refused",),
    "TlsCaCertificateDir": (f"{HANDSHAKE}::test_unusable_settings",),
    "TlsCertificateRevocationList": (f"{HANDSHAKE}::test_revocation_list_is_honoured",),
    "TlsCertificate": (f"{HANDSHAKE}::test_certificate_accepted_where_certificates_are_set_up",),
    "TlsKey": (f"{HANDSHAKE}::test_certificate_accepted_where_certificates_are_set_up",),
    "TlsAllowedCn": (f"{HANDSHAKE}::test_server_checks_the_common_name",),
}

EFFECTS: dict[ResourceType, dict[str, Tests]] = {
    ResourceType.CLIENT: {
        "Name": ("e2e/test_replay_console.py::test_status",),
        "Port": (LISTEN, f"{PROCESS}::test_a_second_daemon_on_the_port_says_so"),
        "Address": (f"{PROCESS}::test_a_second_daemon_on_the_port_says_so",),
        "Addresses": ("session/test_reload.py::test_new_listening_addresses_want_a_restart", LISTEN),
        "SourceAddress": ("net/test_dial.py::test_connects_with_source_and_keepalive",),
        "WorkingDirectory": (f"{PROCESS}::test_the_list_of_terminated_jobs_survives",),
        "MaximumConcurrentJobs": (
            "session/test_arrival.py::test_one_too_many_is_hung_up_on_at_once",
            f"{LIMITS}::test_no_more_jobs_than_allowed",
        ),
        "MaximumWorkersPerJob": ("jobs/test_backup_content.py",),
        "Messages": ("config/test_load.py::test_named_messages_resource_wins",),
        "SdConnectTimeout": ("net/test_dial.py::test_retries_until_the_limit",),
        "HeartbeatInterval": ("channels/test_verify.py::test_heartbeats_while_nothing_is_found", LIMITS),
        "MaximumNetworkBufferSize": ("e2e/test_replay_releases.py::test_backup",),
        "PkiSignatures": (SEALED, "jobs/test_restore_sealed.py::test_signatures"),
        "PkiEncryption": (SEALED,),
        "PkiKeyPair": (SEALED, "session/test_reload.py::test_what_cannot_be_used_changes_nothing"),
        "PkiSigner": ("codec/test_pki.py::test_a_trusted_signature_is_checked",),
        "PkiMasterKey": (SEALED, "codec/test_pki.py::test_what_one_key_seals_it_and_the_master_keys_open"),
        "PkiCipher": ("codec/test_encrypt.py::test_ciphers_without_an_identifier_are_refused",),
        "MaximumBandwidthPerJob": (SPEED, f"{LIMITS}::test_a_limit_is_set_while_the_job_runs"),
        "AllowBandwidthBursting": ("jobs/test_throttle.py::test_only_bursting_keeps_what_was_not_used",),
        "AllowedScriptDir": (SCRIPTS,),
        "AllowedJobCommand": (ALLOWED,),
        "AbsoluteJobTimeout": (
            "session/test_commands.py::test_a_director_that_falls_silent_in_a_job_is_given_up",
        ),
        "SecureEraseCommand": (
            f"{LIMITS}::test_what_a_restore_deletes_is_erased",
            "session/test_history.py::test_the_old_file_goes_through_the_secure_erase_command",
        ),
        "LogTimestampFormat": (f"{OUTLETS}::test_append_has_a_timestamp_before_each_message",),
        "MonitorPort": (f"{SETTINGS}::test_it_is_off_unless_it_is_configured",),
        "MonitorAddress": (f"{SETTINGS}::test_beyond_loopback_with_a_certificate",),
        "MonitorSocket": ("monitor/test_door.py::test_a_unix_socket_is_ours_alone_and_goes_with_us",),
        "MonitorToken": ("monitor/test_door.py::test_a_viewer_with_the_token_sees_the_jobs",),
        "MonitorTokenFile": (f"{SETTINGS}::test_a_token_file_that_is_no_good",),
        "MonitorCertificate": (f"{SETTINGS}::test_beyond_loopback_with_a_certificate",),
        "MonitorKey": (f"{SETTINGS}::test_beyond_loopback_with_a_certificate",),
        "MonitorMetricsFile": (f"{SETTINGS}::test_it_is_off_unless_it_is_configured",),
        **TLS,
    },
    ResourceType.DIRECTOR: {
        "Name": ("session/test_arrival.py::test_an_unknown_director_in_clear_text_is_refused",),
        "Password": ("e2e/test_replay_console.py::test_refused_login",),
        "Address": (DEPARTURE,),
        "Port": (DEPARTURE,),
        "ConnectionFromDirectorToClient": (
            "session/test_arrival.py::test_a_director_that_may_not_call_is_told_so",
        ),
        "ConnectionFromClientToDirector": (DEPARTURE,),
        "Monitor": ("session/test_commands.py::test_a_monitor_may_only_ask_for_status",),
        "MaximumBandwidthPerJob": (SPEED,),
        "AllowedScriptDir": (SCRIPTS,),
        "AllowedJobCommand": (ALLOWED,),
        **TLS,
    },
    ResourceType.MESSAGES: {
        "Name": ("config/test_load.py::test_named_messages_resource_wins",),
        "TimestampFormat": (f"{OUTLETS}::test_a_destination_has_its_own_timestamp",),
        "Syslog": (f"{OUTLETS}::test_syslog_gets_a_line_each_with_priority_and_facility",),
        "File": (f"{OUTLETS}::test_file_keeps_the_last_portion_only",),
        "Append": (f"{OUTLETS}::test_a_rotated_file_is_made_again",),
        "Stdout": (f"{OUTLETS}::test_standard_streams",),
        "Stderr": (f"{OUTLETS}::test_standard_streams",),
        "Director": (f"{OUTLETS}::test_what_goes_to_a_director_is_not_taken_here",),
    },
}


@cache
def _tests_in(file: str) -> frozenset[str]:
    tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
    return frozenset(
        node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


@pytest.mark.parametrize("kind", TABLE, ids=lambda kind: kind.name)
def test_every_directive_with_an_effect_is_in_the_table(kind: ResourceType) -> None:
    assert set(EFFECTS[kind]) == {item.name for item in TABLE[kind] if item.effect is not Effect.ACCEPTED}


@pytest.mark.parametrize("kind", TABLE, ids=lambda kind: kind.name)
def test_the_named_tests_exist(kind: ResourceType) -> None:
    for directive, tests in EFFECTS[kind].items():
        assert tests
        for name in tests:
            file, _, test = name.partition("::")
            assert (TESTS / file).is_file(), (directive, name)
            assert not test or test in _tests_in(file), (directive, name)


def test_every_directive_without_effect_has_its_reason_in_the_documentation() -> None:
    rows = [
        line.split("|") for line in DOCS.read_text(encoding="utf-8").splitlines() if line.startswith("| `")
    ]
    told = {row[1].strip(" `"): row[-2].strip() for row in rows if "accepted" in row[-3]}
    for table in TABLE.values():
        for item in table:
            if item.effect is Effect.ACCEPTED:
                assert told.get(item.name), item.name
