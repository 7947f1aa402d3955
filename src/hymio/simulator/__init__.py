"""A software terminal: it keeps presses in a file until they are acknowledged, and sends them over HTTP or as SMS."""
