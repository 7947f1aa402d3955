"""What the tables of a report and their columns are called where people read them."""

from __future__ import annotations

from typing import Final

from hymio.errors import Phrase

TABLE_TITLES: Final = {
    "about": Phrase("About"),
    "surveys": Phrase("Surveys"),
    "summary": Phrase("Summary"),
    "distribution": Phrase("Distribution"),
    "trend": Phrase("Trend"),
    "compared-trend": Phrase("Trend before"),
    "hours": Phrase("By hour"),
    "heat-map": Phrase("Hours of the week"),
    "profile": Phrase("Hours of the day"),
    "children": Phrase("Ranking"),
    "times": Phrase("Best and worst times"),
    "follow-ups": Phrase("Follow-ups"),
    "texts": Phrase("Texts"),
    "misuse": Phrase("Misuse"),
    "completeness": Phrase("Completeness"),
    "silent": Phrase("Silent smileys"),
}
"""The titles of tables by name: at most 31 characters, as names of sheets are, and so their translations."""

_COLUMNS: Final = {
    "answers": Phrase("Answers"),
    "index": Phrase("Index"),
    "indexShown": Phrase("Index, rounded"),
    "low": Phrase("Interval from"),
    "high": Phrase("Interval to"),
    "leftOut": Phrase("Answers withheld"),
    "surveyId": Phrase("Survey number"),
    "question": Phrase("Question"),
    "scale": Phrase("Scale"),
    "indexType": Phrase("Type of index"),
    "type": Phrase("Type of survey"),
    "firstDate": Phrase("First date"),
    "lastDate": Phrase("Last date"),
    "change": Phrase("Change"),
    "button": Phrase("Button"),
    "share": Phrase("Share"),
    "start": Phrase("Start"),
    "grain": Phrase("Length"),
    "partial": Phrase("Partly in the period"),
    "weekday": Phrase("Weekday"),
    "hour": Phrase("Hour"),
    "band": Phrase("Band of the index"),
    "countBand": Phrase("Band of answers"),
    "few": Phrase("Few answers"),
    "rank": Phrase("Rank"),
    "score": Phrase("Ranking score"),
    "nodeId": Phrase("Node number"),
    "name": Phrase("Name"),
    "isPoint": Phrase("Is an experience point"),
    "z": Phrase("z"),
    "p": Phrase("p"),
    "correctedP": Phrase("p, corrected"),
    "differs": Phrase("Differs beyond chance"),
    "questionId": Phrase("Question number"),
    "positive": Phrase("After positive buttons"),
    "optionId": Phrase("Option number"),
    "option": Phrase("Option"),
    "at": Phrase("Time"),
    "text": Phrase("Text"),
    "language": Phrase("Language"),
    "english": Phrase("In English"),
    "spam": Phrase("Spam"),
    "relevance": Phrase("Relevance"),
    "categories": Phrase("Categories"),
    "themes": Phrase("Themes"),
    "feedbackId": Phrase("Feedback"),
    "date": Phrase("Date"),
    "raw": Phrase("Raw"),
    "counted": Phrase("Counted"),
    "closed": Phrase("Closed"),
    "repeat": Phrase("Repeat"),
    "burst": Phrase("Burst"),
    "interval": Phrase("Interval"),
    "robot": Phrase("Robot"),
    "scanner": Phrase("Scanner"),
    "hours": Phrase("Hours"),
    "openHours": Phrase("Open hours"),
    "restatedHours": Phrase("Restated hours"),
    "hourOnlyAnswers": Phrase("Answers known to the hour"),
    "silentSmileys": Phrase("Silent smileys"),
    "smileyId": Phrase("Smiley number"),
    "serial": Phrase("Serial"),
    "reportedThrough": Phrase("Reported through"),
    "node": Phrase("Node"),
    "survey": Phrase("Survey"),
    "zones": Phrase("Time zones"),
    "addsLocalHours": Phrase("Adds local hours of several zones"),
    "comparedFirstDate": Phrase("Compared from"),
    "comparedLastDate": Phrase("Compared through"),
    "smileyType": Phrase("Type of smiley"),
    "weekdays": Phrase("Weekdays"),
    "intervalMethod": Phrase("Method of intervals"),
    "textSearch": Phrase("Texts with"),
    "textButtons": Phrase("Texts after buttons"),
    "textsListed": Phrase("Texts listed"),
    "textsMatching": Phrase("Texts that match"),
    "minimumAnswers": Phrase("Least number of answers shown"),
    "answersLeftOut": Phrase("Answers withheld"),
    "revision": Phrase("Revision"),
    "revisedAt": Phrase("Revision committed"),
    "madeAt": Phrase("Made"),
    "link": Phrase("Link"),
}
"""The headings of columns, and of the lines of the table `about`."""


def heading_of(column: str) -> str:
    """The heading of a column by its name; the name itself where it has none."""
    if column in _COLUMNS:
        return _COLUMNS[column]
    if column.startswith("button"):
        return Phrase("Button {button}", button=column.removeprefix("button"))
    if column.startswith("compared"):
        compared = column.removeprefix("compared")
        return Phrase("{heading}, before", heading=heading_of(compared[:1].lower() + compared[1:]))
    return column
