# From an empty state directory: what the commands answer, and that a refusal changes nothing.
# shellcheck shell=bash

refused_unchanged()
{
    local name=$1 words=$2 before
    shift 2
    before=$(books)
    expect_exit 1 "$pair: $name" "$XATOP" --json "$@"
    is "$pair: $name: outcome" aborted .outcome
    is "$pair: $name: reason" true ".reason | contains(\"$words\")"
    says "$pair: $name: said" "$words"
    if [ "$(books)" = "$before" ]; then ok "$pair: $name changes nothing"; else
        not_ok "$pair: $name changes nothing" "$before, then $(books)"
    fi
}

e2e_setup()
{
    expect_exit 0 "$pair: setup" "$XATOP" --json setup || return
    is "$pair: setup: the answer" '[2,100,10]' '[(.nodes | length),.accounts,.products]'
    is "$pair: setup: the makes" "${pair/+/ }" '[.nodes[].make] | join(" ")'
    is "$pair: setup: states" '["up","up"]' '[.nodes[].state]'
    is "$pair: setup: keys of a node" true '.nodes | all(["name", "host", "port", "socket", "pid", "server", "version"] - keys == [])'
    run_test "$pair: setup: the option files are private" must_equal '600 600' "$(stat -c %a $(json '.nodes[].defaults_file') | xargs)" modes
    local first
    first=$(json '[.nodes[].pid]')
    expect_exit 0 "$pair: setup again" "$XATOP" --json setup
    is "$pair: setup again starts nothing" "$first" '[.nodes[].pid]'
    is "$pair: setup again adds nothing" '[100,10]' '[.accounts,.products]'
}

e2e_business()
{
    local keys='(["gtrid", "outcome", "reason", "elapsed_ms"] - keys == []) and (.branches | all(["node", "xid", "state"] - keys == []))' before
    expect_exit 0 "$pair: a transfer" "$XATOP" --json transfer --from 1001 --to 1002 --amount 500.00
    is "$pair: a transfer: keys" true "$keys"
    is "$pair: a transfer: the answer" '["committed","","n1","n2"]' '[.outcome,.reason,.branches[].node]'
    is "$pair: a transfer: its branches" '["committed"]' '[.branches[].state] | unique'
    run_test "$pair: the money moved" must_equal '950000 1050000' "$(balance 1001) $(balance 1002)" 'balances'
    local gtrid
    gtrid=$(json .gtrid)
    expect_exit 0 "$pair: show" "$XATOP" --json show "$gtrid"
    is "$pair: show: the answer" '["committed",2]' '[.outcome,(.branches | length)]'

    expect_exit 0 "$pair: an order" "$XATOP" --json order --product 101 --quantity 2 --customer 2001
    is "$pair: an order: keys" true "$keys"
    is "$pair: an order: the answer" '["committed","n1","n2"]' '[.outcome,.branches[].node]'
    run_test "$pair: the order and its payment are there" must_equal '1 1' \
        "$(sql n2 'SELECT (SELECT SUM(quantity) = 2 FROM xatop.orders), (SELECT COUNT(*) FROM xatop.payments)' | tr '\t' ' ')" orders

    # one node, one phase
    before=$(books)
    expect_exit 0 "$pair: a transfer on one node" "$XATOP" --json transfer --from 1001 --to 1003 --amount 0.01
    is "$pair: a transfer on one node: one branch" '["committed",1]' '[.outcome,(.branches | length)]'
    run_test "$pair: a transfer on one node moves money" must_equal '949999 1000001' "$(balance 1001) $(balance 1003)" balances
    run_test "$pair: a transfer on one node makes none" must_equal "$before" "$(books)" books

    # the largest that is there, to the cent and back
    expect_exit 0 "$pair: the whole balance" "$XATOP" transfer --from 1004 --to 1001 --amount 10000
    run_test "$pair: nothing is left" must_equal 0 "$(balance 1004)" balance
    expect_exit 0 "$pair: and back" "$XATOP" transfer --from 1001 --to 1004 --amount 10000
    expect_exit 0 "$pair: a transfer in packets" "$XATOP" --wire packet --json transfer --from 1002 --to 1001 --amount 1
    is "$pair: a transfer in packets: the answer" committed .outcome

    refused_unchanged 'an overdraft' short transfer --from 1001 --to 1002 --amount 99999999
    refused_unchanged 'an overdraft in packets' short --wire packet transfer --from 1001 --to 1002 --amount 99999999
    refused_unchanged 'an overdraft on one node' short transfer --from 1001 --to 1003 --amount 99999999
    refused_unchanged 'no account to debit' 4711 transfer --from 4711 --to 1002 --amount 1
    refused_unchanged 'no account to credit' 4712 transfer --from 1001 --to 4712 --amount 1
    refused_unchanged 'short stock' short order --product 101 --quantity 100000 --customer 2001
    refused_unchanged 'no such product' 199 order --product 199 --quantity 1 --customer 2001
    refused_unchanged 'no such customer' 2999 order --product 101 --quantity 1 --customer 2999
    refused_unchanged 'a poor customer' short order --product 110 --quantity 900 --customer 2050

    expect_exit 0 "$pair: audit" "$XATOP" --json audit
    is "$pair: audit: keys" true '(["ok", "torn", "pending"] - keys == []) and ([.money, .stock] | all(["expected", "found"] - keys == []))'
    is "$pair: audit: the answer" '[true,[],0,true,true]' \
        '[.ok,.torn,.pending,.money.expected == .money.found,.stock.expected == .stock.found]'
    expect_exit 0 "$pair: status" "$XATOP" --json status
    is "$pair: status: the answer" '[2,0,0,true]' '[(.nodes | length),.in_doubt,.log.undischarged,.audit.ok]'
}
