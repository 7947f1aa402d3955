"""Changing the set-up: organizations, the tree, surveys, smileys, and the secrets that open a door."""

from hymio.store.catalog.access import (
    ApiCredentials,
    V1Client,
    activate_api,
    revoke_api,
    rotate_api,
    set_raw_results,
    v1_client,
)
from hymio.store.catalog.directory import (
    SMILEY_TOKEN,
    SMS_SECRET,
    hash_secret,
    look_up,
)
from hymio.store.catalog.organizations import (
    Organization,
    create_organization,
    find_organization,
    organizations,
)
from hymio.store.catalog.smileys import (
    NewSmiley,
    add_smiley,
    keep_message,
    new_token,
    organization_by_sms_secret,
    place,
    smiley_by_serial,
    smiley_by_token,
    sms_key,
    sms_secret,
)
from hymio.store.catalog.surveys import (
    add_followup,
    add_question,
    add_survey,
    assign,
)
from hymio.store.catalog.tree import (
    add_group,
    add_point,
    move_node,
    rename_node,
    set_policy,
    set_zone,
)

__all__ = [
    "SMILEY_TOKEN",
    "SMS_SECRET",
    "ApiCredentials",
    "NewSmiley",
    "Organization",
    "V1Client",
    "activate_api",
    "add_followup",
    "add_group",
    "add_point",
    "add_question",
    "add_smiley",
    "add_survey",
    "assign",
    "create_organization",
    "find_organization",
    "hash_secret",
    "keep_message",
    "look_up",
    "move_node",
    "new_token",
    "organization_by_sms_secret",
    "organizations",
    "place",
    "rename_node",
    "revoke_api",
    "rotate_api",
    "set_policy",
    "set_raw_results",
    "set_zone",
    "smiley_by_serial",
    "smiley_by_token",
    "sms_key",
    "sms_secret",
    "v1_client",
]
