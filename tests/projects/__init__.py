"""Projects of others, rebuilt small, which follow our docs to a green dot. Their files are as their
authors have them before that; each test works on a copy."""
