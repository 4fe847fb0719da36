"""Errors: one root, classed by who must act, each with a code from one closed table."""

from __future__ import annotations

from typing import Literal

import msgspec

Kind = Literal["caller", "policy", "source", "capacity", "internal"]


class CodeInfo(msgspec.Struct, frozen=True):
    """What one error code means: who must act, the HTTP status, whether a retry can help."""

    kind: Kind
    status: int
    retryable: bool
    about: str


CODES: dict[str, CodeInfo] = {
    # the request as HTTP or GraphQL
    "BAD_REQUEST": CodeInfo("caller", 400, False, "the request is not well-formed"),
    "MALFORMED_REQUEST": CodeInfo("caller", 422, False, "JSON, but no well-formed GraphQL request"),
    "GRAPHQL_PARSE_FAILED": CodeInfo("caller", 400, False, "the document does not parse"),
    "GRAPHQL_VALIDATION_FAILED": CodeInfo("caller", 422, False, "the document is not valid"),
    "BAD_USER_INPUT": CodeInfo("caller", 422, False, "a variable or argument has a wrong value"),
    "OPERATION_NOT_FOUND": CodeInfo("caller", 422, False, "no such operation in the document"),
    "METHOD_NOT_ALLOWED": CodeInfo("caller", 405, False, "this HTTP method cannot do that"),
    "NOT_ACCEPTABLE": CodeInfo("caller", 406, False, "no media type the client accepts"),
    "UNSUPPORTED_MEDIA_TYPE": CodeInfo("caller", 415, False, "the body has another media type"),
    "CSRF_REFUSED": CodeInfo(
        "caller", 403, False, "a header is missing that no other page can send"
    ),
    "PAYLOAD_TOO_LARGE": CodeInfo("caller", 413, False, "the body is too large"),
    "URI_TOO_LONG": CodeInfo("caller", 414, False, "the address is too long"),
    "REQUEST_TIMEOUT": CodeInfo("caller", 408, True, "the body did not arrive in time"),
    "BATCHING_OFF": CodeInfo("caller", 400, False, "batched requests are switched off"),
    "PERSISTED_QUERY_NOT_FOUND": CodeInfo("caller", 200, True, "send the hash with the text"),
    "PERSISTED_QUERY_NOT_SUPPORTED": CodeInfo("caller", 200, False, "APQ is switched off"),
    "DOCUMENT_NOT_FOUND": CodeInfo("caller", 200, False, "no document with this id"),
    "DOCUMENT_NOT_TRUSTED": CodeInfo("caller", 403, False, "only registered documents run here"),
    "DOCUMENT_NOT_APPROVED": CodeInfo(
        "policy", 403, False, "no officer has approved what the document reveals to this caller"
    ),
    "TOO_MANY_TOKENS": CodeInfo("caller", 400, False, "the document has too many tokens"),
    "TOO_DEEP": CodeInfo("caller", 422, False, "the operation is nested too deep"),
    "TOO_MANY_ALIASES": CodeInfo("caller", 422, False, "the operation has too many aliases"),
    "TOO_MANY_DIRECTIVES": CodeInfo("caller", 422, False, "the document has too many directives"),
    "TOO_MANY_FRAGMENTS": CodeInfo("caller", 422, False, "the document has too many fragments"),
    "TOO_COSTLY": CodeInfo("caller", 422, False, "the operation's static cost is over the limit"),
    "PAGE_TOO_LARGE": CodeInfo("caller", 422, False, "`first` or `last` is over the limit"),
    "BAD_CURSOR": CodeInfo("caller", 422, False, "the cursor is not one of this connection"),
    "FILTER_TOO_BROAD": CodeInfo("caller", 422, False, "a filter across sources has too many keys"),
    "TOO_MANY_GROUPS": CodeInfo("caller", 422, False, "a `groupBy` makes too many groups"),
    "SCAN_TOO_LARGE": CodeInfo("caller", 422, False, "the source would have to be read whole"),
    # identity and policy
    "UNAUTHENTICATED": CodeInfo("caller", 401, False, "no valid credentials"),
    "PURPOSE_REQUIRED": CodeInfo("policy", 403, False, "a purpose must be stated"),
    "PURPOSE_NOT_ALLOWED": CodeInfo("policy", 403, False, "the purpose is not among the allowed"),
    "USE_FORBIDDEN": CodeInfo("policy", 403, False, "a field may not be used in this way"),
    "FIELD_FORBIDDEN": CodeInfo("policy", 200, False, "the field may not be read"),
    "NO_GRANT": CodeInfo("policy", 200, False, "no live grant covers the field"),
    "GRANT_EXPIRED": CodeInfo("policy", 200, False, "the grant that covered the field has ended"),
    "NO_DELEGATION": CodeInfo("policy", 403, False, "the caller may not act for the department"),
    "TIME_WINDOW": CodeInfo("policy", 403, False, "not allowed at this time"),
    "NETWORK_ZONE": CodeInfo("policy", 403, False, "not allowed from this network zone"),
    "STEP_UP_REQUIRED": CodeInfo("policy", 403, False, "a stronger log-in is required"),
    "CASE_REQUIRED": CodeInfo("policy", 403, False, "a case must be stated"),
    "AGGREGATE_ONLY": CodeInfo("policy", 403, False, "only figures may be asked for"),
    "COMBINATION_FORBIDDEN": CodeInfo("policy", 403, False, "uses that may not go together"),
    "NO_EMERGENCY": CodeInfo("policy", 403, False, "no declared emergency opens this"),
    "EMERGENCY_ENDED": CodeInfo("policy", 403, False, "what was broken open has closed meanwhile"),
    "APP_SUSPENDED": CodeInfo("policy", 403, False, "the application is suspended until a review"),
    "QUOTA": CodeInfo("policy", 403, True, "the quota of this period is used up"),
    "FORBIDDEN": CodeInfo("policy", 403, False, "not allowed"),
    "EPOCH_REVOKED": CodeInfo("policy", 503, True, "the rules that decided it were revoked"),
    # sources and capacity
    "SOURCE_UNAVAILABLE": CodeInfo("source", 200, True, "a department's source did not answer"),
    "SOURCE_TIMEOUT": CodeInfo("source", 200, True, "a department's source was too slow"),
    "SOURCE_BAD_DATA": CodeInfo("source", 200, False, "a department's source sent bad data"),
    "SOURCE_REFUSED": CodeInfo("source", 200, False, "a hub that is a source does not allow it"),
    "HUB_LOOP": CodeInfo("source", 200, False, "the question has passed this hub, or too many"),
    "SECRET_UNAVAILABLE": CodeInfo("source", 200, True, "a source's secret could not be had"),
    "SOURCE_BUSY": CodeInfo("capacity", 200, True, "too many requests in flight to the source"),
    "DEADLINE_EXCEEDED": CodeInfo("capacity", 200, True, "the operation took too long"),
    "OVERLOADED": CodeInfo("capacity", 503, True, "the hub has too many requests in flight"),
    "SHUTTING_DOWN": CodeInfo("capacity", 503, True, "the hub is shutting down"),
    "QUOTA_UNAVAILABLE": CodeInfo("capacity", 503, True, "the quotas cannot be counted"),
    "RULES_UNAVAILABLE": CodeInfo("capacity", 503, True, "the rules in force cannot be applied"),
    "AUDIT_UNAVAILABLE": CodeInfo("capacity", 503, True, "the audit log cannot record"),
    # what departments, officers and operators write
    "FRAGMENT_INVALID": CodeInfo("caller", 422, False, "a fragment is not valid"),
    "FIELD_NOT_SERVED": CodeInfo("caller", 200, False, "a declared field is left out, as said"),
    "COMPOSITION_FAILED": CodeInfo("caller", 422, False, "the fragments do not fit together"),
    "POLICY_INVALID": CodeInfo("caller", 422, False, "a policy bundle is not valid"),
    "POLICY_NOT_PROVED": CodeInfo("caller", 422, False, "what must hold of bundles is not proved"),
    "RELEASE_INVALID": CodeInfo("caller", 422, False, "a release is not whole or not well signed"),
    "RELEASE_REFUSED": CodeInfo("caller", 422, False, "a release cannot come into force as it is"),
    "EDIT_CONFLICT": CodeInfo("caller", 409, False, "somebody else has changed it meanwhile"),
    "SHARE_INVALID": CodeInfo("caller", 422, False, "a request for a share is not valid"),
    "SHARE_REFUSED": CodeInfo("caller", 422, False, "a request for a share cannot take this step"),
    "IDEMPOTENCY_KEY_REUSED": CodeInfo(
        "caller", 422, False, "the key was used for another request"
    ),
    "STEP_UNDER_WAY": CodeInfo("caller", 409, True, "the same request is under way"),
    "REGISTRATION_REFUSED": CodeInfo("caller", 422, False, "a registration cannot take this step"),
    "REGISTRATION_INVALID": CodeInfo("caller", 422, False, "a registration is not well approved"),
    "EMERGENCY_REFUSED": CodeInfo("caller", 422, False, "a step in an emergency cannot be taken"),
    "CORRECTION_REFUSED": CodeInfo("caller", 422, False, "a step with a doubt cannot be taken"),
    "CORRECTIONS_UNAVAILABLE": CodeInfo(
        "capacity", 503, True, "doubts about values cannot be read or kept"
    ),
    "EMERGENCY_UNAVAILABLE": CodeInfo(
        "capacity", 503, True, "what is open in an emergency cannot be read"
    ),
    "REGISTRY_UNAVAILABLE": CodeInfo(
        "capacity", 503, True, "the registered sources cannot be read"
    ),
    "DIRECTORY_INVALID": CodeInfo("caller", 422, False, "an entry of the directory is not valid"),
    "DIRECTORY_UNAVAILABLE": CodeInfo("capacity", 503, True, "the directory cannot be read"),
    "FLOOR_LOWERED": CodeInfo("caller", 422, False, "a floor is lower than its owner has signed"),
    "CONFIG_INVALID": CodeInfo("caller", 422, False, "the configuration is not valid"),
    "NOT_FOUND": CodeInfo("caller", 404, False, "no such thing"),
    "AUDIT_BROKEN": CodeInfo("internal", 500, False, "the audit log does not verify"),
    "INTERNAL": CodeInfo("internal", 500, False, "an internal error"),
}


class HubError(Exception):
    """The one error of the Hub.

    Shape: ``code`` is a key of ``CODES``; ``message`` is one lower-case line without a data value
    or a source's own text; ``where`` says where (``file:line:column`` or a GraphQL path);
    ``hint`` says how to mend it.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        where: str | None = None,
        hint: str | None = None,
        source: str | None = None,
        cause: BaseException | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code if code in CODES else "INTERNAL"
        self.message = message
        self.where = where
        self.hint = hint
        self.source = source
        if cause is not None:
            self.__cause__ = cause

    @property
    def info(self) -> CodeInfo:
        """The row of the code table."""
        return CODES[self.code]

    def __str__(self) -> str:
        text = f"{self.where}: {self.message}" if self.where else self.message
        return f"{text} ({self.hint})" if self.hint else text


class ManyErrors(HubError):
    """Several problems found in one check, each a `HubError`; nothing was applied."""

    def __init__(self, code: str, problems: list[HubError]) -> None:
        super().__init__(code, f"{len(problems)} problems")
        self.problems = tuple(problems)

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


class SourceError(HubError):
    """A source failed; the operation goes on with nulls."""
