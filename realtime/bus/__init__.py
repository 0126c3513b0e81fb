"""Everything that talks to the channel layer; knows neither sessions nor workers."""
