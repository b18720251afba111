#include "config.h"

#include <string.h>

#include "cunit_main.h"
#include "xatop/dlog.h"
#include "xatop/prng.h"

static struct dlog_record sample(enum dlog_type type)
{
    struct dlog_record record = {
        .type = type, .lsn = 77, .epoch = 3, .durable = 70, .wall_ms = 1767225600123};
    switch (type) {
    case DLOG_SEGMENT:
        record.segment = 9;
        record.previous = 8;
        record.oldest = 4;
        record.previous_end = 4000;
        record.head_lsn = 80;
        strcpy(record.coordinator, "lab");
        record.log_id = UINT64_MAX;
        break;
    case DLOG_OPEN:
        strcpy(record.coordinator, "lab");
        record.log_id = 0x0123456789abcdef;
        record.pid = 4711;
        strcpy(record.host, "some.host");
        break;
    case DLOG_COMMIT:
        record.branch_count = 2;
        record.branches[0] = (struct dlog_branch){1, 0, 0xfedcba9876543210, "a"};
        record.branches[1] = (struct dlog_branch){2, 5, 42, "a-node-with-a-name-of-31-bytes-"};
        strcpy(record.meaning, "500.00 from 1001 to 1002");
        record.gtrid = (struct gtrid){"lab", 0x0123456789abcdef, 3, UINT64_C(0xffffffffffff)};
        break;
    case DLOG_FORCE:
    case DLOG_FORCED:
    case DLOG_FORGET:
        record.branch_count = 1;
        record.branches[0] = (struct dlog_branch){2, 5, 42, "a-node-with-a-name-of-31-bytes-"};
        strcpy(record.meaning, "the plant is on fire");
        record.commit = record.decided = type == DLOG_FORCE;
        record.outcome = type == DLOG_FORCED ? FORCED_HAZARD : FORCED_NONE;
        record.money_gap = type == DLOG_FORCED ? INT64_MIN : 0;
        /* fall through */
    default:
        record.gtrid = (struct gtrid){"lab", 0x0123456789abcdef, 3, UINT64_C(0xffffffffffff)};
    }
    return record;
}

static bool same(const struct dlog_record *a, const struct dlog_record *b)
{
    uint8_t x[DLOG_FRAME_MAX], y[DLOG_FRAME_MAX];
    size_t n = dlog_encode(a, x, sizeof x);
    return n > 0 && n == dlog_encode(b, y, sizeof y) && memcmp(x, y, n) == 0;
}

static void crc_is_castagnolis(void)
{
    uint8_t zeros[32] = {0}, ones[32];
    memset(ones, 0xff, sizeof ones);
    CU_ASSERT_EQUAL(crc32c("123456789", 9), 0xe3069283); /* RFC 3720 B.4 and the usual check value */
    CU_ASSERT_EQUAL(crc32c(zeros, 32), 0x8a9136aa);
    CU_ASSERT_EQUAL(crc32c(ones, 32), 0x62a8ab43);
    CU_ASSERT_EQUAL(crc32c("", 0), 0);
}

static void what_is_written_is_read(void)
{
    for (enum dlog_type type = DLOG_SEGMENT; type < DLOG_TYPES; type++) {
        struct dlog_record in = sample(type), out;
        uint8_t frame[DLOG_FRAME_MAX];
        size_t n = dlog_encode(&in, frame, sizeof frame), len = 0;
        CU_ASSERT_TRUE_FATAL(n > 0);
        CU_ASSERT_EQUAL_FATAL(dlog_decode(frame, sizeof frame, &out, &len), DLOG_RECORD);
        CU_ASSERT_EQUAL(len, n);
        CU_ASSERT_TRUE(same(&in, &out));
        CU_ASSERT_EQUAL(dlog_encode(&in, frame, n), n);
        CU_ASSERT_EQUAL(dlog_encode(&in, frame, n - 1), 0);
    }
}

static void largest_record_fits(void)
{
    struct dlog_record in = sample(DLOG_COMMIT), out;
    in.branch_count = XATOP_BRANCHES_MAX;
    memset(in.gtrid.coordinator, 'c', XATOP_COORD_MAX);
    for (int i = 0; i < XATOP_BRANCHES_MAX; i++) {
        in.branches[i] = (struct dlog_branch){(uint8_t)(i + 1), (uint8_t)i, UINT64_MAX, ""};
        memset(in.branches[i].name, 'n', XATOP_NAME_MAX);
    }
    memset(in.meaning, 'm', sizeof in.meaning - 1);
    uint8_t frame[DLOG_FRAME_MAX];
    size_t n = dlog_encode(&in, frame, sizeof frame), len;
    CU_ASSERT_TRUE(n > 0 && n < 1100);
    CU_ASSERT_EQUAL_FATAL(dlog_decode(frame, n, &out, &len), DLOG_RECORD);
    CU_ASSERT_TRUE(same(&in, &out));
    char line[1280], json[8192];
    struct text text;
    text_init(&text, line, sizeof line);
    dlog_describe(&in, &text);
    CU_ASSERT_FALSE(text.truncated);
    memset(in.meaning, '\\', sizeof in.meaning - 1);
    text_init(&text, json, sizeof json);
    dlog_to_json(&in, "00000001.dlog", UINT64_MAX, &text);
    CU_ASSERT_FALSE(text.truncated);
}

static void every_flipped_bit_is_seen(void)
{
    for (enum dlog_type type = DLOG_SEGMENT; type < DLOG_TYPES; type++) {
        struct dlog_record in = sample(type), out;
        uint8_t frame[DLOG_FRAME_MAX + 8] = {0};
        size_t n = dlog_encode(&in, frame, DLOG_FRAME_MAX), len;
        int accepted = 0;
        for (size_t bit = 0; bit < n * 8; bit++) {
            frame[bit / 8] ^= (uint8_t)(1 << bit % 8);
            accepted += dlog_decode(frame, sizeof frame, &out, &len) == DLOG_RECORD;
            frame[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        CU_ASSERT_EQUAL(accepted, 0);
    }
}

static void every_cut_is_torn(void)
{
    struct dlog_record in = sample(DLOG_COMMIT), out;
    uint8_t frame[DLOG_FRAME_MAX];
    size_t n = dlog_encode(&in, frame, sizeof frame), len;
    CU_ASSERT_EQUAL(dlog_decode(frame, 0, &out, &len), DLOG_END);
    for (size_t cut = 1; cut < n; cut++)
        CU_ASSERT_EQUAL(dlog_decode(frame, cut, &out, &len), DLOG_TORN);
    memset(frame, 0, sizeof frame);
    for (size_t cut = 0; cut < 16; cut++)
        CU_ASSERT_EQUAL(dlog_decode(frame, cut, &out, &len), DLOG_END);
}

/* A frame whose checksum is right but whose content is not: as if another program, or a foe, had written it.
 */
static void reseal(uint8_t *frame, size_t n)
{
    uint32_t crc = crc32c(frame, n - 4);
    for (int i = 0; i < 4; i++)
        frame[n - 4 + i] = (uint8_t)(crc >> 8 * i);
}

static void hostile_content_never_passes_unchecked(void)
{
    struct prng prng;
    prng_seed(&prng, 1);
    int accepted = 0;
    for (int round = 0; round < 20000; round++) {
        struct dlog_record in = sample(1 + (enum dlog_type)prng_below(&prng, DLOG_TYPES - 1)), out;
        uint8_t frame[DLOG_FRAME_MAX];
        size_t n = dlog_encode(&in, frame, sizeof frame), len;
        for (uint64_t k = 1 + prng_below(&prng, 3); k > 0; k--)
            frame[8 + prng_below(&prng, n - 12)] = (uint8_t)prng_next(&prng);
        reseal(frame, n);
        if (dlog_decode(frame, n, &out, &len) != DLOG_RECORD)
            continue;
        accepted++;
        char again[sizeof out.meaning];
        text_sanitise_cstr(again, sizeof again, out.meaning);
        CU_ASSERT_STRING_EQUAL(again, out.meaning);
        CU_ASSERT_TRUE(out.branch_count <= XATOP_BRANCHES_MAX);
        char json[8192];
        struct text text;
        text_init(&text, json, sizeof json);
        dlog_to_json(&out, "x", 0, &text);
        CU_ASSERT_FALSE(text.truncated);
    }
    CU_ASSERT_TRUE(accepted > 1000); /* else nothing was tried */
    uint8_t noise[512];
    for (int round = 0; round < 20000; round++) {
        struct dlog_record out;
        size_t len;
        for (size_t i = 0; i < sizeof noise; i++)
            noise[i] = (uint8_t)prng_next(&prng);
        CU_ASSERT_NOT_EQUAL(dlog_decode(noise, prng_below(&prng, sizeof noise), &out, &len), DLOG_RECORD);
    }
}

static void words_and_json(void)
{
    char line[1280], json[8192];
    struct text text;
    struct dlog_record record = sample(DLOG_COMMIT);
    text_init(&text, line, sizeof line);
    dlog_describe(&record, &text);
    CU_ASSERT_STRING_EQUAL(
        line, "77 2026-01-01T00:00:00.123Z commit  xa1.lab.0123456789abcdef.00000003.ffffffffffff: decided "
              "to commit b1 on a, b2 on a-node-with-a-name-of-31-bytes- (500.00 from 1001 to 1002)");
    strcpy(record.meaning, "say \"hi\"");
    text_init(&text, json, sizeof json);
    dlog_to_json(&record, "00000009.dlog", 12, &text);
    CU_ASSERT_STRING_EQUAL(json, "{\"type\":\"commit\",\"lsn\":77,\"epoch\":3,\"wall_ms\":1767225600123,"
                                 "\"file\":\"00000009.dlog\",\"offset\":12,"
                                 "\"gtrid\":\"xa1.lab.0123456789abcdef.00000003.ffffffffffff\",\"branches\":["
                                 "{\"branch\":1,\"node\":\"a\","
                                 "\"node_id\":\"fedcba9876543210\"},{\"branch\":2,\"node\":\"a-node-with-a-"
                                 "name-of-31-bytes-\",\"node_id\":"
                                 "\"000000000000002a\"}],\"meaning\":\"say \\\"hi\\\"\"}");
}

static void says(enum dlog_type type, const char *words, const char *json)
{
    struct dlog_record record = sample(type);
    char out[8192];
    struct text text;
    record.money_gap = type == DLOG_FORCED ? -50000 : 0;
    text_init(&text, out, sizeof out);
    dlog_describe(&record, &text);
    CU_ASSERT_PTR_NOT_NULL(strstr(out, words));
    text_init(&text, out, sizeof out);
    dlog_to_json(&record, "00000001.dlog", 5, &text);
    CU_ASSERT_PTR_NOT_NULL(strstr(out, json));
}

static void words_and_json_of_forces(void)
{
    says(DLOG_FORCE,
         " b2 on a-node-with-a-name-of-31-bytes-: forced to commit, which had been decided to commit "
         "(the plant is on fire)",
         "\"branch\":2,\"node\":\"a-node-with-a-name-of-31-bytes-\",\"node_id\":\"000000000000002a\","
         "\"verdict\":\"commit\",\"decided\":true,\"reason\":\"the plant is on fire\"}");
    says(DLOG_FORCED,
         ": hazard: heuristic hazard: it cannot be told how every branch ended, money gap -500.00",
         "\"outcome\":\"hazard\",\"money_gap\":-50000,\"found\":\"the plant is on fire\"}");
    says(DLOG_FORGET, ": what was forced is forgotten (the plant is on fire)",
         "\"node_id\":\"000000000000002a\",\"reason\":\"the plant is on fire\"}");
    says(DLOG_SWEPT, "up to xa1.lab.0123456789abcdef.00000003.ffffffffffff: every decision verified",
         "\"gtrid\":\"xa1.lab.0123456789abcdef.00000003.ffffffffffff\"}");
}

int main(void)
{
    static const struct test_case cases[] = {
        {"crc is castagnoli's", crc_is_castagnolis},
        {"what is written is read", what_is_written_is_read},
        {"largest record fits", largest_record_fits},
        {"every flipped bit is seen", every_flipped_bit_is_seen},
        {"every cut is torn", every_cut_is_torn},
        {"hostile content never passes unchecked", hostile_content_never_passes_unchecked},
        {"words and json", words_and_json},
        {"words and json of forces", words_and_json_of_forces},
        {NULL, NULL},
    };
    return test_main("dlog codec", cases);
}
