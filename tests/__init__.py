"""The tests: laws first, then readable examples, then whole stories over real sockets and servers."""
