"""An app with a user model that is unlike Django's own, and a backend beside Django's own."""
