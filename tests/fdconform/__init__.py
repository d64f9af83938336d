"""The tests of the conformance tester."""
