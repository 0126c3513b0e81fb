"""One client connection: decoding, rate limits, sending, closing."""
