"""Ways in: each turns what arrives into uploads and ends in `intake.record`."""
