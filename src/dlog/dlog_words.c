#include "config.h"

#include "xatop/dlog.h"

#include <inttypes.h>
#include <time.h>

#include "xatop/i18n.h"
#include "xatop/money.h"

/* UTC, so that two machines' logs can be laid side by side. */
static void print_time(struct text *out, int64_t wall_ms)
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm tm;
    char day[40];
    if (wall_ms < 0 || !gmtime_r(&seconds, &tm) || strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &tm) == 0)
        text_append(out, _("at an unknown time"));
    else
        text_printf(out, "%s.%03dZ", day, (int)(wall_ms % 1000));
}

static void print_gtrid(struct text *out, const struct gtrid *gtrid)
{
    char string[XATOP_GTRID_MAX + 1];
    gtrid_print(gtrid, string);
    text_append(out, string);
}

static void describe_commit(struct text *out, const struct dlog_record *record)
{
    print_gtrid(out, &record->gtrid);
    text_append(out, _(": decided to commit"));
    for (size_t i = 0; i < record->branch_count; i++)
        text_printf(out, "%s b%u %s %s", i ? "," : "", record->branches[i].branch, _("on"),
                    record->branches[i].name);
    if (record->meaning[0])
        text_printf(out, " (%s)", record->meaning);
}

static void describe_force(struct text *out, const struct dlog_record *record)
{
    char gap[32];
    print_gtrid(out, &record->gtrid);
    text_printf(out, " b%u %s %s", record->branches[0].branch, _("on"), record->branches[0].name);
    if (record->type == DLOG_FORCE) {
        text_printf(out, ": %s, %s", record->commit ? _("forced to commit") : _("forced to roll back"),
                    record->decided ? _("which had been decided to commit")
                                    : _("of which no decision to commit was held"));
    } else if (record->type == DLOG_FORCED) {
        text_printf(out, ": %s: %s", forced_outcome_name(record->outcome),
                    forced_outcome_words(record->outcome));
        if (record->money_gap)
            text_printf(out, ", %s %s", _("money gap"), money_format(record->money_gap, gap, sizeof gap));
    } else {
        text_append(out, _(": what was forced is forgotten"));
    }
    if (record->meaning[0])
        text_printf(out, " (%s)", record->meaning);
}

void dlog_describe(const struct dlog_record *record, struct text *out)
{
    text_printf(out, "%" PRIu64 " ", record->lsn);
    print_time(out, record->wall_ms);
    text_printf(out, " %-7s ", dlog_type_name(record->type));
    switch (record->type) {
    case DLOG_SEGMENT:
        text_printf(out, _("segment %" PRIu32 " of log %016" PRIx64 " of coordinator %s"), record->segment,
                    record->log_id, record->coordinator);
        if (record->previous)
            text_printf(out, _(", after segment %" PRIu32 " up to byte %" PRIu64), record->previous,
                        record->previous_end);
        break;
    case DLOG_OPEN:
        text_printf(out, _("epoch %" PRIu32 " opened by coordinator %s, pid %" PRId64 " on %s"),
                    record->epoch, record->coordinator, record->pid, record->host);
        break;
    case DLOG_COMMIT:
        describe_commit(out, record);
        break;
    case DLOG_DONE:
        print_gtrid(out, &record->gtrid);
        text_append(out, _(": every branch verified committed"));
        break;
    case DLOG_ABORT:
        print_gtrid(out, &record->gtrid);
        text_append(out, _(": the earlier decision to commit is void, nobody had been told"));
        break;
    case DLOG_FORCE:
    case DLOG_FORCED:
    case DLOG_FORGET:
        describe_force(out, record);
        break;
    case DLOG_SWEPT:
        text_append(out, _("up to "));
        print_gtrid(out, &record->gtrid);
        text_append(out, _(": every decision verified on all nodes, and none came back"));
        break;
    case DLOG_NONE:
    case DLOG_TYPES:
        break;
    }
}

static void json_string(struct text *out, const char *key, const char *value)
{
    text_printf(out, ",\"%s\":\"", key);
    text_json_escape(out, value);
    text_append(out, "\"");
}

static void json_branch(struct text *out, const struct dlog_branch *branch)
{
    text_printf(out, "\"branch\":%u", branch->branch);
    json_string(out, "node", branch->name);
    text_printf(out, ",\"node_id\":\"%016" PRIx64 "\"", branch->node_id);
}

static void json_force(struct text *out, const struct dlog_record *record)
{
    text_append(out, ",");
    json_branch(out, &record->branches[0]);
    if (record->type == DLOG_FORCE)
        text_printf(out, ",\"verdict\":\"%s\",\"decided\":%s", record->commit ? "commit" : "rollback",
                    record->decided ? "true" : "false");
    if (record->type == DLOG_FORCED)
        text_printf(out, ",\"outcome\":\"%s\",\"money_gap\":%" PRId64, forced_outcome_name(record->outcome),
                    record->money_gap);
    json_string(out, record->type == DLOG_FORCED ? "found" : "reason", record->meaning);
}

void dlog_to_json(const struct dlog_record *record, const char *segment, uint64_t offset, struct text *out)
{
    text_printf(out, "{\"type\":\"%s\",\"lsn\":%" PRIu64 ",\"epoch\":%" PRIu32 ",\"wall_ms\":%" PRId64,
                dlog_type_name(record->type), record->lsn, record->epoch, record->wall_ms);
    json_string(out, "file", segment);
    text_printf(out, ",\"offset\":%" PRIu64, offset);
    if (record->type == DLOG_OPEN || record->type == DLOG_SEGMENT) {
        json_string(out, "coordinator", record->coordinator);
        text_printf(out, ",\"log_id\":\"%016" PRIx64 "\"", record->log_id);
    }
    if (record->type == DLOG_OPEN) {
        text_printf(out, ",\"pid\":%" PRId64, record->pid);
        json_string(out, "host", record->host);
    } else if (record->type == DLOG_SEGMENT) {
        text_printf(out, ",\"segment\":%" PRIu32 ",\"previous\":%" PRIu32 ",\"previous_end\":%" PRIu64,
                    record->segment, record->previous, record->previous_end);
    } else {
        text_append(out, ",\"gtrid\":\"");
        print_gtrid(out, &record->gtrid);
        text_append(out, "\"");
    }
    if (record->type == DLOG_COMMIT) {
        text_append(out, ",\"branches\":[");
        for (size_t i = 0; i < record->branch_count; i++) {
            text_append(out, i ? ",{" : "{");
            json_branch(out, &record->branches[i]);
            text_append(out, "}");
        }
        text_append(out, "]");
        json_string(out, "meaning", record->meaning);
    }
    if (record->type == DLOG_FORCE || record->type == DLOG_FORCED || record->type == DLOG_FORGET)
        json_force(out, record);
    text_append(out, "}");
}
