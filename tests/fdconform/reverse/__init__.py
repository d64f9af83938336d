"""Tests of fdconform in the other direction."""
