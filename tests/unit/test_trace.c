#include "config.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "cunit_main.h"
#include "xatop/prng.h"
#include "xatop/trace.h"
#include "xatop/verb.h"
#include "xatop/vocab.h"

static char line[4 * TRACE_LINE_MAX];

static const char *format(const struct trace_event *event)
{
    struct text out;
    text_init(&out, line, sizeof line);
    trace_format(event, &out);
    return line;
}

static const char *json(const struct trace_event *event)
{
    struct text out;
    text_init(&out, line, TRACE_LINE_MAX);
    trace_to_json(event, &out);
    CU_ASSERT_FALSE(out.truncated);
    return line;
}

static const struct {
    struct trace_event event;
    const char *wanted;
} said[] = {
    {{.kind = TRACE_RUN, .n = {3, 0xab}, .detail = "shop"},
     "[   0.000] run epoch 3 log 00000000000000ab: shop"},
    {{.kind = TRACE_BEGIN, .txn = 17, .n = {2, 1}, .detail = "5.00 from 1 to 2"},
     "[   0.000] t17 begin 2 branches retry 1: 5.00 from 1 to 2"},
    {{.kind = TRACE_STATE, .mono_us = 1234567, .txn = 17, .from = TXN_ACTIVE, .to = TXN_PREPARING},
     "[   1.234] t17 state active > preparing"},
    {{.kind = TRACE_BRANCH, .txn = 17, .branch = 1, .node = 2, .from = BRANCH_ENDED, .to = BRANCH_PREPARING},
     "[   0.000] t17 b1@2 branch ended > preparing"},
    {{.kind = TRACE_SEND, .txn = 17, .branch = 1, .node = 2, .verbs = VERB_PREPARE},
     "[   0.000] t17 b1@2 send prepare"},
    {{.kind = TRACE_SEND, .txn = 17, .branch = 1, .node = 2, .verbs = VERB_WORK, .n = {3}},
     "[   0.000] t17 b1@2 send work@3"},
    {{.kind = TRACE_REPLY,
      .txn = 17,
      .branch = 1,
      .node = 2,
      .verbs = VERB_PREPARE,
      .start_us = 1000,
      .end_us = 2234},
     "[   0.000] t17 b1@2 reply prepare ok 1.234 ms"},
    {{.kind = TRACE_REPLY,
      .txn = 17,
      .branch = 1,
      .verbs = VERB_WORK,
      .result = REPLY_RETRYABLE,
      .error = 1213,
      .detail = "deadlock"},
     "[   0.000] t17 b1 reply work retryable error 1213: deadlock"},
    {{.kind = TRACE_LOG_APPEND, .txn = 17, .n = {9, 140}, .detail = "commit"},
     "[   0.000] t17 log-append lsn 9 140 bytes: commit"},
    {{.kind = TRACE_LOG_DURABLE, .n = {9, 3}, .start_us = 1, .end_us = 501},
     "[   0.000] log-durable lsn 9 group 3 0.500 ms"},
    {{.kind = TRACE_LOG_FAILED, .error = 28}, "[   0.000] log-failed error 28"},
    {{.kind = TRACE_FENCE, .txn = 17, .branch = 2, .node = 1, .n = {55}, .result = 1},
     "[   0.000] t17 b2@1 fence connection 55 gone"},
    {{.kind = TRACE_RESOLVE, .txn = 17, .branch = 2, .node = 1, .result = FINDING_STILL_PREPARED},
     "[   0.000] t17 b2@1 resolve ask still-prepared"},
    {{.kind = TRACE_OUTCOME, .txn = 17, .result = OUTCOME_COMMITTED, .n = {2500}},
     "[   0.000] t17 outcome committed 2.500 ms"},
    {{.kind = TRACE_FORGET, .txn = 17}, "[   0.000] t17 forget"},
    {{.kind = TRACE_ARM, .result = 1, .detail = "kill@commit.sent:n2#3"},
     "[   0.000] arm: kill@commit.sent:n2#3"},
    {{.kind = TRACE_ARM}, "[   0.000] arm none"},
    {{.kind = TRACE_FAULT, .detail = "crash@prepare.sent:1"}, "[   0.000] fault: crash@prepare.sent:1"},
    {{.kind = TRACE_NODE, .node = 1, .result = NODE_UP, .n = {310, 2, -1, 5}, .detail = "MariaDB 10.11"},
     "[   0.000] @1 node up 0.310 ms, 2 prepared, 5 sessions: MariaDB 10.11"},
    {{.kind = TRACE_VERDICT,
      .node = 1,
      .result = VERDICT_ROLLBACK,
      .n = {RULE_NO_RECORD},
      .detail = "xa1../b1"},
     "[   0.000] @1 verdict rollback no-record: xa1../b1"},
    {{.kind = TRACE_VERDICT, .result = VERDICT_COMMIT, .n = {RULE_COMMIT_RECORD, 17, 4}, .detail = "x"},
     "[   0.000] verdict commit commit-record lsn 17 held by connection 4: x"},
    {{.kind = TRACE_SWEEP, .result = 1, .n = {3, 3, 0, 1}},
     "[   0.000] sweep 3 branches, 1 foreign, dry run"},
    {{.kind = TRACE_BRANCH,
      .txn = 17,
      .branch = 1,
      .from = BRANCH_RESOLVING,
      .to = BRANCH_BACKOFF,
      .n = {120, 3}},
     "[   0.000] t17 b1 branch resolving > backoff try 3 in 120 ms"},
    {{.kind = TRACE_VERDICT, .n = {INT64_MAX}}, "[   0.000] verdict commit ?"},
    {{.kind = TRACE_AUDIT, .result = 1, .n = {500, 500, 7, 7}},
     "[   0.000] audit ok, money 5.00 found 5.00, stock 7 found 7"},
    {{.kind = TRACE_NOTICE, .result = 2, .detail = "restart node db2"},
     "[   0.000] notice alarm: restart node db2"},
    {{.kind = TRACE_NOTICE, .result = 9}, "[   0.000] notice ?"},
};

static void says_what_happened(void)
{
    for (size_t i = 0; i < sizeof said / sizeof said[0]; i++) {
        CU_ASSERT_STRING_EQUAL(format(&said[i].event), said[i].wanted);
        if (strcmp(line, said[i].wanted) != 0)
            printf("# got \"%s\"\n# not \"%s\"\n", line, said[i].wanted);
    }
    struct trace_event odd = {.kind = (enum trace_kind)99, .mono_us = INT64_MIN};
    CU_ASSERT_STRING_EQUAL(format(&odd), "[   0.000] ?");
}

static void writes_words_and_leaves_zeros_out(void)
{
    struct trace_event event = {.seq = 5,
                                .kind = TRACE_REPLY,
                                .txn = 17,
                                .branch = 1,
                                .node = 2,
                                .verbs = VERB_START | VERB_WORK,
                                .result = REPLY_REFUSED,
                                .detail = "a \"b\" \\"};
    CU_ASSERT_STRING_EQUAL(json(&event), "{\"seq\":5,\"kind\":\"reply\",\"txn\":17,\"branch\":1,\"node\":2,"
                                         "\"verbs\":\"start+work\",\"result\":\"refused\","
                                         "\"detail\":\"a \\\"b\\\" \\\\\"}");
    struct trace_event state = {
        .kind = TRACE_STATE, .from = TXN_ACTIVE, .to = TXN_PREPARING, .n = {0, 0, 1, 0}};
    CU_ASSERT_STRING_EQUAL(json(&state),
                           "{\"seq\":0,\"kind\":\"state\",\"from\":\"active\",\"to\":\"preparing\","
                           "\"n\":[0,0,1,0]}");
}

static bool same(const struct trace_event *a, const struct trace_event *b)
{
    return a->seq == b->seq && a->mono_us == b->mono_us && a->wall_ms == b->wall_ms && a->kind == b->kind &&
           a->txn == b->txn && a->epoch == b->epoch && a->branch == b->branch && a->node == b->node &&
           a->verbs == b->verbs && a->from == b->from && a->to == b->to && a->result == b->result &&
           a->error == b->error && a->start_us == b->start_us && a->end_us == b->end_us &&
           memcmp(a->n, b->n, sizeof a->n) == 0 && strcmp(a->detail, b->detail) == 0;
}

static int64_t any(struct prng *prng, int64_t min, int64_t max)
{
    uint64_t draw = prng_next(prng), span = (uint64_t)max - (uint64_t)min;
    switch (draw % 5) {
    case 0:
        return 0;
    case 1:
        return min;
    case 2:
        return max;
    case 3:
        return max < 3 ? max : 3;
    default:
        return (int64_t)((uint64_t)min + prng_below(prng, span));
    }
}

static void random_event(struct prng *prng, struct trace_event *e)
{
    static const char *const details[] = {"", "plain", "quote \" back \\ slash", "\xe4\xb8\xad\xe6\x96\x87",
                                          "<u+202e>"};
    memset(e, 0, sizeof *e);
    e->seq = (uint64_t)any(prng, 0, INT64_MAX);
    e->mono_us = any(prng, INT64_MIN + 1, INT64_MAX - 1);
    e->wall_ms = any(prng, INT64_MIN + 1, INT64_MAX - 1);
    e->kind = (enum trace_kind)prng_below(prng, TRACE_KINDS);
    e->txn = (uint64_t)any(prng, 0, INT64_MAX);
    e->epoch = (uint32_t)any(prng, 0, UINT32_MAX);
    e->branch = (int8_t)any(prng, 0, XATOP_BRANCHES_MAX);
    e->node = (int8_t)any(prng, 0, XATOP_NODES_MAX);
    e->verbs = (uint16_t)any(prng, 0, UINT16_MAX);
    if (prng_below(prng, 2))
        e->verbs &= 0xff;
    e->from = (int16_t)any(prng, INT16_MIN, INT16_MAX);
    e->to = (int16_t)any(prng, -1, 20);
    e->result = (int16_t)any(prng, -1, 12);
    e->error = (int32_t)any(prng, INT32_MIN, INT32_MAX);
    e->start_us = any(prng, INT64_MIN + 1, INT64_MAX - 1);
    e->end_us = any(prng, INT64_MIN + 1, INT64_MAX - 1);
    for (int i = 0; i < 4; i++)
        e->n[i] = any(prng, INT64_MIN + 1, INT64_MAX - 1);
    strcpy(e->detail, details[prng_below(prng, 5)]);
}

static void every_field_comes_back(void)
{
    struct prng prng;
    prng_seed(&prng, 11);
    for (int i = 0; i < 20000; i++) {
        struct trace_event event, back;
        random_event(&prng, &event);
        json(&event);
        bool read = trace_from_json(line, strlen(line), &back);
        CU_ASSERT_TRUE(read && same(&event, &back));
        if (!read) {
            printf("# seed 11 round %d: %s\n", i, line);
            return;
        }
        format(&event);
    }
}

static void the_longest_line_fits(void)
{
    struct trace_event event = {.seq = INT64_MAX,
                                .mono_us = INT64_MIN,
                                .wall_ms = INT64_MIN,
                                .kind = TRACE_RESOLVE,
                                .txn = INT64_MAX,
                                .epoch = UINT32_MAX,
                                .branch = 16,
                                .node = 16,
                                .verbs = 0xff,
                                .from = INT16_MIN,
                                .to = INT16_MIN,
                                .result = INT16_MIN,
                                .error = INT32_MIN,
                                .start_us = INT64_MIN,
                                .end_us = INT64_MIN,
                                .n = {INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN}};
    memset(event.detail, '"', sizeof event.detail - 1);
    struct trace_event back;
    json(&event);
    CU_ASSERT_TRUE(trace_from_json(line, strlen(line), &back) && same(&event, &back));

    /* cut in the middle of a character: still JSON */
    memset(event.detail, 'x', sizeof event.detail - 1);
    memcpy(event.detail + sizeof event.detail - 3, "\xe4\xb8", 2);
    json(&event);
    CU_ASSERT_TRUE(trace_from_json(line, strlen(line), &back));
}

static void refuses_what_is_no_event(void)
{
    static const char *const bad[] = {
        "",
        "null",
        "[]",
        "7",
        "{}",
        "{\"seq\":1}",
        "{\"kind\":\"send\"}",
        "{\"xatop-journal\":1,\"coordinator\":\"shop\",\"nodes\":[]}",
        "{\"seq\":\"1\",\"kind\":\"send\"}",
        "{\"seq\":-1,\"kind\":\"send\"}",
        "{\"seq\":1,\"kind\":\"sent\"}",
        "{\"seq\":1,\"kind\":4}",
        "{\"seq\":1,\"seq\":2,\"kind\":\"send\"}",
        "{\"seq\":1,\"kind\":\"send\",\"branch\":17}",
        "{\"seq\":1,\"kind\":\"send\",\"branch\":-1}",
        "{\"seq\":1,\"kind\":\"send\",\"node\":1.5}",
        "{\"seq\":1,\"kind\":\"send\",\"node\":17}",
        "{\"seq\":1,\"kind\":\"send\",\"epoch\":4294967296}",
        "{\"seq\":1,\"kind\":\"send\",\"error\":2147483648}",
        "{\"seq\":1,\"kind\":\"send\",\"txn\":99999999999999999999}",
        "{\"seq\":1,\"kind\":\"send\",\"verbs\":65536}",
        "{\"seq\":1,\"kind\":\"send\",\"verbs\":\"sing\"}",
        "{\"seq\":1,\"kind\":\"send\",\"verbs\":\"start++work\"}",
        "{\"seq\":1,\"kind\":\"send\",\"verbs\":[]}",
        "{\"seq\":1,\"kind\":\"send\",\"from\":\"active\"}",
        "{\"seq\":1,\"kind\":\"state\",\"from\":\"asleep\"}",
        "{\"seq\":1,\"kind\":\"state\",\"to\":40000}",
        "{\"seq\":1,\"kind\":\"send\",\"n\":[1,2,3]}",
        "{\"seq\":1,\"kind\":\"send\",\"n\":[1,2,3,\"4\"]}",
        "{\"seq\":1,\"kind\":\"send\",\"n\":7}",
        "{\"seq\":1,\"kind\":\"send\",\"detail\":7}",
        "{\"seq\":1,\"kind\":\"send\",\"detail\":\"\\u0000\"}",
        "{\"seq\":1,\"kind\":\"send\"} trailing",
    };
    struct trace_event out, before;
    memset(&out, 0x5a, sizeof out);
    before = out;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        bool read = trace_from_json(bad[i], strlen(bad[i]), &out);
        CU_ASSERT_FALSE(read);
        if (read)
            printf("# read: %s\n", bad[i]);
    }
    CU_ASSERT_EQUAL(memcmp(&out, &before, sizeof out), 0);
    memset(line, ' ', sizeof line);
    memcpy(line, "{\"seq\":1,\"kind\":\"send\"}", 23);
    CU_ASSERT_TRUE(trace_from_json(line, sizeof line, &out));
    CU_ASSERT_FALSE(
        trace_from_json(line, sizeof line + 1, &out)); /* too long to be ours: not even looked at */
}

static void hostile_words_are_sanitised(void)
{
    static const char hostile[] =
        "{\"seq\":1,\"kind\":\"notice\",\"later\":[{}],\"detail\":\"\\u001b]0;x\\u202e\\n\"}";
    struct trace_event event;
    CU_ASSERT_TRUE_FATAL(trace_from_json(hostile, sizeof hostile - 1, &event));
    CU_ASSERT_STRING_EQUAL(event.detail, "\\x1b]0;x<u+202e> ");
}

static void mutated_lines_never_crash(void)
{
    struct prng prng;
    prng_seed(&prng, 12);
    unsigned read = 0, refused = 0;
    for (int i = 0; i < 40000; i++) {
        struct trace_event event;
        random_event(&prng, &event);
        json(&event);
        size_t len = strlen(line);
        for (uint64_t k = 1 + prng_below(&prng, 3); k > 0; k--) {
            static const char alphabet[] = "\"{}[]:,\\0129-.eEuntrfalse \n\x01\x7f\x80\xc3\xff";
            size_t at = prng_below(&prng, len);
            switch (prng_below(&prng, 4)) {
            case 0:
                line[at] = alphabet[prng_below(&prng, sizeof alphabet)]; /* NUL included */
                break;
            case 1:
                memmove(line + at, line + at + 1, len-- - at);
                break;
            case 2:
                len = at + 1;
                break;
            default:
                line[at] = (char)prng_next(&prng);
                break;
            }
            if (len == 0)
                break;
        }
        if (!trace_from_json(line, len, &event)) {
            refused++;
            continue;
        }
        read++;
        CU_ASSERT_TRUE(event.branch >= 0 && event.branch <= XATOP_BRANCHES_MAX && event.node >= 0 &&
                       event.node <= XATOP_NODES_MAX && (unsigned)event.kind < TRACE_KINDS);
        struct trace_event again;
        json(&event); /* what was read can be written and read */
        CU_ASSERT_TRUE(trace_from_json(line, strlen(line), &again) && same(&event, &again));
        format(&event);
    }
    CU_ASSERT_TRUE(read > 1000 && refused > 1000); /* both ways were tried */
}

int main(void)
{
    static const struct test_case cases[] = {
        {"says what happened", says_what_happened},
        {"writes words and leaves zeros out", writes_words_and_leaves_zeros_out},
        {"every field comes back", every_field_comes_back},
        {"the longest line fits", the_longest_line_fits},
        {"refuses what is no event", refuses_what_is_no_event},
        {"hostile words are sanitised", hostile_words_are_sanitised},
        {"mutated lines never crash", mutated_lines_never_crash},
        {NULL, NULL},
    };
    return test_main("trace", cases);
}
