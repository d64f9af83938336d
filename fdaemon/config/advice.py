"""Values that can be used, but not as their writer may think: told as configuration warnings, never as errors."""

import os

from fdaemon.config.resources import (
    LARGEST_NETWORK_BUFFER,
    SMALLEST_NETWORK_BUFFER,
    ClientResource,
    DirectorResource,
    TlsConfig,
)

_EFFECTIVE = os.access in os.supports_effective_ids
"""By its real user, `access` leaves out that a daemon started with `-k` may read everything."""


def advice(client: ClientResource, directors: tuple[DirectorResource, ...], path: str) -> list[str]:
    """Sentences without a line end about the resources that were read from `path`."""
    told: list[str] = []
    size = client.maximum_network_buffer_size
    if size and size != client.network_buffer:
        told.append(
            f'"Maximum Network Buffer Size" must be {SMALLEST_NETWORK_BUFFER} to {LARGEST_NETWORK_BUFFER};'
            f' {client.network_buffer} is used, not {size} (File daemon "{client.name}" in {path})'
        )
    told += _unreadable(client.tls, f'File daemon "{client.name}" in {path}')
    for director in directors:
        if director.connection_from_client_to_director:  # else ours are used, whoever calls
            told += _unreadable(director.tls, f'Director "{director.name}" in {path}')
    return told


def _unreadable(tls: TlsConfig, place: str) -> list[str]:
    files = {
        "TLS Certificate": tls.certificate,
        "TLS Key": tls.key,
        "TLS CA Certificate File": tls.ca_certificate_file,
        "TLS CA Certificate Dir": tls.ca_certificate_dir,
        "TLS Certificate Revocation List": tls.crl,
        "TLS DH File": tls.dh_file,
    }
    return [
        f'"{directive}" names {file}, which cannot be read: no TLS connection will succeed ({place})'
        for directive, file in files.items()
        if tls.enable and file and not os.access(file, os.R_OK, effective_ids=_EFFECTIVE)
    ]
