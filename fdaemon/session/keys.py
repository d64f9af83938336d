"""The client's PKI keys: read once from their files, turned into what one job seals or opens with. No key is shown."""

from dataclasses import dataclass, field
from pathlib import Path

from fdaemon.codec.encrypt import cipher_of_name
from fdaemon.codec.pki import Certificate, KeyPair, Keys, Seal, load_certificate, load_key_pair
from fdaemon.config import ClientResource
from fdaemon.fileset.model import Cipher, FileSet
from fdaemon.protocol import replies
from fdaemon.protocol.commands import CommandError

_CIPHERS = {
    Cipher.DES3: "3des",
    Cipher.BLOWFISH: "blowfish",
    Cipher.AES128: "aes128",
    Cipher.AES192: "aes192",
    Cipher.AES256: "aes256",
    Cipher.CAMELLIA128: "camellia128",
    Cipher.CAMELLIA192: "camellia192",
    Cipher.CAMELLIA256: "camellia256",
    Cipher.AES128_HMAC_SHA1: "aes128hmacsha1",
    Cipher.AES256_HMAC_SHA1: "aes256hmacsha1",
}
"""FileSet letters to configuration names (protocol/04 section 5.2)."""


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The own pair, whose signatures are trusted besides, and who else can decrypt."""

    own: KeyPair = field(repr=False)
    signers: tuple[Certificate, ...]
    masters: tuple[Certificate, ...]

    def keys(self) -> Keys:
        """What one restore opens files with."""
        return Keys(self.own, self.signers)


def load_keys(client: ClientResource) -> KeyRing | None:
    """The keys that the configuration names, None without any. OSError or ValueError for files that do not load."""
    if not client.pki_keypair:
        return None

    def certificates(names: tuple[str, ...]) -> tuple[Certificate, ...]:
        return tuple(load_certificate(Path(name).read_bytes()) for name in names)

    return KeyRing(
        load_key_pair(Path(client.pki_keypair).read_bytes()),
        certificates(client.pki_signers),
        certificates(client.pki_master_keys),
    )


def seal_for(client: ClientResource, ring: KeyRing | None, fileset: FileSet | None) -> Seal | None:
    """What a backup seals its files with, None for nothing (core/src/filed/dir_cmd.cc: GetWantedCryptoCipher).

    A cipher in the FileSet switches encryption on by itself. Raises CommandError where the wishes cannot be met.
    """
    wanted = fileset.ciphers if fileset is not None else ()
    encrypt = client.pki_encryption or bool(wanted)
    if len(wanted) > 1:
        raise _refused(b"Fileset contains multiple cipher settings\n")
    if wanted and ring is None:
        raise _refused(b"Fileset contains cipher settings but PKI Key Pair is not configured\n")
    if fileset is not None and fileset.forces_encryption and not encrypt:
        raise _refused(b"Fileset forces encryption but encryption is not configured\n")
    if ring is None or not (encrypt or client.pki_signatures):
        return None
    if not encrypt:
        return Seal(ring.own)
    try:
        cipher = cipher_of_name(_CIPHERS[wanted[0]] if wanted else client.pki_cipher)
        return Seal(ring.own, ring.masters, cipher)
    except ValueError:
        text = b"Cannot create a new crypto session probably unsupported cipher configured.\n"
        raise _refused(text) from None


def _refused(text: bytes) -> CommandError:
    return CommandError(reply=replies.BAD_BACKUP, fatal=text)
