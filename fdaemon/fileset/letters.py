"""The option letters of an `O` line. Pure.

Facts: protocol/03 section 1.8 (core/src/filed/fileset.cc: SetOptionsAndFlags). Letters may be cut anywhere:
Directors before 25.1 keep only 39 of them; a cut option then means what its head means.
"""

from dataclasses import replace

from fdaemon.fileset.model import LETTERS_LIMIT, Cipher, Compression, Option, Options, Shadow
from fdaemon.fileset.size import NOTHING, TEXT_LIMIT, parse_size
from fdaemon.wire.digests import Digest

_FLAGS = {
    b"A": Option.ACL,
    b"c": Option.CHECK_CHANGES,
    b"e": Option.EXCLUDE,
    b"f": Option.MULTI_FS,
    b"H": Option.NO_HARDLINKS,
    b"h": Option.NO_RECURSION,
    b"i": Option.IGNORE_CASE,
    b"K": Option.NO_ATIME,
    b"k": Option.KEEP_ATIME,
    b"m": Option.MTIME_ONLY,
    b"N": Option.HONOR_NODUMP,
    b"n": Option.NEVER_REPLACE,
    b"p": Option.PORTABLE,
    b"R": Option.HFS_PLUS,
    b"r": Option.READ_FIFO,
    b"s": Option.SPARSE,
    b"W": Option.ENHANCED_WILD,
    b"w": Option.REPLACE_IF_NEWER,
    b"x": Option.NO_AUTO_EXCLUDE,
    b"X": Option.XATTR,
    b"a": Option(0),
    b"0": Option(0),
}
_SHA = {b"2": Digest.SHA256, b"3": Digest.SHA512, b"4": Digest.XXH128, b"1": Digest.SHA1}
_FAST = {b"f": Compression.LZFAST, b"4": Compression.LZ4, b"h": Compression.LZ4HC}
_CIPHERS = {cipher.value.encode(): cipher for cipher in Cipher}
_SHADOWS = {
    b"1": Shadow.LOCAL_WARN,
    b"2": Shadow.LOCAL_REMOVE,
    b"3": Shadow.GLOBAL_WARN,
    b"4": Shadow.GLOBAL_REMOVE,
}


class _Letters:
    """The rest of the letters."""

    def __init__(self, text: bytes) -> None:
        self.text = text.partition(b"\0")[0]
        self.position = 0

    def take(self, count: int = 1) -> bytes:
        taken = self.text[self.position : self.position + count]
        self.position += count
        return taken

    def peek(self, count: int = 1) -> bytes:
        return self.text[self.position : self.position + count]

    def until_colon(self) -> bytes:
        value, _, _ = self.text[self.position :].partition(b":")
        self.position += len(value) + 1
        return value


def _atoi(text: bytes) -> int:
    """C's atoi: blanks, a sign, digits; anything else ends it, none is 0."""
    text = text.lstrip(b" \t\n\v\f\r")
    sign = -1 if text[:1] == b"-" else 1
    digits = text[1:] if text[:1] in (b"-", b"+") else text
    length = next((i for i, byte in enumerate(digits) if not 48 <= byte <= 57), len(digits))
    return sign * min(int(digits[: min(length, 12)] or b"0"), 2**31 - 1)


def _compression(letters: _Letters) -> tuple[Compression, int] | None:
    letter = letters.take()
    if letter.isdigit():
        return Compression.GZIP, int(letter)
    if letter == b"o":
        return Compression.LZO, 1
    if letter == b"f":
        algorithm = _FAST.get(letters.take())
        return (algorithm, 1) if algorithm else None
    return None


def _encryption(letters: _Letters, options: Options) -> Options:
    if letters.peek() == b"f":
        letters.take()
        return replace(options, flags=options.flags | Option.FORCE_ENCRYPTION)
    for length in (1, 2):
        cipher = _CIPHERS.get(b"E" + letters.peek(length))
        if cipher is not None:
            letters.take(length)
            return replace(options, cipher=cipher)
    return options


def _valued(letter: bytes, letters: _Letters, options: Options, problems: list[bytes]) -> Options | None:
    """The letters that carry a value; None for a letter that does not exist."""
    match letter:
        case b"C":
            return replace(options, accurate=(b"C" + letters.until_colon())[:LETTERS_LIMIT])
        case b"V":
            return replace(options, verify=(b"V" + letters.until_colon())[:LETTERS_LIMIT])
        case b"J":
            return replace(options, base_job=(b"J" + letters.until_colon())[:LETTERS_LIMIT])
        case b"P":
            count = _atoi(letters.until_colon())
            return replace(options, strip=count, flags=options.flags | Option.STRIP_PATH)
        case b"z":
            text = letters.until_colon()[:TEXT_LIMIT]
            size = parse_size(text)
            if size is None:
                problems.append(b"Unparsable size option: %b\n" % text)
            return replace(options, size=size or NOTHING)
        case b"d":
            shadow = _SHADOWS.get(letters.peek())
            if shadow is not None:
                letters.take()
                return replace(options, shadow=shadow)
            return options
        case b"M":
            return replace(options, digests=options.digests | {Digest.MD5})
        case b"S":
            digest = _SHA.get(letters.peek())
            if digest is not None:
                letters.take()
            return replace(options, digests=options.digests | {digest or Digest.SHA1})
        case b"Z":
            return replace(options, compression=_compression(letters) or options.compression)
        case b"E":
            return _encryption(letters, options)
        case _:
            return None


def parse_letters(text: bytes, options: Options) -> tuple[Options, list[bytes]]:
    """`options` with the switches of `text` added, and the texts of daemon messages about what made no
    sense.
    """
    letters = _Letters(text)
    problems: list[bytes] = []
    flags = Option(0)
    while letter := letters.take():
        flag = _FLAGS.get(letter)
        if flag is not None:
            flags |= flag
            continue
        changed = _valued(letter, letters, options, problems)
        if changed is None:
            problems.append(b"Unknown include/exclude option: %b\n" % letter)
        else:
            options = changed
    return replace(options, flags=options.flags | flags), problems
