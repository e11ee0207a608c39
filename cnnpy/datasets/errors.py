"""The errors of the data sets. Both are `OSError`, so that `except OSError` covers all that keeps data from us."""


class DatasetNotFoundError(OSError):
    """The files of a data set are neither on this machine nor to be had; the text says where they were looked for."""


class DamagedFileError(OSError, ValueError):
    """A file was found, but is not what its name says: cut short, altered, of another format, or made to do harm."""

    def __init__(self, path, problem):
        super().__init__(
            f"{path}: {problem}. Replace the file with a good copy, or delete it to have it fetched again."
        )
        self.path = str(path)
        self.problem = problem
