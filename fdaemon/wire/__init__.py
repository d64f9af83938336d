"""The bytes of the Bareos wire and nothing else: pure codecs in pairs, each beside its constants."""
