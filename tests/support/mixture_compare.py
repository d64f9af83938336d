"""What two restored trees may differ in, and what not, where one of them is the C++ daemon's. Runs nothing."""

from collections.abc import Collection, Iterator
from dataclasses import fields, replace

from tests.support.described import Described

CAPABILITY = "security.capability"
"""Lost where C++ sets the owner of a further name of the inode."""
MASKED = {
    "d": ("mtime",),  # it touches directories that something is restored into later
    "l": ("mtime",),  # it never sets the times of links
    "p": ("extended",),  # it sets no ACLs of pipes
}
"""By the type's letter, what the C++ daemon does not restore; device nodes, "b" and "c", not at all."""


def masked(tree: dict[bytes, Described], *, twice: bool = False) -> dict[bytes, Described]:
    """What both daemons restore. The C++ one leaves out what stands in MASKED, with the reasons.

    `twice`: no attributes either, for of a name that was saved twice the Director restores the one or the other.
    """
    kept = {name: mask(each) for name, each in tree.items() if each.mode[0] not in "bc"}
    return {name: replace(each, extended=()) for name, each in kept.items()} if twice else kept


def mask(one: Described) -> Described:
    """Without what the C++ daemon does not restore of it."""
    without = MASKED.get(one.mode[0], ())
    extended = () if "extended" in without else tuple(each for each in one.extended if each[0] != CAPABILITY)
    return replace(one, mtime=0 if "mtime" in without else one.mtime, extended=extended)


def unlike_source(
    tree: dict[bytes, Described], source: dict[bytes, Described], names: set[bytes], *, twice: bool = False
) -> Iterator[str]:
    """What of the `names` that were saved did not come back as it is in the source.

    `twice`: restored once more, into directories that have default ACLs by then.
    """
    for name in names & source.keys():
        wanted, got = source[name], tree.get(name)
        if got is None:
            yield f"{name!r} is missing"
            continue
        if replace(wanted, extended=(), links=()) != replace(got, extended=(), links=()):
            yield f"{name!r}: {shown(wanted, got)}"
        if not twice and not set(got.extended) <= set(wanted.extended):
            yield f"{name!r}: {shown(wanted, got)}"
        if not set(got.links) <= set(wanted.links):
            yield f"{name!r} got links: {got.links}, not {wanted.links}"


def unlike(
    one: dict[bytes, Described], other: dict[bytes, Described], names: Collection[bytes]
) -> Iterator[str]:
    """What differs between two restored trees; of directories, in those that are saved: `names`."""
    for name in sorted(one.keys() | other.keys()):
        each, its = one.get(name), other.get(name)
        parent = (
            name not in names and each is not None and its is not None and each.mode[0] == "d" == its.mode[0]
        )
        if each != its and not parent:
            yield f"{name!r}: {shown(each, its)}"


def shown(one: Described | None, other: Described | None) -> str:
    """The fields in which they differ."""
    if one is None or other is None:
        return f"only {'there' if one is None else 'here'}"
    pairs = ((field.name, getattr(one, field.name), getattr(other, field.name)) for field in fields(one))
    return ", ".join(f"{name} {str(a)[:300]} / {str(b)[:300]}" for name, a, b in pairs if a != b)
