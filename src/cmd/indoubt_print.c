#include "config.h"

#include "indoubt.h"

#include <inttypes.h>

#include "xatop/clock.h"
#include "xatop/i18n.h"
#include "xatop/money.h"
#include "xatop/text.h"

static const char *owner_word(enum xid_owner owner)
{
    return owner == XID_OURS ? "ours" : owner == XID_OTHER_LOG ? "other-log" : "foreign";
}

static const char *age_word(enum indoubt_age age)
{
    static const char *const words[] = {NULL, "decision", "marker", "epoch"};
    return words[age];
}

/* NULL: it is not ours, only its maker knows. */
static const char *decision_word(const struct indoubt_branch *branch)
{
    if (branch->prepared->owner != XID_OURS)
        return NULL;
    return branch->txn->decided && !branch->txn->aborted ? "commit" : "none";
}

static void xid_text(const struct indoubt_branch *branch, char *out, size_t cap)
{
    struct text text;
    text_init(&text, out, cap);
    xid_print(&branch->prepared->xid, &text);
}

/* --- JSON ------------------------------------------------------------------------------------------------- */

static void print_waiters(struct json *json, const struct indoubt_branch *branch)
{
    const struct lock_waits *waits = branch->waits;
    if (!waits || !waits->known) {
        json_null(json, "waiters");
        json_string(json, "waiters_unknown", waits ? waits->why : branch->waits_why);
        return;
    }
    json_array(json, "waiters");
    for (uint32_t i = 0; i < waits->count; i++) {
        json_object(json, NULL);
        json_int(json, "thread", (int64_t)waits->list[i].thread);
        json_string(json, "user", waits->list[i].user);
        json_int(json, "wait_s", waits->list[i].wait_s);
        json_string(json, "statement", waits->list[i].statement);
        json_close(json, '}');
    }
    json_close(json, ']');
    if (waits->total > waits->count)
        json_int(json, "waiters_more", waits->total - waits->count);
}

static void print_branch(struct json *json, const struct inspection *nodes,
                         const struct indoubt_branch *branch)
{
    char xid[300];
    xid_text(branch, xid, sizeof xid);
    json_object(json, NULL);
    json_string(json, "xid", xid);
    json_string(json, "node", nodes->access.nodes[branch->prepared->node].name);
    if (branch->age_s >= 0)
        json_int(json, "age_s", branch->age_s);
    else
        json_null(json, "age_s");
    json_string(json, "age_from", age_word(branch->age_from));
    json_string(json, "owner", owner_word(branch->prepared->owner));
    json_string(json, "maker", branch->maker);
    json_string(json, "state", "prepared");
    json_string(json, "decision", decision_word(branch));
    json_string(json, "meaning", branch->txn && branch->txn->meaning[0] ? branch->txn->meaning : NULL);
    json_object(json, "nodes");
    for (uint8_t n = 0; branch->txn && n < nodes->count; n++)
        json_string(json, nodes->access.nodes[n].name, indoubt_presence_name(branch->txn->nodes[n]));
    json_close(json, '}');
    print_waiters(json, branch);
    json_null(json, "next_retry_s"); /* a running coordinator's to know */
    json_close(json, '}');
}

static int64_t kept_age_s(const struct kept_force *kept)
{
    int64_t age_ms = clock_wall_ms() - kept->force.wall_ms;
    return age_ms > 0 ? age_ms / 1000 : 0;
}

/* What was forced, and what came of it: status tells it in the same words. */
void indoubt_print_force(struct json *json, const struct kept_force *kept)
{
    const struct dlog_record *forced = &kept->forced;
    json_string(json, "verdict", kept->force.commit ? "commit" : "rollback");
    json_string(json, "outcome", forced_outcome_name(forced->outcome));
    if (forced->type == DLOG_FORCED)
        json_money(json, "money_gap", forced->money_gap);
    else
        json_null(json, "money_gap");
    json_string(json, "found", forced->type == DLOG_FORCED ? forced->meaning : NULL);
    json_string(json, "reason", kept->force.meaning);
}

static void print_kept(struct json *json, const struct app *app, const struct log_view *log,
                       const struct kept_force *kept)
{
    char text[XATOP_GTRID_MAX + 8];
    struct xid xid;
    kept_force_xid(kept, &xid);
    kept_xid_text(kept, text, sizeof text);
    json_object(json, NULL);
    json_string(json, "xid", text);
    json_string(json, "node", kept->force.branches[0].name);
    json_int(json, "age_s", kept_age_s(kept));
    json_string(json, "age_from", "force");
    json_string(json, "owner", owner_word(xid_owner(&xid, app->configuration.coordinator, log->scan.log_id)));
    json_string(json, "maker", "xatop");
    json_string(json, "state", "forced");
    json_string(json, "decision", kept->force.decided ? "commit" : "none");
    json_object(json, "forced");
    indoubt_print_force(json, kept);
    json_close(json, '}');
    json_close(json, '}');
}

void indoubt_print_json(struct app *app, const struct inspection *nodes, const struct log_view *log,
                        const struct indoubt *doubt, uint32_t count)
{
    struct json json;
    json_begin(&json, app->out);
    json_array(&json, "branches");
    for (uint32_t i = 0; i < count; i++)
        print_branch(&json, nodes, &doubt->branches[i]);
    for (uint32_t i = 0; i < doubt->force_count; i++)
        print_kept(&json, app, log, &doubt->forces[i]);
    json_close(&json, ']');
    json_int(&json, "total", doubt->count);
    json_int(&json, "foreign", doubt->foreign);
    if (doubt->holder > 0)
        json_int(&json, "holder_pid", doubt->holder);
    else
        json_null(&json, "holder_pid");
    json_array(&json, "unreachable");
    for (uint8_t n = 0; n < nodes->count; n++)
        if (!nodes->admins[n])
            json_string(&json, NULL, nodes->access.nodes[n].name);
    json_close(&json, ']');
    json_finish(&json);
}

/* --- for people ------------------------------------------------------------------------------------------- */

static void age_text(const struct indoubt_branch *branch, char *out, size_t cap)
{
    if (branch->age_s < 0)
        text_copy(out, cap, "-");
    else
        snprintf(out, cap, "%s%" PRId64 " s", branch->age_from == AGE_EPOCH ? "<" : "", branch->age_s);
}

static void say_nodes(struct app *app, const struct inspection *nodes, const struct indoubt_txn *txn)
{
    char line[XATOP_NODES_MAX * (XATOP_NAME_MAX + 16)];
    struct text text;
    text_init(&text, line, sizeof line);
    for (uint8_t n = 0; n < nodes->count; n++)
        text_printf(&text, "%s%s %s", n > 0 ? ", " : "", nodes->access.nodes[n].name,
                    indoubt_presence_name(txn->nodes[n]));
    app_say(app, "    %s%s%s", txn->meaning, txn->meaning[0] ? "; " : "", line);
}

static void say_waits(struct app *app, const struct indoubt_branch *branch)
{
    const struct lock_waits *waits = branch->waits;
    if (!waits && !branch->waits_why)
        return;
    if (!waits || !waits->known) {
        app_say(app, _("    who waits for it: %s"), waits ? waits->why : branch->waits_why);
        return;
    }
    for (uint32_t i = 0; i < waits->count; i++)
        app_say(app, _("    thread %" PRIu64 " (%s) has waited %" PRId64 " s for it: %s"),
                waits->list[i].thread, waits->list[i].user, waits->list[i].wait_s, waits->list[i].statement);
    if (waits->total > waits->count)
        app_say(app, _("    and %u more wait for it"), waits->total - waits->count);
}

static void say_kept(struct app *app, const struct kept_force *kept)
{
    char xid[XATOP_GTRID_MAX + 8], money[24];
    kept_xid_text(kept, xid, sizeof xid);
    app_say(app, _("forced by hand %" PRId64 " s ago: %s of %s on %s: %s"), kept_age_s(kept),
            kept->force.commit ? _("commit") : _("rollback"), xid, kept->force.branches[0].name,
            forced_outcome_words(kept->forced.outcome));
    if (kept->forced.money_gap != 0)
        app_say(app, _("    money gap %s"), money_format(kept->forced.money_gap, money, sizeof money));
    app_say(app, _("    the reason given: %s"), kept->force.meaning);
    if (kept->forced.meaning[0])
        app_say(app, _("    found then: %s"), kept->forced.meaning);
}

void indoubt_print_text(struct app *app, const struct inspection *nodes, const struct log_view *log,
                        const struct indoubt *doubt, uint32_t count)
{
    (void)log;
    for (uint32_t i = 0; i < doubt->force_count; i++)
        say_kept(app, &doubt->forces[i]);
    if (doubt->force_count > 0)
        app_say(app, _("xatop indoubt forget XID takes one off this list"));
    if (doubt->count == 0) {
        app_say(app, _("no node holds a prepared branch"));
        return;
    }
    app_say(app, "%-10s %-9s %-8s %-8s %s", _("NODE"), _("OWNER"), _("AGE"), _("DECISION"), _("XID"));
    for (uint32_t i = 0; i < count; i++) {
        const struct indoubt_branch *branch = &doubt->branches[i];
        bool foreign = branch->prepared->owner == XID_FOREIGN;
        const char *decision = decision_word(branch);
        char xid[300], age[32];
        xid_text(branch, xid, sizeof xid);
        age_text(branch, age, sizeof age);
        app_say(app, "%-10s %-9s %-8s %-8s %s%s%s", nodes->access.nodes[branch->prepared->node].name,
                owner_word(branch->prepared->owner), age, decision ? decision : "-", xid,
                foreign && branch->maker ? _(" by ") : "", foreign && branch->maker ? branch->maker : "");
        if (branch->txn)
            say_nodes(app, nodes, branch->txn);
        if (branch->txn)
            say_waits(app, branch);
    }
    if (doubt->count > count)
        app_say(app, _("and %u more; --limit 0 shows all"), doubt->count - count);
    if (doubt->count > doubt->foreign)
        app_say(app, "%s",
                doubt->holder ? _("a coordinator runs: it tries again by itself")
                              : _("no coordinator runs: nobody tries again before xatop recover"));
}
