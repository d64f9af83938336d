"""Back up and restore directories on a machine without Bareos: the daemon between an embedded Director and
Storage peer.
"""
