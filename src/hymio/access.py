"""Principals, which every credential is resolved to, and the table of the permissions of each role."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from hymio.errors import Forbidden, NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hymio.hierarchy import Hierarchy


class DataKind(Enum):
    """A kind of data that a token of API v2 may be limited to; the values are the scopes of its introspection."""

    BUTTON_FEEDBACKS = "button-feedbacks"
    FOLLOWUP_FEEDBACKS = "follow-up-feedbacks"
    TEXT_FEEDBACKS = "text-feedbacks"
    DEMOGRAPHICS = "demographics"
    CONTACT_DETAILS = "contact-details"
    METADATA = "metadata"
    EXPERIENCE_POINTS = "experience-points"
    CUSTOM_DATA = "custom-data-fields"
    SURVEYS = "surveys"
    ALERTS = "alerts"
    USERS = "users"
    SMILEYS = "smileys"


EVERY_KIND: Final = frozenset(DataKind)


class Via(Enum):
    """The kind of credential of a principal; the values are written into the audit log."""

    V1_CLIENT = "v1-client"
    V2_TOKEN = "v2-token"  # noqa: S105  a word of the audit log
    SESSION = "session"
    DEVICE = "device"
    SMS_GATEWAY = "sms-gateway"
    SHARED_LINK = "shared-link"
    WEB_PAGE = "web-page"
    SHELL = "shell"


class SmsGateway(Enum):
    """A kind of SMS gateway, each with an address and an authentication of its own; the values are in the addresses."""

    GENERIC = "generic"
    KANNEL = "kannel"
    TWILIO = "twilio"
    VONAGE = "vonage"
    ANDROID = "android"

    @property
    def signs(self) -> bool:
        """Whether it signs each request with a key that Hymio must be able to read; the others send a secret."""
        return self not in (SmsGateway.GENERIC, SmsGateway.KANNEL)


class Permission(Enum):
    """Something that a principal may be allowed to do; the values are published in errors and documents."""

    READ_RESULTS = "results:read"
    SHARE_REPORTS = "reports:share"
    READ_SETUP = "set-up:read"
    READ_CONTACT_DETAILS = "contact-details:read"
    READ_USERS = "users:read"
    READ_AUDIT_LOG = "audit-log:read"
    DELIVER_FEEDBACK = "feedback:deliver"
    ANSWER_ALERTS = "alerts:answer"
    CHANGE_ALERTS = "alerts:change"
    CHANGE_TREE = "tree:change"
    CHANGE_SURVEYS = "surveys:change"
    CHANGE_SMILEYS = "smileys:change"
    CHANGE_CUSTOM_DATA = "custom-data:change"
    CHANGE_OWN_ACCOUNT = "own-account:change"
    CHANGE_USERS = "users:change"
    CHANGE_CREDENTIALS = "credentials:change"
    CHANGE_OUTBOX = "outbox:change"
    RESETTLE = "feedback:resettle"
    CORRECT_TEXTS = "texts:correct"
    ERASE = "personal-data:erase"
    ACCEPT_CLOCK = "clock:accept"
    CREATE_ORGANIZATION = "organizations:create"


class Role(Enum):
    """The name of a set of permissions; USER, ADMIN and PARTNER are for people and have API v2's values."""

    USER = "USER"
    ADMIN = "ADMIN"
    PARTNER = "PARTNER"
    CLIENT = "CLIENT"
    DEVICE = "DEVICE"
    LINK = "LINK"
    OPERATOR = "OPERATOR"

    @property
    def is_person(self) -> bool:
        """Whether a user account may have this role."""
        return self in (Role.USER, Role.ADMIN, Role.PARTNER)

    @property
    def permissions(self) -> frozenset[Permission]:
        """What a principal of this role may do within its node."""
        return PERMISSIONS[self]


_USER: Final = frozenset(
    {
        Permission.READ_RESULTS,
        Permission.SHARE_REPORTS,
        Permission.READ_SETUP,
        Permission.ANSWER_ALERTS,
        Permission.CHANGE_OWN_ACCOUNT,
    }
)
_ADMIN: Final = frozenset(Permission) - {
    Permission.DELIVER_FEEDBACK,
    Permission.CREATE_ORGANIZATION,
    Permission.ACCEPT_CLOCK,
}

PERMISSIONS: Final[Mapping[Role, frozenset[Permission]]] = {
    Role.USER: _USER,
    Role.ADMIN: _ADMIN,
    Role.PARTNER: _ADMIN,
    Role.CLIENT: frozenset(
        {Permission.READ_RESULTS, Permission.READ_SETUP, Permission.READ_CONTACT_DETAILS, Permission.READ_USERS}
    ),
    Role.DEVICE: frozenset({Permission.DELIVER_FEEDBACK}),
    Role.LINK: frozenset({Permission.READ_RESULTS}),
    Role.OPERATOR: frozenset(Permission),
}
"""The permissions of each role; docs/access.md has the same table."""


@dataclass(frozen=True, slots=True)
class Principal:
    """What a credential is resolved to: a v1 client, v2 token, user, smiley, SMS gateway, shared link, or operator.

    Its scope is `node` with everything below it, None for the whole tree; `kinds` are the kinds of data that it may
    read there; `name` is for the audit log; `id` is that of the credential, user or smiley; `language` is the
    one that a person chose for all answers, `default_language` the organization's, for requests that name none. Reports
    show it numbers of at least `least_answers` answers, or more if the survey says so.
    """

    organization: int
    role: Role
    via: Via
    name: str
    id: int = 0
    node: int | None = None
    kinds: frozenset[DataKind] = EVERY_KIND
    raw_results: bool = True
    language: str | None = None
    default_language: str = "en"
    least_answers: int = 1
    csv_bom: bool = False

    def may(self, permission: Permission) -> bool:
        """Whether its role has a permission."""
        return permission in PERMISSIONS[self.role]

    def require(self, permission: Permission) -> None:
        """Raises Forbidden, with the permission's name, if its role does not have it."""
        if not self.may(permission):
            raise Forbidden(
                "permission-missing",
                "this takes the permission {permission}, which the role {role} does not have",
                permission=permission.value,
                role=self.role.value,
            )

    def require_kind(self, kind: DataKind) -> None:
        """Raises Forbidden if its credential does not include a kind of data."""
        if kind not in self.kinds:
            raise Forbidden("kind-of-data-missing", "This token may not read {kind}.", kind=kind.value)

    def require_raw_results(self) -> None:
        """Raises Forbidden if raw results are switched off for the organization."""
        if not self.raw_results:
            raise Forbidden("raw-results-off", "Raw results are switched off for this organization.")

    def root(self, hierarchy: Hierarchy) -> int | None:
        """The top node of its scope; None if the organization has no nodes or the node does not exist any more."""
        if self.node is not None:
            return self.node if self.node in hierarchy.nodes else None
        return hierarchy.root.id if hierarchy.root else None

    def reaches(self, hierarchy: Hierarchy, node: int) -> bool:
        """Whether a node is in its scope."""
        return self.node in (None, node) or self.node in hierarchy.ancestors(node)

    def reaches_all(self, hierarchy: Hierarchy) -> bool:
        """Whether its scope is the whole tree, and so includes what belongs to the organization and not to a node."""
        return self.node is None or (hierarchy.root is not None and hierarchy.root.id == self.node)

    def require_node(self, hierarchy: Hierarchy, node: int) -> None:
        """Raises NotFound, with the same text, for a node that does not exist or is outside its scope."""
        if node not in hierarchy.nodes or not self.reaches(hierarchy, node):
            raise NotFound("unknown-node", "there is no node {node}", node=node)


NO_ORGANIZATION: Final = 0
"""The organization of a principal that is about to create one; ids begin at 1."""


def operator(organization: int = NO_ORGANIZATION, name: str = "operator") -> Principal:
    """The principal of a person at the command line of the machine, with all permissions in an organization."""
    return Principal(organization, Role.OPERATOR, Via.SHELL, name)
