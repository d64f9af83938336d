"""A conformance tester for Bareos File daemons: numbered cases, a verdict for each, reports to compare."""
