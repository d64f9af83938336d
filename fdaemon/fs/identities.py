"""Names of users and groups, remembered: a lookup may cost a network question. Holds no file names."""

import grp
import pwd
from functools import lru_cache

REMEMBERED = 8192
"""Ids and names kept for each table; a system has some dozens that own files."""


@lru_cache(REMEMBERED)
def user_name(uid: int) -> bytes | None:
    """The login name of a user id, or None."""
    try:
        return pwd.getpwuid(uid).pw_name.encode("utf-8", "surrogateescape")
    except (KeyError, OverflowError):
        return None


@lru_cache(REMEMBERED)
def group_name(gid: int) -> bytes | None:
    """The name of a group id, or None."""
    try:
        return grp.getgrgid(gid).gr_name.encode("utf-8", "surrogateescape")
    except (KeyError, OverflowError):
        return None


@lru_cache(REMEMBERED)
def user_id(name: bytes) -> int | None:
    """The user id of a login name, or None."""
    try:
        return pwd.getpwnam(name.decode("utf-8", "surrogateescape")).pw_uid
    except KeyError:
        return None


@lru_cache(REMEMBERED)
def group_id(name: bytes) -> int | None:
    """The group id of a name, or None."""
    try:
        return grp.getgrnam(name.decode("utf-8", "surrogateescape")).gr_gid
    except KeyError:
        return None


def forget() -> None:
    """Drop all that is remembered; a job calls it at its start so that renamed users are seen."""
    for table in (user_name, group_name, user_id, group_id):
        table.cache_clear()
