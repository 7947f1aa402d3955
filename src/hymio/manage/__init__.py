"""The door of changes: every change of the set-up and of credentials is a verb here.

A verb takes a Store, and makes a commit of its own, or a Batch, in which many verbs share a commit; then the principal,
and `now` last. It raises Forbidden without its permission, NotFound for what does not exist or is outside the
principal's scope, SetupError if a rule is broken, and Unavailable. It adds one row to the audit log in the same commit.
"""

from hymio.manage.alerts import (
    acknowledge_alert,
    add_alert_specification,
    alert_comments,
    alert_specifications,
    alerts,
    close_alert,
    comment_alert,
    open_alert,
)
from hymio.manage.audit import AuditEntry, audit_log
from hymio.manage.change import Batch, TakesEffect, batch
from hymio.manage.credentials import (
    ApiCredentials,
    NewToken,
    activate_api,
    api_flags,
    create_token,
    edit_token,
    new_sms_secret,
    revoke_api,
    revoke_token,
    rotate_api,
    set_raw_results,
    tokens,
)
from hymio.manage.custom import (
    add_custom_field,
    change_custom_field,
    clear_custom_value,
    custom_fields,
    custom_values,
    remove_custom_field,
    set_custom_value,
)
from hymio.manage.nodes import add_group, add_point, move_node, rename_node, set_policy, set_zone
from hymio.manage.organizations import ROOT, create_organization, find_organization, organizations, set_language
from hymio.manage.outbox import discard_outbox_row, retry_outbox_row
from hymio.manage.personal_data import begin_erasure, retention, set_retention
from hymio.manage.principals import (
    device_principal,
    smiley_by_serial,
    sms_principal,
    v1_principal,
    v2_principal,
)
from hymio.manage.repairs import accept_clock, begin_rebuild, begin_release, begin_resettle
from hymio.manage.secrets import sms_key
from hymio.manage.smileys import NewSmiley, add_smiley, new_token, place, unplace
from hymio.manage.surveys import (
    add_followup,
    add_question,
    add_survey,
    assign,
    localize_followup_option,
    localize_followup_question,
    localize_question,
    set_periods,
)
from hymio.manage.users import add_user, edit_user, remove_user, users
from hymio.manage.withholding import minimum_answers, set_minimum_answers
from hymio.store.catalog.alerts import Stretch
from hymio.store.catalog.credentials import ApiToken
from hymio.store.catalog.organizations import Organization

__all__ = [
    "ROOT",
    "ApiCredentials",
    "ApiToken",
    "AuditEntry",
    "Batch",
    "NewSmiley",
    "NewToken",
    "Organization",
    "Stretch",
    "TakesEffect",
    "accept_clock",
    "acknowledge_alert",
    "activate_api",
    "add_alert_specification",
    "add_custom_field",
    "add_followup",
    "add_group",
    "add_point",
    "add_question",
    "add_smiley",
    "add_survey",
    "add_user",
    "alert_comments",
    "alert_specifications",
    "alerts",
    "api_flags",
    "assign",
    "audit_log",
    "batch",
    "begin_erasure",
    "begin_rebuild",
    "begin_release",
    "begin_resettle",
    "change_custom_field",
    "clear_custom_value",
    "close_alert",
    "comment_alert",
    "create_organization",
    "create_token",
    "custom_fields",
    "custom_values",
    "device_principal",
    "discard_outbox_row",
    "edit_token",
    "edit_user",
    "find_organization",
    "localize_followup_option",
    "localize_followup_question",
    "localize_question",
    "minimum_answers",
    "move_node",
    "new_sms_secret",
    "new_token",
    "open_alert",
    "organizations",
    "place",
    "remove_custom_field",
    "remove_user",
    "rename_node",
    "retention",
    "retry_outbox_row",
    "revoke_api",
    "revoke_token",
    "rotate_api",
    "set_custom_value",
    "set_language",
    "set_minimum_answers",
    "set_periods",
    "set_policy",
    "set_raw_results",
    "set_retention",
    "set_zone",
    "smiley_by_serial",
    "sms_key",
    "sms_principal",
    "tokens",
    "unplace",
    "users",
    "v1_principal",
    "v2_principal",
]
