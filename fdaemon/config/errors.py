"""What is wrong with a configuration, and where. Texts are made, never printed."""

from fdaemon.errors import FdaemonError


class ConfigError(FdaemonError):
    """A configuration that cannot be used; the first problem found.

    `text` is the message without position, `line` counts from 1 (0: the problem has no line), `column` is where
    the reader was when it noticed, `source` the line as written, `begins` the line where the last token
    started. Shape and texts: protocol page 06 section 5.1.
    """

    def __init__(
        self, file: str, line: int, text: str, *, column: int = 0, source: str = "", begins: int = 0
    ) -> None:
        super().__init__(f"{file}:{line}: {text}" if line else f"{file}: {text}")
        self.file = file
        self.line = line
        self.text = text
        self.column = column
        self.source = source
        self.begins = begins

    @property
    def report(self) -> str:
        """The block of lines that the C++ daemon prints below its first line, newline-terminated."""
        if not self.line:
            return f"Config error: {self.text}\n"
        shown = f"{self.source}\n" if self.source else ""
        where = f"            : line {self.line}, col {self.column} of file {self.file}\n{shown}"
        more = f"Problem probably begins at line {self.begins}.\n" if self.line > self.begins else ""
        return f"Config error: {self.text}\n{where}\n{more}"


class ConfigMissing(ConfigError):
    """No configuration file was found where it was looked for (page 06 section 1)."""


class ResourceProblem(ConfigError):
    """The files were read, but the resources do not make a File Daemon (page 06 section 5.2).

    `texts` are all the problems, each newline-terminated; `name` is the daemon's name as far as it is known.
    """

    def __init__(self, file: str, texts: tuple[str, ...], name: str = "bareos-fd") -> None:
        super().__init__(file, 0, texts[0].rstrip("\n"))
        self.texts = texts
        self.name = name
