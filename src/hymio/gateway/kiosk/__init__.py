"""A kiosk: an installable page that makes a tablet a smiley, with a queue of its own, over the terminal protocol."""
