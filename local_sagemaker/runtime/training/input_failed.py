"""What is raised when a job's input cannot be used."""


class InputFailed(Exception):
    """The input cannot be used; the message is the FailureReason."""
