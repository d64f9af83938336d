"""The conversations of the Bareos protocol without input or output: texts, parsers, who says what when."""
