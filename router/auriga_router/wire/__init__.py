"""HTTP/1.1 over sockets: the only package that knows transports. Bytes in, bytes out, back-pressure both ways."""
