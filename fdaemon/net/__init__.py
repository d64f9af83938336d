"""Trio streams below the conversations: sockets, TLS, packets. Knows no command and no job."""
