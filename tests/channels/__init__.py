"""Tests of fdaemon.channels."""
