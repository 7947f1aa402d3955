"""The requests whose answers are recorded under `tests/golden/answers/`, and who sends them. Data only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple


class Request(NamedTuple):
    """A request. `sender` names credentials of the organization that is served; `{token}` in the path is a v2 token.

    `if_none_match`: send it again with this header, in which `{etag}` is the ETag of the first answer.
    `follow`: send what `Link: rel="next"` names too, until there is none.
    """

    path: str
    sender: str
    method: str = "GET"
    if_none_match: str = ""
    follow: bool = False

    @property
    def name(self) -> str:
        """What the record calls its answer."""
        return f"{self.method} {self.path} by {self.sender}"


V1, V2, NOBODY = "v1 pair", "v2 token", "nobody"
V1_SENDERS: Final = ("v1 Basic", NOBODY, "v1 wrong token", "v1 wrong client", "v1 client alone", "v1 broken Basic")
V2_SENDERS: Final = (NOBODY, "v2 wrong token", "v2 empty token", "v1 pair")
METHODS: Final = ("HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
GRAINS: Final = ("hour", "day", "week", "month", "year")
STATES: Final = ("active", "ended", "starting")

RESULTS: Final = tuple(
    f"results/{name}"
    for name in (
        "button-feedbacks", "follow-up-feedbacks", "text-feedbacks", "demographics", "contact-details", "metadata",
    )
)  # fmt: skip
PAGED: Final = ("alerts", "alert-comments")
WHOLE: Final = (
    "experience-points", "experience-point-custom-data", "company-custom-data", "surveys", "questions",
    "question-localizations", "follow-up-questions", "follow-up-question-localizations", "follow-up-options",
    "follow-up-option-localizations", "alert-specifications", "users", "smileys",
)  # fmt: skip
FORMATS: Final = ("json", "csv")


def _sent(paths: Sequence[str], sender: str) -> Iterator[Request]:
    return (Request(path, sender) for path in paths)


# --- API v1 ----------------------------------------------------------------------------------------------------------

V1_PATHS: Final = (
    "/v1/folders", "/v1/folders/1", "/v1/folders/1/children", "/v1/folders/1/alerts",
    "/v1/questions", "/v1/questions/1", "/v1/questions/1/surveys",
    "/v1/surveys/1", "/v1/surveys/1/results", "/v1/surveys/1/rawresults", "/v1/surveys/1/openfeedback",
    "/v1/surveys/1/followup",
)  # fmt: skip
"""Every endpoint of v1."""

_TREE: Final = (
    "?surveys=true",
    "?surveys=false",
    *(f"?surveys=true&state={state}" for state in STATES),
    "?state=ended",
)
_ROWS: Final = ("rawresults", "openfeedback", "followup")


def v1_requests(folders: int, questions: int, surveys: int, periods: Sequence[str]) -> Iterator[Request]:
    """What is set up and what was pressed, for keys from 1; `periods` are dates as v1 takes them in a query."""
    yield from _sent([f"/v1/folders{query}" for query in ("", *_TREE)], V1)
    for key in range(1, folders + 1):
        parts = ("", "?surveys=true", "?offset=1&limit=1&surveys=true")
        yield from _sent([f"/v1/folders/{key}{query}" for query in ("", *_TREE)], V1)
        yield from _sent([f"/v1/folders/{key}/children{query}" for query in parts], V1)
        yield from _sent([f"/v1/folders/{key}/alerts"], V1)
    yield from _sent([f"/v1/questions{query}" for query in ("", "?offset=1&limit=2", "?offset=99", "?limit=100")], V1)
    for key in range(1, questions + 1):
        states = [f"?state={state}" for state in STATES]
        yield from _sent([f"/v1/questions/{key}"], V1)
        yield from _sent(
            [f"/v1/questions/{key}/surveys{query}" for query in ("", *states, "?offset=1", "?limit=1")], V1
        )
    for key in range(1, surveys + 1):
        yield from _sent([f"/v1/surveys/{key}", f"/v1/surveys/{key}/results"], V1)
        yield from _sent([f"/v1/surveys/{key}/results?truncate={grain}" for grain in GRAINS], V1)
        pages = ("", *(f"?{period}" for period in periods), "?offset=2&limit=3", "?limit=1", "?offset=100000")
        yield from _sent([f"/v1/surveys/{key}/{rows}{query}" for rows in _ROWS for query in pages], V1)
    for period in periods:
        yield from _sent([f"/v1/surveys/1/results?{period}&truncate={grain}" for grain in GRAINS], V1)
        yield from _sent([f"/v1/surveys/{key}/results?{period}" for key in range(2, surveys + 1)], V1)


def v1_manners() -> Iterator[Request]:
    """Every endpoint of v1 by every method, with every credential, and with what its own ETag leads to."""
    for path in V1_PATHS:
        yield Request(path, V1)
        for method in METHODS:
            yield Request(path, V1, method)
        yield Request(path, NOBODY, "HEAD")
        yield from (Request(path, sender) for sender in V1_SENDERS)
        for tags in ("{etag}", 'W/{etag}, "other"', "*", '"other"'):
            yield Request(path, V1, if_none_match=tags)
    yield from _sent(["//v1//folders//1/", "/v1/folders/?surveys=TRUE&unknown=1&&=", "/v1/folders?surveys=1"], V1)


_V1_BAD: Final = (
    "/v1", "/v1/", "/v1/folder", "/v1/surveys", "/v1/surveys/1/result", "/v1/folders/1/children/2", "/v3/folders",
    *(f"/v1/{kind}/{key}" for kind in ("folders", "questions", "surveys") for key in ("0", "-1", "x", "999", "9" * 30)),
    "/v1/folders/999/children", "/v1/folders/999/alerts", "/v1/questions/999/surveys",
    *(f"/v1/surveys/{key}/{rows}" for key in ("999", "x") for rows in ("results", *_ROWS)),
    "/v1/folders?surveys=perhaps", "/v1/folders?surveys=", "/v1/folders?surveys=true&surveys=false",
    "/v1/folders?state=asleep", "/v1/folders/1?state=", "/v1/folders/1/children?limit=0",
    "/v1/folders/1/children?offset=-1", "/v1/folders/1/alerts?limit=x", "/v1/questions?limit=101",
    "/v1/questions?limit=0", "/v1/questions?offset=1.5", "/v1/questions?limit=1&limit=1",
    "/v1/questions/1/surveys?state=upcoming", "/v1/questions/1/surveys?limit=%C3%A4",
    "/v1/surveys/1/results?truncate=quarter", "/v1/surveys/1/results?truncate=",
    "/v1/surveys/1/results?date_start=yesterday", "/v1/surveys/1/results?date_start=2024-02-30",
    "/v1/surveys/1/results?date_end=2024-03-04T00:00:00", "/v1/surveys/1/results?date_end=2024-03-04T24:00:00Z",
    "/v1/surveys/1/results?date_start=2024-03-05&date_end=2024-03-04",
    "/v1/surveys/1/results?date_start=2024-03-05&date_start=2024-03-05",
    *(f"/v1/surveys/1/{rows}?{query}" for rows in _ROWS for query in (
        "date_end=1709532907000", "date_start=", "limit=0", "offset=" + "x" * 300, "limit=%00",
        "date_start=2024-03-05T00:00:00Z&date_end=2024-03-04T00:00:00Z",
    )),
)  # fmt: skip


def v1_errors() -> Iterator[Request]:
    """What v1 refuses: unknown addresses and keys, and every parameter in a form that it does not take."""
    yield from _sent(_V1_BAD, V1)
    yield from _sent(["/v1/folders/999", "/v1/questions?limit=0", "/v1/nothing"], NOBODY)


# --- API v2 ----------------------------------------------------------------------------------------------------------

PERIODS: Final = (
    "today",
    "yesterday",
    *(f"{which}-{what}" for what in ("week", "month", "year") for which in ("this", "last")),
)
INTROSPECTION: Final = ("/v2/token/introspect", "/v2token/introspect")


def v2_requests(whole: str, periods: Sequence[str], nodes: Sequence[int], surveys: int) -> Iterator[Request]:
    """Every listing in both formats: by period, part, order, node and survey.

    `whole` is a query with a period of up to a year that has rows, `periods` are more periods by the calendar.
    """
    for name in RESULTS:
        for ending in FORMATS:
            path = f"/v2/{name}.{ending}"
            yield from _sent([path, *(f"{path}?period={period}" for period in (*PERIODS, *periods))], V2)
            yield from _sent([f"{path}?{whole}{more}" for more in (*_parts(nodes, surveys), *_OF_FEEDBACK)], V2)
        yield from _sent(
            [f"/v2/{name}.csv?{whole}&csvSeparator={mark}" for mark in ("%3B", "%09", "a", "%E2%98%BA")], V2
        )
        for query in ("limit=400", "limit=700&order=desc&includeMisuse=true", "offset=3&limit=900"):
            yield Request(f"/v2/{name}.json?{whole}&{query}", V2, follow=True)
    yield Request(f"/v2/results/button-feedbacks.csv?auth={{token}}&{whole}&limit=400", NOBODY, follow=True)
    for name in PAGED:
        yield from _sent([f"/v2/{name}.json?period={period}" for period in (*PERIODS, *periods)], V2)
        for ending in FORMATS:
            yield from _sent([f"/v2/{name}.{ending}?{whole}{more}" for more in _parts(nodes, surveys)], V2)
            yield Request(f"/v2/{name}.{ending}?{whole}&limit=2", V2, follow=True)


def _parts(nodes: Sequence[int], surveys: int) -> list[str]:
    return [
        "", "&limit=0", "&limit=3", "&offset=2&limit=2", "&offset=100000",
        *(f"&experiencePointId={node}" for node in nodes), *(f"&surveyId={key}" for key in range(1, surveys + 1)),
        f"&experiencePointId={nodes[-1]}&surveyId=1",
    ]  # fmt: skip


_OF_FEEDBACK: Final = (
    "&includeMisuse=true", "&includeMisuse=false", "&includeSpam=true", "&includeSpam=false", "&order=ASC&limit=5",
    "&order=desc&includeMisuse=true",
)  # fmt: skip
"""More parameters that listings of feedback have."""


def v2_set_up(nodes: Sequence[int], sender: str) -> Iterator[Request]:
    """Every listing of what is set up in both formats, and what each may be asked."""
    for name in WHOLE:
        yield from _sent([f"/v2/{name}.json", f"/v2/{name}.csv", f"/v2/{name}.csv?csvSeparator=%3B"], sender)
    narrowed = [
        *(f"experience-points.json?rootExperiencePointId={node}" for node in nodes),
        *(f"experience-points.json?type={kind}" for kind in ("GROUP", "EXPERIENCE_POINT", "experience-point")),
        f"experience-points.csv?type=GROUP&rootExperiencePointId={nodes[0]}",
        *(f"experience-point-custom-data.json?experiencePointId={node}" for node in nodes),
        *(f"experience-point-custom-data.json?rootExperiencePointId={node}" for node in nodes),
        *(f"question-localizations.json?questionId={key}" for key in (1, 2)),
        "follow-up-question-localizations.json?followupQuestionId=1",
        "follow-up-option-localizations.json?followupOptionId=2",
    ]
    yield from _sent([f"/v2/{path}" for path in narrowed], sender)
    yield from _sent(INTROSPECTION, sender)


def v2_scoped(whole: str, sender: str) -> Iterator[Request]:
    """What a token of a part of the tree, or of some kinds of data, gets of every listing."""
    yield from _sent([f"/v2/{name}.json?{whole}" for name in (*RESULTS, *PAGED)], sender)
    yield from _sent([f"/v2/{name}.json" for name in WHOLE], sender)
    yield from _sent(INTROSPECTION, sender)
    for path in (
        "results/button-feedbacks.json?experiencePointId=1", "results/button-feedbacks.json?experiencePointId=4",
        "results/text-feedbacks.csv?surveyId=3", "alerts.json?experiencePointId=1", "alert-comments.csv?surveyId=2",
        "experience-points.json?rootExperiencePointId=1", "experience-point-custom-data.json?experiencePointId=1",
        "question-localizations.json?questionId=2", "follow-up-question-localizations.json?followupQuestionId=1",
        "follow-up-option-localizations.json?followupOptionId=1",
    ):  # fmt: skip
        yield Request(f"/v2/{path}", sender)


def v2_manners(whole: str) -> Iterator[Request]:
    """Every listing of v2 by every method, with every credential, and with what its own ETag leads to."""
    paths = [f"/v2/{name}.json" for name in (*RESULTS, *PAGED, *WHOLE)]
    paths += ["/v2/results/text-feedbacks.csv", "/v2/alerts.csv", "/v2/users.csv"]
    for path in (*(f"{path}?{whole}&limit=2" if "/results/" in path else path for path in paths), *INTROSPECTION):
        for method in METHODS:
            yield Request(path, V2, method)
        yield from (Request(path, sender) for sender in V2_SENDERS)
        yield Request(path + ("&" if "?" in path else "?") + "auth={token}", NOBODY)
        for tags in ("{etag}", '"other"'):
            yield Request(path, V2, if_none_match=tags)
    yield from _sent(["/v2/surveys.json?auth={token}", "/v2//surveys.json/"], "v2 wrong token")
    yield from _sent(["/v2/surveys.json?auth={token}&auth={token}", "/v2/surveys.json?auth="], NOBODY)
    yield from _sent([f"//v2//surveys.json/?unknown=1&{whole}", "/v2/surveys.json?auth=wrong"], V2)


_V2_BAD: Final = (
    "period=lately", "period=", "period=2024-13", "period=2024-q5", "period=today&period=today",
    "startDate=2024-03-05&endDate=2024-03-04", "startDate=2023-01-01&endDate=2024-01-02", "endDate=2030-12-01",
    "endDate=2020-01-01", "startDate=05.03.2024", "startDate=2024-02-30", "endDate=tomorrow", "startDate=",
    "limit=10001", "limit=-1", "limit=ten", "limit=", "limit=1&limit=2", "offset=-1", "offset=x", "order=up", "order=",
    "csvSeparator=%3B%3B", "csvSeparator=", "csvSeparator=%22", "csvSeparator=%0A", "surveyId=one", "surveyId=",
    "experiencePointId=1.5", "experiencePointId=99999999999999999999", "includeMisuse=perhaps", "includeSpam=2",
    "cursor=bm90aGluZw", "cursor=!", "cursor=",
    "surveyId=999", "experiencePointId=999", "experiencePointId=-1", "surveyId=-9223372036854775808",
)  # fmt: skip
_V2_BAD_SET_UP: Final = (
    "experience-points.json?rootExperiencePointId=x", "experience-points.json?rootExperiencePointId=999",
    "experience-points.json?type=house", "experience-points.json?type=", "experience-points.csv?csvSeparator=ab",
    "experience-point-custom-data.json?experiencePointId=x", "experience-point-custom-data.json?experiencePointId=999",
    "experience-point-custom-data.json?rootExperiencePointId=999", "question-localizations.json?questionId=x",
    "question-localizations.json?questionId=999", "follow-up-question-localizations.json?followupQuestionId=x",
    "follow-up-question-localizations.json?followupQuestionId=999",
    "follow-up-option-localizations.json?followupOptionId=x",
    "follow-up-option-localizations.json?followupOptionId=999", "users.csv?csvSeparator=", "users.json?csvSeparator=ab",
)  # fmt: skip
_V2_NOWHERE: Final = (
    "/v2", "/v2/", "/v2/surveys", "/v2/surveys.xml", "/v2/surveys.", "/v2/.json", "/v2/nothing.json", "/v2/nothing.csv",
    "/v2/results", "/v2/results/", "/v2/results/button-feedbacks", "/v2/results/button-feedbacks.xlsx",
    "/v2/results/surveys.json", "/v2/results/button-feedbacks/1.json", "/v2/button-feedbacks.json", "/v2/token",
    "/v2/token/introspect.json", "/v2/token/introspect/1", "/v2token", "/v2tokens/introspect",
)  # fmt: skip


def v2_errors() -> Iterator[Request]:
    """What v2 refuses: unknown addresses, ids and formats, and every parameter in a form that it does not take."""
    yield from _sent([f"/v2/{name}.json?{query}" for name in RESULTS for query in _V2_BAD], V2)
    yield from _sent([f"/v2/{name}.csv?{query}" for name in PAGED for query in _V2_BAD], V2)
    yield from _sent([f"/v2/{path}" for path in _V2_BAD_SET_UP], V2)
    yield from _sent(_V2_NOWHERE, V2)
    yield from _sent(["/v2/nothing.json", "/v2/surveys.xml", "/v2/results/button-feedbacks.json?limit=x"], NOBODY)
