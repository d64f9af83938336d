"""The cipher text of file data: the documented vector, slices of any size, wrong paddings and keys."""

import os
import subprocess
import sys

import pytest

from fdaemon.codec.encrypt import CIPHERS, Decryptor, Encryptor, cipher_of_name
from tests.support.unsealing import unsealed

AES128 = cipher_of_name("aes128")
KEY = bytes(range(16))
IV = bytes(range(16, 32))
HELLO = bytes.fromhex("50dd2a6466f61d6674 2c1ae787 0b4720".replace(" ", ""))


def seal(blocks: list[bytes], cipher_name: str = "aes128", key: bytes = KEY, iv: bytes = IV) -> list[bytes]:
    encryptor = Encryptor(cipher_of_name(cipher_name), key, iv)
    messages: list[bytes] = []
    for block in blocks:
        target = memoryview(bytearray(encryptor.room(len(block))))
        messages.append(bytes(target[: encryptor.seal_into(block, target)]))
    return [*messages, encryptor.finish()]


def open_all(messages: list[bytes]) -> bytes:
    return unsealed(Decryptor(AES128, KEY, IV), messages)


def test_the_documented_vector() -> None:
    assert seal([b"hello"]) == [b"", HELLO]
    assert open_all([HELLO]) == b"\0\0\0\5hello"


def test_only_whole_cipher_blocks_leave_until_the_end() -> None:
    assert [len(message) for message in seal([b"a" * 5, b"b" * 5, b"c" * 12])] == [0, 16, 16, 16]


@pytest.mark.parametrize("size", [1, 2, 15, 16, 17, 1000])
def test_slices_of_any_size_are_one_text(size: int) -> None:
    whole = b"".join(seal([bytes([n]) * n for n in range(60)]))
    plain = b"".join(n.to_bytes(4, "big") + bytes([n]) * n for n in range(60))
    assert open_all([whole[at : at + size] for at in range(0, len(whole), size)]) == plain


@pytest.mark.parametrize("text", [HELLO[:-1] + b"\0", b"", HELLO[:8], HELLO + bytes(16)])
def test_damaged_ends_are_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        open_all([text])


def test_keys_must_fit_the_cipher() -> None:
    for key, iv in ((KEY[:-1], IV), (KEY + KEY, IV), (KEY, IV[:8])):
        with pytest.raises(ValueError, match="wrong key or IV size"):
            Decryptor(AES128, key, iv)


def test_ciphers_without_an_identifier_are_refused() -> None:
    with pytest.raises(ValueError, match="aes128hmacsha1"):
        cipher_of_name("aes128hmacsha1")
    assert CIPHERS[0].name == "aes128"


def test_a_cipher_that_the_library_does_not_have() -> None:
    """As on machines whose OpenSSL has no legacy provider: a problem of the file, so a ValueError."""
    program = (
        "from fdaemon.codec.encrypt import Decryptor, cipher_of_name\n"
        "try:\n"
        "    Decryptor(cipher_of_name('blowfish'), bytes(16), bytes(8))\n"
        "except ValueError as error:\n"
        "    print(error)\n"
    )
    environment = os.environ | {"CRYPTOGRAPHY_OPENSSL_NO_LEGACY": "1"}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert "not supported" in done.stdout
