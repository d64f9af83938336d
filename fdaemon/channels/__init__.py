"""Trio drivers of the conversations with other daemons: packets in and out, charts fired, nothing parsed here."""
