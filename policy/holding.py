"""Who may use the holds themselves: look at them, decide on them, follow and withdraw one's own. Pure."""

from policy.approving import Approving, groups_of
from policy.decision import Decision, Deny, Hold, Permit, RuleId, UseHolds
from policy.principal import Principal
from policy.refusal import PolicyCode
from policy.statement import HoldsAct, HoldsRequest

_OWN = frozenset({HoldsAct.CHECK, HoldsAct.WITHDRAW})


def decide_holds(approving: Approving, principal: Principal, request: HoldsRequest) -> Decision:
    """What `principal` may do: everybody with their own requests, members of an approving group with those of others.

    A decision is held itself, until the person has confirmed it in view of what they decide on.
    """
    action = UseHolds(request.act)
    if request.act in _OWN:
        return Permit(frozenset[RuleId](), action)
    entries = frozenset(each.id for each in approving.entries if groups_of(each) & principal.groups)
    if not entries:
        return Deny(
            frozenset(),
            PolicyCode.NOT_PERMITTED,
            "you are in no group that approves anything",
            "follow your own requests with check_request",
        )
    permit = Permit(entries, action)
    return Hold(entries, permit) if request.act is HoldsAct.DECIDE else permit
