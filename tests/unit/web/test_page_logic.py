"""What the page reckons and words: times, columns, lines, holes, the link, forms."""

import pytest

from tests.unit.web.chromium import needs_chromium

needs_chromium()

AT = 1795960000.25  # 2026-11-29T13:46:40.250Z
WORDS, COLUMNS, SPAN = "logic/words.js", "logic/columns.js", "logic/span.js"
LINK, FORMS, STATES = "logic/link.js", "logic/forms.js", "logic/states.js"


def series(times, means=None, breaks=(), window_end=None):
    """Return JavaScript that makes a series with columns at these times."""
    means = means or [float(i) for i in range(len(times))]
    end = max(times, default=0) if window_end is None else window_end
    return (
        f"const t = {list(times)}, mean = {str(means).replace('None', 'null')};"
        f"const series = columns.seriesOf({{t: [...t], n: t.map(() => 1), min: [...mean],"
        f" max: [...mean], mean: [...mean], breaks: {list(breaks)}, raw: false}});"
        f"series.windowEnd = {end};"
    )


# --- Words ---


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.42, "0.4 s"),
        (9.96, "10 s"),
        (59.6, "1 min"),
        (200, "3 min 20 s"),
        (3600, "1 h"),
        (3599.7, "1 h"),
        (9 * 86400 + 4 * 3600 + 7, "9 d 4 h"),
        (-3, "0.0 s"),
        (None, "\u2013"),
    ],
)
def test_a_duration_is_told_in_its_two_largest_units(run, seconds, words):
    assert run(WORDS, "return words.duration(given)", seconds) == words


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (-12, "\u221212"),
        (282.2490001, "282.249"),
        (1.5e-7, "1.5000e\u22127"),
        (2.5e12, "2.5000e+12"),
        (None, "\u2013"),
        ("<b>on</b>", "<b>on</b>"),
    ],
)
def test_a_value_is_told_with_six_digits(run, value, text):
    assert run(WORDS, "return words.number(given)", value) == text


def test_moments_are_in_utc_or_in_the_time_of_the_browser(run):
    assert run(WORDS, "return words.moment(given, true)", AT) == "2026-11-29 13:46:40"
    assert run(WORDS, "return words.clock(given, true, 3)", AT) == "13:46:40.250"
    offset_s = run(WORDS, "return new Date(given * 1000).getTimezoneOffset() * 60", AT)
    local, utc = "words.moment(given[0], false)", "words.moment(given[0] - given[1], true)"
    assert run(WORDS, f"return {local} === {utc}", [AT, offset_s])


def test_a_typed_time_is_read_as_it_is_shown(run):
    code = "return [true, false].map((utc) => words.typedTime(words.moment(given, utc), utc))"
    assert run(WORDS, code, AT) == [AT - 0.25, AT - 0.25]


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-11-29", 1795910400),
        ("2026-11-29 13:46", AT - 40.25),
        ("2026-11-29T13:46:40.25Z", AT),
        ("yesterday", None),
        ("2026-13-01", None),
        ("", None),
    ],
)
def test_a_typed_time_may_be_short(run, text, at):
    read = run(WORDS, "return words.typedTime(given, true)", text)
    assert (read if read == read else None) == at  # only NaN differs from itself


def test_ticks_name_the_day_where_it_changes(run):
    code = "return words.ticks([given, given + 3600, given + 39600], 3600, true)"
    assert run(WORDS, code, AT - 40.25) == ["13:46\n2026-11-29", "14:46", "00:46\n2026-11-30"]


def test_ticks_of_values_have_the_same_decimals(run):
    code = "return [284, 284.5, 285].map((value) => words.tickValue(value, 0.5))"
    assert run(WORDS, code) == ["284.0", "284.5", "285.0"]
    assert run(WORDS, "return [0, 0.25].map((v) => words.tickValue(v, 0.25))") == ["0.00", "0.25"]


# --- Columns ---


def test_live_columns_join_the_window_and_replace_what_comes_again(run):
    code = (
        series([1, 2, 3])
        + """
    columns.merge(series, {t: [3, 4], n: [7, 1], min: [5, 6], max: [5, 6], mean: [5, 6]});
    columns.merge(series, {t: [2.5], n: [1], min: [9], max: [9], mean: [9]});
    return [series.t, series.n, series.mean];"""
    )
    assert run(COLUMNS, code) == [[1, 2, 2.5, 3, 4], [1, 1, 1, 7, 1], [0, 1, 9, 5, 6]]


def test_live_columns_stay_when_the_window_before_them_is_asked_again(run):
    code = series([1, 2, 3, 4]) + "return columns.from(series, 3)"
    kept = {"t": [3, 4], "n": [1, 1], "min": [2, 3], "max": [2, 3], "mean": [2, 3], "changes": None}
    assert run(COLUMNS, code) == kept


def test_lines_break_where_the_server_says_so_and_not_at_empty_pixels(run):
    code = series([0, 1, 100, 101], breaks=[3]) + "return columns.lines(series, 0, 200)"
    assert run(COLUMNS, code) == [[0, 2], [3, 3]]


def test_lines_of_live_columns_break_by_the_rule_of_gaps(run):
    code = series([0, 1, 2, 3, 9, 15.1], window_end=2) + "return columns.lines(series, 0, 200)"
    assert run(COLUMNS, code) == [[0, 4], [5, 5]]


def test_a_column_without_a_number_is_not_drawn(run):
    code = series([0, 1, 2, 3], [1.0, None, 2.0, 3.0]) + "return columns.lines(series, 0, 9)"
    assert run(COLUMNS, code) == [[0, 0], [2, 3]]


def test_a_line_goes_on_beyond_both_sides_of_the_view(run):
    code = series(range(10)) + "return columns.lines(series, 3.5, 6.5)"
    assert run(COLUMNS, code) == [[3, 7]]


def test_extremes_are_of_the_view_only(run):
    code = series([0, 1, 2, 3], [9.0, 1.0, 4.0, -9.0])
    assert run(COLUMNS, code + "return columns.extremes(series, 0.5, 2.5)") == {
        "least": 1,
        "greatest": 4,
        "samples": 2,
    }
    assert run(COLUMNS, code + "return columns.extremes(series, 5, 6)") is None


def test_a_night_of_live_columns_stays_small(run):
    code = (
        series([])
        + """
    for (let at = 0; at < 50000; at += 1) {
      columns.merge(series, {t: [at], n: [1], min: [1], max: [1], mean: [1]});
      columns.trim(series, at - 600);
    }
    const length = series.t.length;
    return [length <= 1000, series.t[0] <= 49999 - 600, series.n.length === length];"""
    )
    assert run(COLUMNS, code) == [True, True, True]


def test_the_sample_at_the_cursor_is_the_nearest_within_reach(run):
    code = series([0, 10, 20])
    found = run(
        COLUMNS, code + "return [4, 6, 15.1, 99].map((at) => columns.nearest(series, at, 5))"
    )
    assert found == [0, 1, 2, -1]


TEXTS = series(range(1, 11), [None] * 10) + "series.changes = [[-9, 'z'], [1, 'a'], [5, 'b']];"


def test_a_text_holds_until_it_changes_and_no_longer_than_its_samples_come(run):
    code = TEXTS + "return columns.texts(series, 0, 99)"
    assert run(COLUMNS, code) == [[0.5, 1, "z"], [1, 5, "a"], [5, 10.5, "b"]]
    assert run(COLUMNS, TEXTS + "series.breaks.add(7); return columns.texts(series, 4, 99)") == [
        [2.5, 5, "a"],
        [5, 6.5, "b"],
        [6.5, 10.5, "b"],
    ]


def test_a_text_is_not_told_where_its_agent_was_silent(run):
    code = TEXTS + "return [[0, 0.5], [1, 9], [4.9, 1], [5, 1], [12, 9], [12, 1]]"
    found = run(COLUMNS, code + ".map(([at, within_s]) => columns.textAt(series, at, within_s))")
    assert found == [None, "a", "a", "b", "b", None]


def test_each_of_many_texts_is_told(run):
    code = """
    const t = Array.from({length: 9000}, (_, i) => i);
    const changes = t.map((at) => [at, String(at)]);
    const series = columns.seriesOf({t, n: t, min: t, max: t, mean: t, breaks: [], changes});
    return columns.texts(series, 0, 9000).length;"""
    assert run(COLUMNS, code) == 9000


def test_two_fingers_that_part_make_the_span_shorter_around_their_middle(run):
    code = """
    const at = (x, y = 0) => ({clientX: x, clientY: y});
    const {factor, middle} = span.pinch([at(100), at(200)], [at(100), at(300)]);
    const close = span.pinch([at(100), at(200)], [at(150), at(150, 1)]);
    return [factor, middle, close.factor];"""
    assert run(SPAN, code) == [0.5, 200, 10]


# --- Log ---


@pytest.mark.parametrize(
    ("shown", "answer", "new"),
    [
        ("", "ab", "ab"),
        ("ab", "bc", "c"),
        ("ab", "ab", ""),
        ("ab", "cd", "cd"),
        ("aab", "abb", "b"),
        ("ab", "", ""),
    ],
)
def test_a_log_that_is_asked_again_shows_each_line_once(run, shown, answer, new):
    code = """
    const lines_of = (texts) => [...texts].map((text) => ({at: 1, text}));
    return lines.newLines(lines_of(given[0]), lines_of(given[1])).map(({text}) => text).join("");"""
    assert run("logic/lines.js", code, [shown, answer]) == new


# --- Holes ---


def test_a_hole_is_at_least_a_pixel_wide_and_neighbours_are_one_band(run):
    code = """
    const hole = (since_at, until_at) => ({since_at, until_at});
    const list = [hole(10, 10.001), hole(10.5, 12), hole(50, 60), hole(900, 950)];
    return holes.bands(list, (at) => at, 0, 100);"""
    assert run("logic/holes.js", code) == [[10, 2], [50, 10]]


def test_a_hole_that_is_told_again_is_one_hole(run):
    known = [
        {"feed": "a", "since_at": 5, "until_at": 6},
        {"feed": "b", "since_at": 5, "until_at": 6},
    ]
    more = [
        {"feed": "a", "since_at": 5, "until_at": 7},
        {"feed": "a", "since_at": 1, "until_at": 2},
    ]
    joined = run("logic/holes.js", "return holes.joined(...given)", [known, more])
    assert joined == [more[1], more[0], known[1]]


def test_a_hole_tells_its_feed_time_length_and_cause(run):
    hole = {
        "feed": "thermo1.temps",
        "since_at": AT,
        "until_at": AT + 209,
        "cause": "the router was away",
        "count": 1836,
        "estimated": True,
    }
    assert run("logic/holes.js", "return holes.holeText(given, true)", hole) == (
        "thermo1.temps: 2026-11-29 13:46:40 to 2026-11-29 13:50:09 (3 min 29 s): "
        "the router was away, about 1\u2009836 messages"
    )


# --- Time that is seen ---


def test_moving_back_stops_the_view_and_moving_to_the_present_lets_it_follow(run):
    back = run(SPAN, "return span.moved(span.live(600), -0.5, given)", AT)
    assert back == {"live": False, "since": AT - 900, "until": AT - 300}
    assert run(SPAN, f"return span.moved(given, 0.6, {AT})", back) == {"live": True, "span_s": 600}


def test_a_live_view_stays_live_when_it_is_zoomed(run):
    assert run(SPAN, "return span.zoomed(span.live(600), 2, given)", AT)["live"]


def test_zooming_keeps_the_time_under_the_pointer(run):
    code = "return span.zoomed({live: false, since: 0, until: 100}, 0.5, given, 20)"
    assert run(SPAN, code, AT) == {"live": False, "since": 10, "until": 60}


def test_no_view_ends_in_the_future_or_has_no_length(run):
    view = run(SPAN, "return span.fixed(given - 10, given + 50, given)", AT)
    assert view == {"live": False, "since": AT - 60, "until": AT}
    assert run(SPAN, "return span.fixed(5, 5, given).until - span.fixed(5, 5, given).since > 0", AT)


def test_steps_of_live_columns_are_powers_of_two(run):
    code = "return [60, 600, 3600, 86400, 3e7].map((s) => span.stepFor(s, 1000))"
    assert run(SPAN, code) == [1 / 16, 0.5, 2, 8, 8]


# --- The link ---


@pytest.mark.parametrize(
    "view",
    [
        {"live": True, "span_s": 600},
        {"live": True, "span_s": 31536000},
        {"live": False, "since": AT - 60, "until": AT},
    ],
)
def test_a_link_keeps_the_view(run, view):
    shown = {
        "instance": "thermo 1&<b>",
        "fields": ["a.b.c", "d.e.#f&g=h"],
        "view": view,
        "utc": False,
        "apart": True,
    }
    assert run(LINK, "return link.viewOf(link.fragmentOf(given))", shown) == shown


def test_the_usual_view_needs_no_fragment(run):
    assert run(LINK, "return link.fragmentOf(link.viewOf(''))") == ""


@pytest.mark.parametrize("text", ["since=x&until=5", "since=9&until=5", "span=-1", "span=x", "#%"])
def test_a_broken_link_shows_the_usual_view(run, text):
    assert run(LINK, "return link.viewOf(given).view", text) == {"live": True, "span_s": 600}


# --- Forms ---


def param(type_, **keys):
    return {"name": "delay", "type": type_, "has_default": False, "choices": None, **keys}


@pytest.mark.parametrize(
    ("parameter", "text", "read"),
    [
        (param("float"), " 2.5 ", {"value": 2.5}),
        (param("int"), "3", {"value": 3}),
        (param("int"), "3.5", {"error": 'delay: a whole number, not "3.5"'}),
        (param("float"), "x", {"error": 'delay: a number, not "x"'}),
        (param("float"), "", {"error": "delay is needed: a value of type float"}),
        (param("float", has_default=True, default=5.0), "", {}),
        (param("float, nullable"), "", {"value": None}),
        (param("str"), "", {"value": ""}),
        (param("str"), " x", {"value": " x"}),
        (param("bool"), "true", {"value": True}),
        (param("int", choices=[1, 2]), "2", {"value": 2}),
        (param("int", choices=[1, 2]), "3", {"error": 'delay: one of 1, 2, not "3"'}),
    ],
)
def test_the_text_of_a_form_becomes_a_value(run, parameter, text, read):
    assert run(FORMS, "return forms.valueOf(...given)", [parameter, text]) == read


def test_an_agent_that_does_not_tell_its_parameters_gets_json(run):
    code = "return given.map((text) => forms.paramsOf(null, [text]))"
    refused = {"errors": ['params: a JSON object such as {"delay": 5}, not "[1]"']}
    read = run(FORMS, code, ["", '{"delay": 5}', "[1]"])
    assert read == [{"params": {}}, {"params": {"delay": 5}}, refused]


def test_progress_is_what_a_session_tells(run):
    code = "return given.map((data) => forms.progressOf({data}))"
    told = [{"progress": 0.4}, {"requested_delay": 5, "delay_so_far": 1}, {"x": 1}, None]
    assert run(FORMS, code, told) == [0.4, 0.2, None, None]


# --- States ---


def test_the_worst_instances_come_first_and_equals_keep_their_order(run):
    rows = [
        {"instance_id": name, "state": state, "health": health, "target": "up"}
        for name, state, health in [
            ("a", "up", "ok"),
            ("b", "up", "degraded"),
            ("c", "up", "ok"),
            ("d", "failed", None),
            ("e", "down", None),
        ]
    ]
    code = "return states.worstFirst(given).map((row) => row.instance_id).join('')"
    assert run(STATES, code, rows) == "debac"


def test_an_instance_has_the_time_of_its_hosts_last_answer(run):
    rows = [{"instance_id": "thermo1"}]
    hosts = [
        {"host": "lab", "answers": False, "answered_at": 5.0, "status": {"instances": rows}},
        {"host": "dome", "answers": False, "answered_at": None, "status": None},
    ]
    found = run(STATES, "return states.instancesOf(given)", {"hosts": hosts})
    told = {"host": "lab", "answers": False, "told_at": 5.0}
    assert found == [{"instance_id": "thermo1", **told}]


def test_operations_are_counted_the_failed_first(run):
    operations = [{"state": state} for state in ("running", "failed", "succeeded", "stopped")]
    told = run(STATES, "return states.operationText(given)", operations)
    assert told == "1 failed · 1 run · 1 stopped"
    assert run(STATES, "return states.operationText(null)") == "\u2013"


def test_fields_share_a_plot_if_they_have_the_same_units(run):
    code = """
    const units = {a: "K", b: "V", c: "K", d: ""};
    const look = (field) => ({units: units[field], changes: field === "d" ? [] : null});
    return groups.plotsOf(["a", "b", "c", "d"], look, given)
      .map((plot) => plot.fields.map(({field}) => field).join(""));"""
    assert run("logic/groups.js", code, False) == ["ac", "b", "d"]
    assert run("logic/groups.js", code, True) == ["a", "b", "c", "d"]


def test_rates_come_from_the_counts_of_columns_and_of_samples(run):
    answer = {"t": [0.5, 1.5, 1.6, 9], "n": [4, 1, 2, 1], "n_nan": [0, 1, 0, 0]}
    assert run("logic/rates.js", "return rates.rates(given, 0, 4, 2)", answer) == [4, 0]
