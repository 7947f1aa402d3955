"""What a survey asks after a button, and the refusal of answers to anything else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hymio.errors import BadRequest, Phrase
from hymio.scale import Scale
from hymio.setup import Content, Layout
from hymio.survey import FollowupQuestion, Survey

if TYPE_CHECKING:
    from hymio.gateway.digital.message import Message, TypedFollowup


def check_button(layout: Layout, number: int, button: int) -> None:
    """BadRequest unless there is a survey of a number, with a button of an index."""
    survey = layout.surveys.get(number)
    if survey is None:
        raise BadRequest(
            parameter="survey", got=str(number), accepted=Phrase("the number of the survey that was shown")
        )
    if button >= survey.scale.buttons:
        accepted = Phrase("an integer from {least} to {most}", least=0, most=survey.scale.buttons - 1)
        raise BadRequest(parameter="button", got=str(button), accepted=accepted)


def check_answers(layout: Layout, content: Content, number: int, button: int, message: Message) -> None:
    """BadRequest for an answer to what the survey of a number does not ask after a button."""
    flow = content.flow(number)
    if message.followup is not None:
        _check_followup(followup_after(layout, content, number, button), message.followup)
    for name, is_asked in (("text", flow.asks_text), ("contact", flow.asks_contact)):
        if getattr(message, name) is not None and not is_asked:
            raise BadRequest("answer-not-asked", "{parameter}: this survey does not ask for it", parameter=name)


def _check_followup(asked: FollowupQuestion | None, answered: TypedFollowup) -> None:
    """BadRequest unless the answer is to the question that is asked, and its option one of the question's."""
    if asked is None or asked.id != answered.question:
        accepted = Phrase("the follow-up question after this button")
        raise BadRequest(parameter="followup.question", got=str(answered.question), accepted=accepted)
    if answered.option is not None and answered.option not in {option.id for option in asked.options}:
        accepted = Phrase("an option of the follow-up question")
        raise BadRequest(parameter="followup.option", got=str(answered.option), accepted=accepted)


def followup_after(layout: Layout, content: Content, number: int, button: int) -> FollowupQuestion | None:
    """The follow-up question after a button of a survey: that of its side of the scale. The middle of five has none."""
    survey: Survey | None = layout.surveys.get(number)
    side = None if survey is None else is_positive(survey.scale, button)
    if survey is None or side is None:
        return None
    return next((followup for followup in content.followups(survey) if followup.positive is side), None)


def is_positive(scale: Scale, button: int) -> bool | None:
    """Whether a button is on the positive side of its scale; None in the middle.

    Of NPS, detractors (0 to 6) are on the negative side and promoters (9 and 10) on the positive one.
    """
    if scale is Scale.NPS:
        return True if button >= 9 else False if button <= 6 else None
    middle = (scale.buttons - 1) / 2
    return None if button == middle else button > middle
