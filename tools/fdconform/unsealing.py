"""Checks of encrypted and signed backups: what is inside, who may open it, and whether the signature is right."""

from fdconform import pki_keys
from fdconform.decoding import DecodeError, packed
from fdconform.sealing import CIPHERS, Session, decode_session, unsealed, verify
from fdconform.stage import Check, Stage
from fdconform.stored import StoredFile, checked, of_file, stored


def _session(file: StoredFile) -> Session:
    record = file.stream(22)
    if record is None:
        raise DecodeError("no session data")
    return decode_session(record)


def is_sealed(
    name: bytes, content: bytes, cipher: str = "aes128", *, stream: int = 20, block: int = 262144
) -> Check:
    """The content can be opened by the client's key and by the master key, and only the announced stream holds it."""

    def look(file: StoredFile, stage: Stage) -> str | None:
        session = _session(file)
        if session.cipher != CIPHERS[cipher].oid:
            return f"cipher {session.cipher}, not {CIPHERS[cipher].oid}"
        if len(session.recipients) != 2:
            return f"{len(session.recipients)} recipients"
        keys = {session.opened(pki_keys.of(stage, who)) for who in ("client", "master")}
        if len(keys) != 1:
            return "the recipients get different keys"
        if not content:
            return "a data stream" if file.data else None
        if file.data is None or file.data[0] != stream or file.attributes.stat["stream"] != stream:
            return f"content in {file.data and file.data[0]}, announced {file.attributes.stat['stream']}"
        blocks = unsealed(cipher, keys.pop(), session.iv, file.data[1])
        if stream == 32:
            blocks = [packed(one)[2] for one in blocks]
        wanted = [content[at : at + block] for at in range(0, len(content), block)]
        if [len(one) for one in blocks] != [len(one) for one in wanted]:
            return f"blocks of {[len(one) for one in blocks]} bytes"
        return None if blocks == wanted else "the content is another"

    return of_file(name, look)


def is_signed(name: bytes, content: bytes) -> Check:
    """The signature is by the client's key over the plain content."""

    def look(file: StoredFile, stage: Stage) -> str | None:
        record = file.stream(19)
        if record is None:
            return "no signature"
        verify(record, pki_keys.of(stage, "client"), content)
        return None

    return of_file(name, look)


@checked
def one_session(stage: Stage) -> str | None:
    """All files of a job share one session record."""
    records = {file.stream(22) for file in stored(stage) if file.attributes.type in (2, 3)}
    return None if len(records) == 1 and None not in records else f"{len(records)} different session records"
