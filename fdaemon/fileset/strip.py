"""Path stripping: the leading components that attributes and accurate lists go without. Pure."""


def strip_name(name: bytes, count: int) -> bytes | None:
    """`name` without its first `count` components, everything up to the first `/` kept; None when it has
    too few.

    Facts: protocol/03 section 2.13 (core/src/filed/backup.cc: do_strip).
    """
    head, slash, rest = name.partition(b"/")
    parts = rest.split(b"/", count)
    if not slash or len(parts) <= count:
        return None
    return head + slash + parts[count]
