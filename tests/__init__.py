"""The tests mirror the packages; recorded/ holds bytes of real daemons, support/ what several tests need."""
