"""The tools where people label: tasks go out to them, their answers come back by key."""
