"""Log lines and Django signals about sessions."""
