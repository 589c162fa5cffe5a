import io

from rich.console import Console

from oneshot_hpo.experiments.terminal.tables import print_table


def printed(**options: object) -> str:
    console = Console(file=io.StringIO(), width=40)
    groups = [[("re", "1.5")], [("[bold]tpe", "10.25")]]
    print_table(console, ("method", "regret"), groups, **options)  # type: ignore[arg-type]
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_names_are_left_numbers_right_and_nothing_is_markup() -> None:
    lines = printed(title="a title").splitlines()
    assert lines[0].strip() == "a title"
    assert "│ re        │    1.5 │" in lines
    assert "│ [bold]tpe │  10.25 │" in lines
    between = lines[lines.index("│ re        │    1.5 │") + 1]
    assert set(between) <= set("├─┼┤")


def test_without_a_frame_there_are_only_the_columns() -> None:
    lines = [line.split() for line in printed(framed=False).splitlines()]
    assert lines == [["method", "regret"], ["re", "1.5"], ["[bold]tpe", "10.25"]]
