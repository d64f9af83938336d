"""The conversations of the Bareos protocol, without any input or output: texts, parsers, and who says what
when.
"""
