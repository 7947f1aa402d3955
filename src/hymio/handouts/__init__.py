"""What an owner takes from Hymio to show a published smiley elsewhere: tags, links, e-mail buttons, QR code, poster."""
