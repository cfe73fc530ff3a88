"""Compares `pgmoat hba list` with PostgreSQL's view pg_hba_file_rules, for the same files."""

import json

import pytest

from kit.environment import write_for_user
from kit.pgmoat import run_pgmoat

pytestmark = pytest.mark.once_a_run

COLUMNS = ("rule_number", "file_name", "line_number", "type", "database", "user_name", "address", "netmask",
           "auth_method", "options", "error")

# One record per line; the files below are included. Methods that a build may lack are left out.
RULES = r'''
local all all trust
local all all ident map=m
local,host all all trust
HOST all all all trust
"host" "all" 'all' "all" "md5"
host
host all
host all all
host all all all
local all all
host a,b c,"d e" 10.0.0.0/8 scram-sha-256
host a, b c 10.0.0.0/8 reject
host a , b c 10.0.0.0/8 reject
host db#1 all 10.0.0.0/8 trust
host "db#1" all 10.0.0.0/8 trust # a comment
host a"b c"d all all trust
host """" all all trust
host "" all all trust
host \
  all \
  all all trust
host replication,sameuser,samerole,samegroup +r,all,"+q",+"x y" all trust
host /^a.*$,"/b c" /(d|e){2} all trust
host /( all all trust
host all /[ all trust
host all /a** all trust
host all "/a{3,2}" all trust
host all /[z-a] all trust
host all /[[:foo:]] all trust
host all /a\ all trust
host all all 127.1/8 trust
host all all 0x7f.1/8 trust
host all all 010.0.0.1/32 trust
host all all 10.0.0.5/08 trust
host all all 10.0.0.5/+8 trust
host all all "10.0.0.5/ 8" trust
host all all 10.0.0.5/33 trust
host all all 10.0.0.5/-1 trust
host all all 10.0.0.5/ trust
host all all 10.0.0.5/x trust
host all all 10.0.0.5/8/8 trust
host all all 300.1.1.1/8 trust
host all all 300.1.1.1 trust
host all all localhost/32 trust
host all all .example.com trust
host all all ALL trust
host all all "all" trust
host all all "" trust
host all all samehost reject
host all all samenet reject
host all all 10.0.0.0 255.0.255.0 trust
host all all 10.0.0.0 255.1 trust
host all all 10.0.0.0
host all all 10.0.0.0 trust
host all all 10.0.0.0 ffff:: trust
host all all 10.0.0.0 255.0.0.0,255.0.0.0 trust
host all all 10.0.0.0/8,11.0.0.0/8 trust
host all all 2001:DB8:0:0::1/64 trust
host all all ::ffff:10.0.0.0/104 trust
host all all fe80::1%1/64 trust
host all all ::/129 trust
host all all :: ffff:: trust
host all all all trust,md5
host all all all Trust
host all all all peer
host all all all cert
hostssl all all all cert
hostssl all all all cert clientcert=verify-full,map=m
hostssl all all all cert map=a map=b
hostssl all all all scram-sha-256 clientcert=verify-ca
hostssl all all all trust clientname=DN clientcert=verify-full
host all all all trust clientcert=verify-full
host all all all trust clientname=CN
host all all all trust map=m
host all all all trust nonsense
host all all all trust nonsense=1
host all all all md5 pamservice=x
host all all all md5 ldapserver=x
host all all all md5 krb_realm=x
host all all all md5 include_realm=1
host all all all md5 compat_realm=1
host all all all md5 radiusports=1
host all all all md5 issuer=x
host all all all radius radiusservers=127.0.0.1
host all all all radius radiussecrets=x
host all all all radius "radiusservers=127.0.0.1,127.0.0.2" "radiussecrets=a,b,c"
host all all all oauth issuer=x
host all all all oauth scope=x
hostnossl all all all password
hostnogssenc all all all ident map=m
include more.conf
"include" "more.conf"
include_if_exists missing.conf
include missing.conf
include_dir folder
include_dir missing
include_dir ""
include a b
host @names all all trust
host a,@names,b all all trust
host @missing all all trust
host @loop all all trust
host "@names" all all trust
host @ all all trust
host @empty all all trust
include loop.conf
'''

FILES = {
    "more.conf": "host all all all reject\n\nhost x\n",
    "names": "n1, n2 # no\n\"n 3\"\n",
    "empty": "# nothing\n",
    "loop": "@loop\n",
    "loop.conf": "include loop.conf\n",
    "folder/b.conf": "local b all reject\n",
    "folder/a.conf": "local a all reject\n",
    "folder/.hidden.conf": "nonsense\n",
    "folder/readme": "nonsense\n",
}


def rows_of_view(server):
    columns = ", ".join(COLUMNS)
    return json.loads(server.query(f"SELECT json_agg(r) FROM (SELECT {columns} FROM pg_hba_file_rules) r"))


def comparable(row):
    """What both can show. For options the view has its own order, for repeated values only the last, and no clientname.
    """
    options = {option.split("=")[0]: option for option in row["options"] or ()}
    options.pop("clientname", None)
    return {**{name: row[name] or None for name in COLUMNS}, "options": sorted(options.values())}


@pytest.fixture
def server(start_postgres, server_certificate):
    return start_postgres(18, certificate=server_certificate)


def test_rows_are_those_of_the_view(server, workspace):
    (server.data / "folder").mkdir()
    for name, text in {**FILES, "pg_hba.conf": RULES}.items():
        write_for_user(server.data / name, text)
    code, out, err = run_pgmoat(workspace, "hba", "list", "--json", "--file", server.data / "pg_hba.conf")
    differences = [(ours, theirs) for ours, theirs in zip(map(comparable, json.loads(out)),
                                                          map(comparable, rows_of_view(server)), strict=True)
                   if ours != theirs]
    assert not differences
    assert code == 3
    assert "skipping missing authentication file" in err


def test_a_file_without_rules_is_no_file_of_rules(workspace):
    """pgmoat refuses it, so this command must, too."""
    folder = workspace.folder("empty")
    write_for_user(folder / "pg_hba.conf", "# nobody yet\n")
    code, _, err = run_pgmoat(workspace, "hba", "list", "--file", folder / "pg_hba.conf")
    assert code == 3
    assert "contains no entries" in err
