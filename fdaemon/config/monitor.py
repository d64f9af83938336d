"""The rules for the monitor's directives, which no Bareos release has. Reads no file and binds nothing."""

from ipaddress import ip_address

from fdaemon.config.resources import ClientResource

SHORTEST_TOKEN = 16
"""Characters: 16 of a random base64 text are 96 bits."""


def monitor_faults(client: ClientResource, path: str) -> list[str]:
    """What is wrong with them, as sentences with a line end."""
    faults: list[str] = []

    def fault(text: str) -> None:
        faults.append(f'{text} (File daemon "{client.name}" in {path}).\n')

    try:
        loopback = ip_address(client.monitor_address).is_loopback
    except ValueError:
        fault(f'"Monitor Address" must be a numeric address, not "{client.monitor_address}"')
    else:
        if client.monitor_port and not loopback and not client.monitor_certificate:
            fault('"Monitor Address" beyond loopback needs TLS: define "Monitor Certificate"')
    if client.monitor_port > 0xFFFF:
        fault('"Monitor Port" must be below 65536')
    if client.monitor_token and len(client.monitor_token) < SHORTEST_TOKEN:
        fault(f'"Monitor Token" must have at least {SHORTEST_TOKEN} characters')
    if client.monitor_token and client.monitor_token_file:
        fault('Define "Monitor Token" or "Monitor Token File", not both')
    return faults
