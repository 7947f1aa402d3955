"""What machines read: the published APIs, and their documentation."""
