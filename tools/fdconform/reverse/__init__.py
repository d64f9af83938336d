"""The other direction: the tester is a File daemon, and a Director and a Storage daemon are tested with it."""
