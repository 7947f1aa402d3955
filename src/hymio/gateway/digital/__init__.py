"""The way in of published digital smileys: their pages and scripts, and the presses that browsers send."""
