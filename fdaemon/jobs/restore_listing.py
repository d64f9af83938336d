"""The `ls`-style line about a restored file. Looks at no file."""

from fdaemon.fs import identities
from fdaemon.fs.times import local_time
from fdaemon.protocol.listing import listing_line
from fdaemon.wire.attributes import FileType
from fdaemon.wire.restored import RestoredFile


def restored_line(item: RestoredFile, shown: bytes, link: bytes) -> bytes:
    """The text of a RESTORED message; `shown` is the output name."""
    stat = item.full_stat()
    return listing_line(
        shown,
        mode=stat.mode,
        nlink=stat.nlink,
        uid=item.uid,
        gid=item.gid,
        size=stat.size,
        ctime=stat.ctime,
        user_name=lambda uid: identities.user_name(uid) or b"%d" % uid,
        group_name=lambda gid: identities.group_name(gid) or b"%d" % gid,
        localtime=local_time,
        link=link if item.type == FileType.LNK else None,
    )
