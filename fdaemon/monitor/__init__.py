"""What the daemon shows of itself to those who may look: a live feed and metrics. Never slows or changes a job."""
