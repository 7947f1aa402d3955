"""A software terminal: stores presses in a file until they are acknowledged, and sends them over HTTP or by SMS."""
