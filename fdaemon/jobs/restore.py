"""Puts back what the Storage daemon sends: records in, files out. Runs in a worker thread and knows no network.

The order of one file's records and what is done with each: protocol/04 sections 1.3, 1.5 and 8 (core/src/filed/
restore.cc: DoRestore). A problem with one file is told and the job goes on; a record stream that makes no sense ends
it, as does its end without an end-of-data signal.
"""

import os
from collections.abc import Callable
from typing import Protocol

from fdaemon.errors import FileProblem, JobFailed, RemoteProtocolError
from fdaemon.fs import identities
from fdaemon.fs.apply import named_path
from fdaemon.fs.create import Creator, Erase, Made
from fdaemon.fs.problem import Problem
from fdaemon.fs.target import Target, Traces
from fdaemon.jobs.backup_types import Report
from fdaemon.jobs.restore_content import Content, DigestWatch
from fdaemon.jobs.restore_decode import Decoder, Decryptor
from fdaemon.jobs.restore_extended import MESSAGE_TYPES, ExtendedWriter
from fdaemon.jobs.restore_listing import restored_line
from fdaemon.jobs.restore_names import OutputNames
from fdaemon.jobs.restore_passed import PassedOver, is_supported
from fdaemon.jobs.restore_small import Whole, is_simple, whole_file, write_whole
from fdaemon.protocol.messages import MessageType
from fdaemon.protocol.records import Record, RecordReader
from fdaemon.views import Counters
from fdaemon.wire import streams
from fdaemon.wire.attributes import FileType
from fdaemon.wire.restored import RestoredFile, decode_restored
from fdaemon.wire.streams import Stream

_ATTRIBUTES = int(Stream.UNIX_ATTRIBUTES)
_PLAIN = int(Stream.FILE_DATA)
_DIGESTS = frozenset(int(stream) for stream in streams.DIGESTS)
_DATA = frozenset(int(stream) for stream in streams.FILE_DATA)
_EXTENDED = frozenset(int(stream) for stream in streams.ACLS | streams.XATTRS)
_BEFORE_DATA = frozenset({_ATTRIBUTES, int(Stream.UNIX_ATTRIBUTES_EX), int(Stream.ENCRYPTED_SESSION_DATA)})
_SIGNED_TYPES = (FileType.REG, FileType.REGE, FileType.RAW)
_STARTS_FILE = frozenset({_ATTRIBUTES, int(Stream.UNIX_ATTRIBUTES_EX), int(Stream.PLUGIN_NAME)})


class ContentKeys(Protocol):
    """The private keys of this client."""

    def open_session(self, record: bytes, /) -> Callable[[], Decryptor]:
        """What makes decryptors for the file whose session record this is. FileProblem with the C++ text."""
        ...

    def check_signature(self, record: bytes, sha256: bytes, name: bytes) -> bool:
        """False when nobody trusted signed; FileProblem with the C++ text for a wrong signature."""
        ...


class Restorer:
    """One restore session. Feed it raw bytes of the Storage connection until `ended`; call `finish` in any case.

    `report(type, text, extra errors)` sends job messages; `counters` are kept current; `check_cancelled` raises
    when the job was canceled. `replace` is the letter of the restore command. `want_restored`: also report each
    file as RESTORED. `check_digests`: compare what is written with the digests of the backup. `check_signatures`:
    ask `keys` about each file's signature. `erase` is called before a file in the way is removed. `earlier`: what
    passes over other storages of the same job made.
    """

    def __init__(
        self,
        names: OutputNames,
        *,
        replace: str,
        report: Report,
        counters: Counters,
        check_cancelled: Callable[[], None],
        want_restored: bool = False,
        check_digests: bool = True,
        keys: ContentKeys | None = None,
        check_signatures: bool = False,
        erase: Erase | None = None,
        earlier: Traces | None = None,
    ) -> None:
        identities.forget()
        self._names = names
        self._report = report
        self._counters = counters
        self._check_cancelled = check_cancelled
        self._want_restored = want_restored
        self._keys = keys
        self._reader = RecordReader()
        self._target = Target(names.where, remember_created=replace in "wno", earlier=earlier)
        self._creator = Creator(
            self._target, replace, self._tell, check_cancelled=check_cancelled, erase=erase
        )
        self._extended = ExtendedWriter(report)
        self._passed = PassedOver(report)
        self._watch = DigestWatch(check_digests, check_signatures and keys is not None, check_cancelled)
        self._thorough = self._watch.signatures
        self._index = 0
        self._previous = 0
        self._content: Content | None = None
        self._place: int | bytes | None = None
        self._shown = b""
        self._new_decryptor: Callable[[], Decryptor] | None = None
        self._closed = False
        self._failed = False

    @property
    def ended(self) -> bool:
        """True once the Storage daemon said that there is no more, and all of it made sense."""
        return self._reader.ended and not self._failed

    @property
    def rest(self) -> bytes:
        """Bytes that came after the end of the data."""
        return self._reader.rest

    @property
    def packets(self) -> int:
        """Packets taken so far."""
        return self._reader.packets

    def feed(self, data: bytes) -> bytes:
        """Take bytes from the Storage daemon, cut anywhere; returns bytes to send back (mostly none).

        Raises JobFailed with the C++ text when the stream makes no sense.
        """
        self._check_cancelled()
        records = self._reader.feed(data)
        try:
            self._take(records)
            self._counters.place = self._reader.place
            if self._reader.error is not None:
                raise _fatal(self._reader.error)
        except BaseException:
            self._failed = True
            raise
        replies = bytes(self._reader.replies)
        self._reader.replies.clear()
        return replies

    def finish(self) -> None:
        """Complete the last file if the data ended well, leave it as it is if not; tell the sums; close everything."""
        if self._closed:
            return
        self._closed = True
        try:
            if self.ended:
                self._close_file()
            else:
                self._abandon_file()
        finally:
            self._watch.behind.close()
            self._target.close()
        self._extended.finish()
        self._passed.finish()
        attributes = self._creator.attributes
        if attributes.failures:
            text = b"%d files did not get all of their owner, mode and times. First: %b: ERR=%b\n"
            self._report(MessageType.INFO, text % (attributes.failures, *attributes.first), 0)

    def _take(self, records: list[Record]) -> None:
        counters = self._counters
        index, previous = self._index, self._previous
        at, count = 0, len(records)
        try:
            while at < count:
                file_index, stream, data = records[at]
                at += 1
                if file_index != index and stream not in _STARTS_FILE:
                    raise _never_created(stream, file_index, index)
                index = file_index
                if stream == _ATTRIBUTES:
                    if self._content is not None:
                        self._close_file()
                    whole = None if self._thorough else whole_file(records, at, index)
                    if self._start_file(bytes(data), whole) and whole is not None:
                        at += 2
                        stream = whole[1]
                elif stream == _PLAIN:
                    content = self._content
                    if content is not None and (previous in _BEFORE_DATA or previous == _PLAIN):
                        counters.read_bytes += len(data)
                        try:
                            counters.job_bytes += content.write_plain(data)
                        except FileProblem as problem:
                            self._fail_file(problem)
                elif stream in _DIGESTS:
                    if self._content is not None:
                        self._check_digest(self._content, stream, bytes(data))
                else:
                    self._take_other(stream, previous, data)
                previous = stream
        finally:
            self._index, self._previous = index, previous

    def _check_digest(self, content: Content, stream: int, digest: bytes) -> None:
        """The digest is the last word about the content: what a decoder still holds is written before it is asked."""
        try:
            self._counters.job_bytes += content.finish()
        except FileProblem as problem:
            self._fail_file(problem)
            return
        difference = content.check_digest(stream, digest)
        if difference is not None:
            self._tell(difference)

    def _take_other(self, stream: int, previous: int, data: bytes | memoryview) -> None:
        """All records but the three kinds that most files consist of."""
        if stream in _DATA:
            if self._content is not None and (previous in _BEFORE_DATA or previous == stream):
                self._counters.read_bytes += len(data)
                self._decode(self._content, stream, data)
            return
        data = bytes(data)  # only file content comes in views
        if stream in _EXTENDED:
            if self._content is not None:
                problem = self._content.keep_extended(stream, data)
                if problem is not None:
                    self._tell(problem)
            elif self._place is not None:
                self._extended.apply(self._place, stream, data, self._shown)
        elif stream == Stream.UNIX_ATTRIBUTES_EX:
            self._close_file()
            self._start_file(data)
        elif stream == Stream.ENCRYPTED_SESSION_DATA:
            self._open_session(data)
        elif stream == Stream.SIGNED_DIGEST:
            if self._content is not None:
                if self._content.signature is not None:
                    self._report(MessageType.ERROR, b"Unexpected cryptographic signature data stream.\n", 0)
                self._content.signature = data
        else:
            if stream == Stream.PLUGIN_NAME or stream not in streams.KNOWN_ON_RESTORE:
                self._close_file()
            self._passed.take(stream, data)

    def _start_file(self, payload: bytes, whole: Whole | None = None) -> bool:
        """Create what an attributes record describes. True if its content and digest, `whole`, are done as well."""
        try:
            item = decode_restored(payload)
        except RemoteProtocolError as error:
            raise _fatal(error) from None
        counters = self._counters
        self._place = None
        if not is_supported(item.stream):
            self._passed.unsupported(item.stream)
            return False
        names = self._names
        shown = self._shown = counters.current = names.output(item.name)
        counters.examined += 1
        below = names.below(shown)
        link = source = b""
        if item.link:
            link = names.link(item.type, item.link)
            source = names.below(link) if link.startswith(names.where) else link
        try:
            made = self._creator.create(item, below, shown, link, source)
        except FileProblem as problem:
            self._report(MessageType.ERROR, problem.text, 0)
            return False
        if made is Made.FAILED:
            return False
        counters.files += 1
        if made is Made.SKIPPED:
            return False
        if self._want_restored:
            try:
                self._report(MessageType.RESTORED, restored_line(item, shown, link), 0)
            except BaseException:  # the job was canceled
                if isinstance(made, int):
                    os.close(made)
                raise
        if isinstance(made, int):
            if whole is not None and is_simple(item, whole):
                self._write_whole(made, item, shown, whole)
                return True
            self._content = Content(made, item, shown, self._watch)
            return False
        directory = self._creator.directory
        if directory is not None and item.type != FileType.LNKSAVED:
            name = self._creator.name
            self._place = named_path(directory.fd, name) if name else directory.fd
        return False

    def _write_whole(self, fd: int, item: RestoredFile, shown: bytes, whole: Whole) -> None:
        counters = self._counters
        counters.read_bytes += item.size
        try:
            problems = write_whole(fd, item, shown, whole, self._watch, self._creator.attributes)
        except FileProblem as problem:
            self._report(MessageType.ERROR, problem.text, 0)
            return
        counters.job_bytes += item.size
        for told in problems:
            self._tell(told)

    def _decode(self, content: Content, stream: int, data: bytes | memoryview) -> None:
        try:
            if not content.decoding:
                content.start_decoding(Decoder(stream, content.shown, self._new_decryptor))
            self._counters.job_bytes += content.write_record(data)
        except FileProblem as problem:
            self._fail_file(problem)

    def _open_session(self, record: bytes) -> None:
        if self._content is None:
            return
        try:
            if self._new_decryptor is not None:
                raise FileProblem(b"Unexpected cryptographic session data stream.\n")
            if self._keys is None:
                raise FileProblem(
                    b"No private decryption keys have been defined to decrypt encrypted backup data.\n"
                )
            self._new_decryptor = self._keys.open_session(record)
        except FileProblem as problem:
            self._fail_file(problem)

    def _close_file(self) -> None:
        """The file is complete: size check, attributes, ACLs and extended attributes, in the C++ order."""
        content = self._content
        self._place = self._new_decryptor = None
        if content is None:
            return
        self._content = None
        try:
            self._counters.job_bytes += content.finish()
            problem = content.check_size()
            if problem is not None:
                self._tell(problem)
            self._creator.attributes.set_open(content.fd, content.item, content.shown)
            for stream, data in content.extended:
                self._extended.apply(content.fd, stream, data, content.shown)
            self._check_signature(content)
        except FileProblem as problem:
            self._report(MessageType.ERROR, problem.text, 0)
        finally:
            self._close(content)

    def _check_signature(self, content: Content) -> None:
        """Protocol/04 section 5.6; told as well when only strangers signed, where the C++ daemon is silent."""
        digest, keys = content.signed_digest, self._keys
        if digest is None or keys is None:
            return
        if content.signature is None:
            if content.item.type in _SIGNED_TYPES:
                raise FileProblem(b"Missing cryptographic signature for %b\n" % content.shown)
        elif not keys.check_signature(content.signature, digest, content.shown):
            text = b"Signature of %b is by nobody whom this client trusts.\n" % content.shown
            self._report(MessageType.WARNING, text, 0)

    def _fail_file(self, problem: FileProblem) -> None:
        """Its content cannot be restored: it stays without owner and mode, and its other records are ignored."""
        self._report(MessageType.ERROR, problem.text, 0)
        self._abandon_file()

    def _abandon_file(self) -> None:
        content = self._content
        self._content = self._place = self._new_decryptor = None
        if content is not None:
            self._close(content)

    def _close(self, content: Content) -> None:
        problem = content.close()
        if problem is not None:
            self._tell(problem)

    def _tell(self, problem: Problem) -> None:
        self._report(MESSAGE_TYPES[problem.severity], problem.text, 0)


def _fatal(error: RemoteProtocolError) -> JobFailed:
    text = error.fatal or str(error).encode("utf-8", "backslashreplace")
    return JobFailed(text if text.endswith(b"\n") else text + b"\n")


def _never_created(stream: int, file_index: int, current: int) -> JobFailed:
    text = (
        b"Expected to write data to stream %d of file %d, but this file was never created. "
        b"Current file is: %d.\n"
    )
    return JobFailed(text % (stream, file_index, current))
