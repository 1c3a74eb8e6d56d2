"""The doctor: what is missing or degraded, for people and for scripts."""

from tests.support.embedded_stack import EmbeddedStack


async def test_doctor_of_a_running_installation_finds_its_parts_and_the_machine_well(
    embedded_stack: EmbeddedStack,
) -> None:
    """Everything that is looked at has a line, and nothing is missing."""
    finished = await embedded_stack.command("doctor", "--data", str(embedded_stack.data), "--json")
    findings = {str(finding["subject"]): finding for finding in finished.json()}
    assert findings.keys() >= {"git", "walls", "disk", "memory", *embedded_stack.endpoint.pids}
    assert [finding for finding in findings.values() if finding["verdict"] == "missing"] == []
    assert finished.code == 0


async def test_doctor_of_an_installation_with_a_part_that_hangs_names_it_and_its_log(
    embedded_stack: EmbeddedStack,
) -> None:
    """What does not answer is missing, with where to look; scripts see it by the exit code."""
    with embedded_stack.stopped("audit"):
        finished = await embedded_stack.command("doctor", "--data", str(embedded_stack.data))
    assert finished.code == 1
    lines = finished.output.splitlines()
    (place,) = [place for place, line in enumerate(lines) if line.startswith("✗ audit")]
    assert lines[place + 1].endswith("logs/audit.log")


async def test_doctor_where_nothing_runs_says_so_and_looks_at_the_machine(embedded_stack: EmbeddedStack) -> None:
    """It is the first thing to ask on a new machine."""
    elsewhere = embedded_stack.folder / "nothing" / ".stateroom"
    finished = await embedded_stack.command("doctor", "--data", str(elsewhere))
    assert finished.code == 0, finished.output
    assert f"nothing runs in {elsewhere}" in finished.output
    assert not elsewhere.exists()
