"""The arithmetic and the text of the router benchmark: medians, what a router adds, tables, what counts as wrong."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[2] / "bench"
sys.path.append(str(BENCH))  # the benchmark is no package of the wheel

from routerbench import payloads, publish, tables  # noqa: E402  (needs the path above)
from routerbench.client import WrongAnswerError, answers, wrk_rate  # noqa: E402
from routerbench.effort import rotated, to_and_fro  # noqa: E402
from routerbench.figures import Figures, Spread  # noqa: E402
from routerbench.samples import DIRECT, Memory, Results, Sample, WrkRate  # noqa: E402
from routerbench.scenarios import FIXED_RATE, SCENARIOS  # noqa: E402


def sample(program: str, scenario: str, turn: int, **values: float) -> Sample:
    """A slice. Turns beyond the second are those of a second round."""
    base = Sample(
        program, scenario, turn // 2, turn % 2, rate=1000, p50=1, p99=2, first_p50=1, first_p99=2,
        cpu=50, busy=0.9, foreign=0.01, foreign_load=0.02, reconnects=0,
    )  # fmt: skip
    return dataclasses.replace(base, **values)


def results(*changed: Sample) -> Results:
    programs = (DIRECT, "auriga", "nginx")
    every = {
        (p, s.name, n): sample(p, s.name, n, rate=s.rate or 1000)
        for p in programs
        for s in SCENARIOS
        for n in (0, 1, 2)
    }
    every |= {(one.program, one.scenario, 2 * one.round + one.turn): one for one in changed}
    memory = tuple(Memory(program, 0, idle=40, held=45, streams=500, after=50) for program in programs[1:])
    return Results(tuple(every.values()), memory, tuple(WrkRate(program, 0, 900) for program in programs))


def test_a_spread_is_the_median_and_the_quartiles() -> None:
    assert Spread.of([9, 1, 3, 2, 4]) == Spread(3, 2, 4)
    assert Spread.of([1, 2]) == Spread(1.5, 1.25, 1.75)
    assert Spread.of(iter([7])) == Spread(7, 7, 7)


def test_added_latency_is_that_over_the_direct_slice_of_the_same_turn() -> None:
    direct = [sample(DIRECT, "one-json", turn, p50=value) for turn, value in enumerate((0.1, 0.9, 0.1))]
    router = [sample("auriga", "one-json", turn, p50=value) for turn, value in enumerate((0.3, 1.2, 0.2))]
    added = Figures(results(*direct, *router)).over("auriga", DIRECT, "one-json", "p50")
    assert (added.low, added.median, added.high) == pytest.approx((0.15, 0.2, 0.25))


def test_a_ratio_does_not_change_with_the_machine_s_mood() -> None:
    moods = (1, 0.3, 0.6)
    auriga = [sample("auriga", "json", turn, rate=1500 * mood) for turn, mood in enumerate(moods)]
    nginx = [sample("nginx", "json", turn, rate=3000 * mood) for turn, mood in enumerate(moods)]
    ratio = Figures(results(*auriga, *nginx)).ratio("auriga", "nginx", "json", "rate")
    assert (ratio.low, ratio.median, ratio.high) == pytest.approx((0.5, 0.5, 0.5))


def test_only_turns_of_both_are_compared() -> None:
    whole = results(*(sample("auriga", "json", turn, rate=rate) for turn, rate in enumerate((10, 20, 90))))
    few = tuple(one for one in whole.samples if one.program != "nginx" or (one.round, one.turn) in {(0, 1), (1, 0)})
    figures = Figures(dataclasses.replace(whole, samples=few))
    assert figures.ratio("auriga", "nginx", "json", "rate").median == pytest.approx(0.055)
    assert figures.over("nginx", "auriga", "json", "rate").median == 945


def test_a_pair_counts_where_both_slices_are_calm() -> None:
    noisy = [sample("auriga", "json", 1, rate=1, foreign=0.5), sample("nginx", "json", 1)]
    calm = [sample("auriga", "json", turn, rate=3000) for turn in (0, 2)]
    assert Figures(results(*noisy, *calm)).ratio("auriga", "nginx", "json", "rate") == Spread(3, 3, 3)
    theirs = [sample("auriga", "json", 1, rate=1), sample("nginx", "json", 1, foreign=0.5)]
    assert Figures(results(*theirs, *calm)).ratio("auriga", "nginx", "json", "rate") == Spread(3, 3, 3)


def test_programs_change_places() -> None:
    assert [rotated("abc", number) for number in range(4)] == [[*"abc"], [*"bca"], [*"cab"], [*"abc"]]
    assert rotated((), 1) == []
    assert [to_and_fro("abc", turn) for turn in range(3)] == [[*"abc"], [*"cba"], [*"abc"]]


def test_a_disturbed_slice_counts_only_among_the_calmer_half() -> None:
    one = sample("nginx", "json", 0, rate=10, foreign=0.5)
    figures = Figures(results(one))
    assert figures.spread("nginx", "json", "rate").low == 1000
    assert (figures.left_out("nginx"), figures.left_out("auriga")) == (1, 0)
    every = [sample("nginx", "json", turn, rate=10, foreign_load=share) for turn, share in enumerate((0.9, 0.2, 0.5))]
    disturbed = Figures(results(*every))
    assert disturbed.spread("nginx", "json", "rate").median == 10
    assert disturbed.left_out("nginx") == 1
    assert disturbed.worst("nginx", "foreign_load") == 0.5


def test_the_router_s_core_does_not_matter_without_a_router() -> None:
    assert sample(DIRECT, "json", 0, foreign=0.9).disturbance == sample(DIRECT, "json", 0).foreign_load


def test_ratio_and_work_a_cpu_second() -> None:
    figures = Figures(results(*(sample("nginx", "json", turn, rate=500, cpu=25) for turn in range(3))))
    assert figures.ratio("auriga", "nginx", "json", "rate").median == 2
    assert figures.ratio("auriga", "nginx", "json", "per_cpu_second").median == 0.5


def test_memory_is_scaled_to_a_thousand_streams() -> None:
    assert Figures(results()).memory("auriga", "per_thousand").median == 10


@pytest.mark.parametrize(
    ("spread", "text"),
    [
        (Spread(35_712, 34_881, 36_149), "35,700 (34,900-36,100)"),
        (Spread(1_234, 999, 1_235), "1,230 (999-1,240)"),
        (Spread(7.04, 6.5, 80), "7.0 (6.5-80.0)"),
    ],
)
def test_counts_show_three_digits(spread: Spread, text: str) -> None:
    assert tables.count(spread) == text


def test_every_table_has_a_row_for_each_program_and_as_many_cells_as_its_head() -> None:
    text = tables.all_tables(Figures(results()))
    blocks = [block.splitlines() for block in text.split("\n\n") if block.startswith("|")]
    assert len(blocks) == 6
    for block in blocks:
        assert len({line.count("|") for line in block}) == 1
    assert text.count("| auriga |") == 5  # the sixth compares it with the others
    assert text.count("| auriga over nginx |") == 1


def test_latency_at_a_rate_that_was_not_held_is_not_shown() -> None:
    slow = [sample("auriga", FIXED_RATE.name, turn, rate=90, p50=900) for turn in range(3)]
    table = tables.latency(Figures(results(*slow)), ["auriga", "nginx"])
    auriga, nginx, over = table.splitlines()[2:]
    assert "does not hold the rate" in auriga
    assert "does not hold the rate" in over
    assert "does not hold" not in nginx


@pytest.mark.parametrize(
    ("spread", "text"), [(Spread(1.534, 1.5, 1.6), "1.53x (1.50-1.60)"), (Spread(240.6, 239, 251), "241x (239-251)")]
)
def test_ratios_show_what_matters(spread: Spread, text: str) -> None:
    assert tables.times(spread) == text


def test_the_document_keeps_its_prose_around_the_generated_part() -> None:
    before = f"# Title\n\n{publish.BEGIN}\nold\n{publish.END}\n\nProse.\n"
    assert publish.spliced(before, "new\n") == f"# Title\n\n{publish.BEGIN}\n\nnew\n\n{publish.END}\n\nProse.\n"
    with pytest.raises(ValueError, match="needs the two lines"):
        publish.spliced("# Title\n", "new\n")


def test_the_published_document_has_its_markers() -> None:
    text = (BENCH.parent / "docs" / "benchmarks.md").read_text()
    assert text.count(publish.BEGIN) == text.count(publish.END) == 1


def printed(**changed: object) -> str:
    percentiles = {"p50": 500.0, "p90": 600.0, "p99": 700.0, "p999": 800.0, "max": 900.0}
    base = {
        "completed": 10, "total": 12, "issued": 12, "reconnects": 0, "bodyBytes": 1,
        "errors": {"closed": 0, "content": 0}, "sample": "", "cpuSeconds": 0.1,
        "latency": percentiles, "firstByte": percentiles,
    }  # fmt: skip
    return json.dumps(base | changed)


def test_answers_are_read_in_milliseconds() -> None:
    found = answers(printed())
    assert (found.completed, found.total, found.p50, found.first_p99) == (10, 12, 0.5, 0.7)


@pytest.mark.parametrize("changed", [{"errors": {"content": 1}, "sample": "<html>"}, {"total": 0}])
def test_a_wrong_or_missing_answer_is_an_error(changed: dict[str, object]) -> None:
    with pytest.raises(WrongAnswerError, match="right answers"):
        answers(printed(**changed))


def test_wrk_figures_count_only_without_errors() -> None:
    assert wrk_rate("Requests/sec:  13635.47\n") == pytest.approx(13635.47)
    with pytest.raises(WrongAnswerError, match="Non-2xx"):
        wrk_rate("  Non-2xx or 3xx responses: 3\nRequests/sec:  13635.47\n")


def test_varied_requests_differ_in_length_and_text() -> None:
    bodies = payloads.varied(50)
    assert len({len(body) for body in bodies}) > 25
    assert len(set(bodies)) == 50


def test_bodies_are_one_line_each() -> None:
    """The load generator reads a body a line."""
    assert not [body for body in (*payloads.large(1), *payloads.varied(20)) if "\n" in body]
    assert len(payloads.large(1)[0]) > 100_000


def test_pieces_count_only_in_order_and_complete() -> None:
    stream = "".join(f'data: {{"content":"t{number:04d} "}}\n\n' for number in range(3)) + "data: [DONE]\n\n"
    assert payloads.has_in_order(stream, payloads.stream_pieces(3))
    assert not payloads.has_in_order(stream, payloads.stream_pieces(4))
    assert not payloads.has_in_order(stream.removesuffix("data: [DONE]\n\n"), payloads.stream_pieces(3))


@pytest.mark.parametrize("lock", sorted((BENCH / "peers").glob("*.txt")), ids=lambda path: path.name)
def test_peers_are_locked_with_hashes_and_without_addresses(lock: Path) -> None:
    lines = lock.read_text().splitlines()
    assert not [line for line in lines if "://" in line]
    assert not [line for line in lines if not line.startswith((" ", "#")) and "==" not in line]
    assert lines[-1].startswith("    --hash=sha256:")
