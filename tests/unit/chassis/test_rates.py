"""Budgets: full at first, whole again after a while, and for each caller its own."""

import pytest
from stateroom.api.v1 import policy_pb2
from stateroom.runner.v1 import runner_service_pb2
from stateroom.session.v1 import session_service_pb2
from stateroom.workspace.v1 import identity_service_pb2

from chassis import ids
from chassis.errors import RateLimited
from chassis.rpc import policy
from chassis.rpc.call import Call, Principal
from chassis.rpc.rates import Budget, Rate, Rates
from chassis.settings import ServiceSettings

METHODS = {
    method.descriptor.name: method
    for service in (
        session_service_pb2.DESCRIPTOR.services_by_name["SessionService"],
        identity_service_pb2.DESCRIPTOR.services_by_name["IdentityService"],
        runner_service_pb2.DESCRIPTOR.services_by_name["RunnerService"],
    )
    for method in policy.methods(service)
}
DEFAULTS = {name: field.default for name, field in ServiceSettings.model_fields.items() if name.startswith("rate_")}


class Clock:
    """Time that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def _rate(text: str) -> Rate:
    rate = Rate.parse(text)
    assert rate is not None
    return rate


def _call(method: str, account: object = None, key: str = "key", address: str = "192.0.2.1") -> Call:
    call = Call(METHODS[method], {}, address)
    if account is not None:
        call.principal = Principal("user", account, policy_pb2.OWNER, frozenset({"*"}), key)  # type: ignore[arg-type]  # an id
    return call


def _is_admitted(rates: Rates, call: Call) -> bool:
    try:
        rates.admit(call)
    except RateLimited:
        return False
    return True


def test_take_more_than_the_burst_waits_and_is_whole_again_after_a_while() -> None:
    """Three at once, then one each half a second; what was refused costs nothing."""
    clock = Clock()
    budget = Budget(_rate("2/s burst 3"), clock)
    assert [budget.take("a") for _ in range(5)] == [0, 0, 0, 0.5, 0.5]
    clock.now += 0.5
    assert [budget.take("a"), budget.take("a")] == [0, 0.5]
    assert budget.wait("a") == 0.5
    clock.now += 60
    assert budget.wait("a") == 0
    assert [budget.take("a") for _ in range(4)] == [0, 0, 0, 0.5]


def test_take_by_one_caller_leaves_the_others_theirs() -> None:
    """Budgets are not shared."""
    budget = Budget(_rate("1/h"), Clock())
    assert [budget.take("a") > 0, budget.take("a") > 0, budget.take("b") > 0] == [False, True, False]


def test_take_by_many_callers_remembers_a_bounded_number() -> None:
    """Those whose budget is whole are forgotten, at no loss; an attack by more addresses than that costs no memory."""
    clock = Clock()
    budget = Budget(_rate("60/min burst 2"), clock, remembered=100)
    for caller in range(50):
        budget.take(caller)
    clock.now += 2
    for _ in range(2):
        budget.take("busy")
    for caller in range(100, 149):
        budget.take(caller)
    assert budget.take("late") == 0
    assert budget.take("busy") == 1
    for caller in range(1000, 2000):
        budget.take(caller)
    assert len(budget) <= 100


@pytest.mark.parametrize(
    ("text", "interval", "burst"), [("300/s burst 9", 1 / 300, 9), ("600/min", 60 / 600, 600), ("1/h burst 1", 3600, 1)]
)
def test_parse_a_rate_reads_its_parts(text: str, interval: float, burst: int) -> None:
    """Without a burst, all calls of the unit may come at once."""
    assert _rate(text) == Rate(text, interval, burst)


@pytest.mark.parametrize("name", DEFAULTS)
def test_default_rate_of_each_class_is_one(name: str) -> None:
    """The defaults are written as an operator writes them."""
    assert Rate.parse(DEFAULTS[name]) is not None


def test_admit_counts_by_credential_or_else_by_network() -> None:
    """A key's use does not eat up another's; without one, the addresses of one person count as one."""
    account = ids.new()
    limited = Rates({policy_pb2.READ: _rate("1/h"), policy_pb2.ANONYMOUS: _rate("1/h")})
    limited.admit(_call("GetSession", account))
    limited.admit(_call("GetSession", account, key="another"))
    limited.admit(_call("CreateUser", address="2001:db8::1"))
    limited.admit(_call("CreateUser", address="2001:db8:0:1::1"))
    limited.admit(_call("CreateUser", address="::ffff:192.0.2.1"))
    for call, caller in (
        (_call("GetSession", account), "credential"),
        (_call("CreateUser", address="2001:db8::ffff"), "address"),
        (_call("CreateUser", address="192.0.2.1"), "address"),
    ):
        with pytest.raises(RateLimited) as refused:
            limited.admit(call)
        assert refused.value.values["caller"] == caller
        assert refused.value.values["seconds"] == "3600"


@pytest.mark.parametrize("method", ["CreateSession", "GetStatus", "CreateUser"])
def test_admit_a_class_without_a_rate_or_a_caller_without_address_is_unlimited(method: str) -> None:
    """Services are never limited, nor who calls over a unix socket without a credential."""
    limited = Rates({policy_pb2.READ: _rate("1/h"), policy_pb2.ANONYMOUS: _rate("1/h")})
    call = _call(method, ids.new() if method == "CreateSession" else None, address="")
    assert [_is_admitted(limited, call) for _ in range(3)] == [True, True, True]


def test_stream_beyond_the_accounts_number_is_refused_until_another_ends() -> None:
    """Only streams count, each account for itself, and only while they are open."""
    account = ids.new()
    limited = Rates({}, streams_per_account=1)
    with limited.stream(_call("StreamOutput", account)), limited.stream(_call("StreamOutput", ids.new())):
        with pytest.raises(RateLimited) as refused, limited.stream(_call("AttachSession", account, key="another")):
            pass
        assert refused.value.values["limit"] == "STREAM 1 open at once"
        with limited.stream(_call("StreamRecords")):
            pass
    with limited.stream(_call("StreamOutput", account)):
        pass
