"""How the program ends."""

import pytest

from edge_agent import __main__ as program
from edge_agent.errors import StorageError


@pytest.mark.parametrize("groups", [0, 1, 2])
def test_an_error_of_ours_is_one_message_and_its_status_however_many_groups_it_ended(
    groups: int, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    error: Exception = StorageError("the disk has gone; put it back")
    for _ in range(groups):
        error = ExceptionGroup("tasks", [error])

    def fail(**_: object) -> None:
        raise error

    monkeypatch.setattr(program, "cli", fail)
    monkeypatch.setattr(program, "_hold_standard_streams", lambda: None)
    with pytest.raises(SystemExit) as ended:
        program.main()
    assert ended.value.code == program.EXIT_STORAGE
    assert capfd.readouterr().err == "the disk has gone; put it back\n"
