"""What pgmoat makes of Patroni's answers, where a real cluster gives them too seldom: test_cluster has the real one."""

from kit import wire
from kit.environment import free_port
from kit.fake_patroni import member
from kit.process import eventually
from kit.raw_client import RawClient

NO_SERVER = ("57P03", "no upstream server has the required role")


def refusal(port):
    with RawClient(port) as client:
        error = client.send(wire.startup()).receive_error()
        return error["C"], error["M"]


def test_a_primary_that_has_lost_its_lease_gets_no_client_though_there_is_no_other_yet(start_pgmoat, start_patroni,
                                                                                       postgres):
    """Its member key and the leader key end with one lease. It may hang and still take clients."""
    old, witness, other = start_patroni(is_primary=True), start_patroni(), start_patroni([], is_primary=True)
    other_port = free_port()
    standby = member(other_port, other, "replica")
    old.members = witness.members = [member(postgres.port, old, "leader"), standby]
    pgmoat = start_pgmoat(settings={
        "upstream": f"host=127.0.0.1,127.0.0.1 port={postgres.port},{other_port} sslmode=disable "
                    "target_session_attrs=read-write connect_timeout=2",
        "health": f"patroni={witness.url} interval=200ms"})
    with RawClient(pgmoat.port) as session:
        session.log_in()
        witness.members = [standby]
        pgmoat.process.wait_for_log(f'host "127.0.0.1:{postgres.port}" is no longer the primary')
        assert refusal(pgmoat.port) == NO_SERVER
        session.query("SELECT 1")  # it stays until there is a better place
        witness.members = [member(other_port, other, "leader")]
        assert session.receive_error()["C"] == "57P01"


def test_a_patroni_that_keeps_silent_is_asked_after_all_others(start_pgmoat, start_patroni, postgres):
    """Each of its silences takes a whole timeout, during which nothing new is learnt. The leader's own is asked as long
    as it leads."""
    silent, others = start_patroni(), [start_patroni([]), start_patroni([])]
    for other in others:
        other.members = [member(postgres.port, silent, "leader")]
    start_pgmoat(settings={
        "upstream": f"host=127.0.0.1 port={postgres.port} sslmode=disable target_session_attrs=read-write",
        "health": f"patroni={','.join(one.url for one in (silent, *others))} interval=200ms timeout=500ms"})
    eventually(lambda: all(other.asked.count("/cluster") > 4 for other in others), "questions to the others",
               timeout=60)
    assert silent.asked.count("/cluster") == 1
    assert silent.asked.count("/primary") > 4
