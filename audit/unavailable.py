"""The refusal of a journal that cannot confirm: without its entry nothing runs and nothing is returned."""


class JournalUnavailable(Exception):
    """An entry could not be committed in time, so the call that it belongs to is refused."""

    code = "journal_unavailable"
    message = "the journal cannot confirm this call, so it does not proceed"
    hint = "nothing is wrong with the request; try again in a few seconds"
    retryable = True

    def __init__(self) -> None:
        super().__init__(self.message)
