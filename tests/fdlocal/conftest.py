"""The real daemon and volume tools, as in the tests of the peers."""

from ..fdpeers.conftest import bareos, cpp_fd

__all__ = ["bareos", "cpp_fd"]
