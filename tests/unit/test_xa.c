#include "config.h"

#include <string.h>

#include "cunit_main.h"
#include "xatop/prng.h"
#include "xatop/verb.h"
#include "xatop/work.h"
#include "xatop/xid.h"

static const struct gtrid sample = {
    .coordinator = "shop-1_x", .log_id = 0xfedcba9876543210, .epoch = 0xdeadbeef, .sequence = 0xffffffffffff};
static const char sample_string[] = "xa1.shop-1_x.fedcba9876543210.deadbeef.ffffffffffff";

static void gtrid_has_one_spelling(void)
{
    char string[XATOP_GTRID_MAX + 1];
    gtrid_print(&sample, string);
    CU_ASSERT_STRING_EQUAL(string, sample_string);
    struct gtrid back;
    CU_ASSERT_TRUE(gtrid_parse(string, strlen(string), &back));
    CU_ASSERT_TRUE(gtrid_equal(&back, &sample));

    static const char *const bad[] = {
        "",
        "xa1.",
        "xa2.shop.0123456789abcdef.00000001.000000000001",
        "xa1..0123456789abcdef.00000001.000000000001",
        "xa1.Shop.0123456789abcdef.00000001.000000000001",
        "xa1.shop.0123456789ABCDEF.00000001.000000000001",
        "xa1.shop.0123456789abcdef.0000000g.000000000001",
        "xa1.shop.0123456789abcdef.00000001.00000000000-",
        "xa1.shop.0123456789abcdef.00000001.0000000000011",
        "xa1.shop.0123456789abcdef:00000001.000000000001",
        "xa1.shop.0123456789abcdef.00000001:000000000001",
        "xa1.shop.0123456789abcdef.00000001.000000000001 ",
        "xa1.sh op.0123456789abcdef.00000001.000000000001",
        "xa1.seventeen-letters.0123456789abcdef.00000001.000000000001",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CU_ASSERT_FALSE(gtrid_parse(bad[i], strlen(bad[i]), &back));
    for (size_t n = 0; n < strlen(sample_string); n++) /* every prefix */
        CU_ASSERT_FALSE(gtrid_parse(sample_string, n, &back));
}

static void the_longest_gtrid_fits(void)
{
    struct gtrid longest = sample;
    strcpy(longest.coordinator, "0123456789abcdef");
    char string[XATOP_GTRID_MAX + 1];
    gtrid_print(&longest, string);
    CU_ASSERT_TRUE(strlen(string) <= XATOP_GTRID_MAX);
    struct gtrid back;
    CU_ASSERT_TRUE(gtrid_parse(string, strlen(string), &back) && gtrid_equal(&back, &longest));
}

static void coordinator_ids_are_plain_words(void)
{
    CU_ASSERT_TRUE(coordinator_id_valid("a"));
    CU_ASSERT_TRUE(coordinator_id_valid("0123456789abcdef"));
    static const char *const bad[] = {"", "A", "a.b", "a b", "a/b", "caf\xc3\xa9", "0123456789abcdefg"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CU_ASSERT_FALSE(coordinator_id_valid(bad[i]));
}

static void an_xid_tells_whose_it_is(void)
{
    struct xid xid;
    struct gtrid gtrid;
    unsigned branch;
    for (unsigned b = 1; b <= XATOP_BRANCHES_MAX; b++) {
        xid_make(&xid, &sample, b);
        CU_ASSERT_TRUE(xid_parse(&xid, &gtrid, &branch));
        CU_ASSERT_TRUE(gtrid_equal(&gtrid, &sample));
        CU_ASSERT_EQUAL(branch, b);
    }
    CU_ASSERT_EQUAL(xid_owner(&xid, "shop-1_x", sample.log_id), XID_OURS);
    CU_ASSERT_EQUAL(xid_owner(&xid, "shop-1_x", sample.log_id + 1), XID_OTHER_LOG);
    CU_ASSERT_EQUAL(xid_owner(&xid, "shop-1", sample.log_id), XID_FOREIGN);

    struct xid other = xid;
    CU_ASSERT_TRUE(xid_equal(&xid, &other));
    other.format = 1; /* a look-alike with another format id is not of our making */
    CU_ASSERT_FALSE(xid_equal(&xid, &other));
    CU_ASSERT_EQUAL(xid_owner(&other, "shop-1_x", sample.log_id), XID_FOREIGN);
    other = xid;
    other.gtrid[0] ^= 1;
    CU_ASSERT_FALSE(xid_equal(&xid, &other));
    CU_ASSERT_EQUAL(xid_owner(&other, "shop-1_x", sample.log_id), XID_FOREIGN);
}

static void only_our_bquals_parse(void)
{
    static const char *const bad[] = {"", "b", "b0", "b01", "b17", "b99", "B1", "c1", "b1x", "bx", "b100"};
    struct xid xid;
    struct gtrid gtrid;
    unsigned branch;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        xid_make(&xid, &sample, 1);
        xid.bqual_len = (uint8_t)strlen(bad[i]);
        memcpy(xid.bqual, bad[i], xid.bqual_len);
        CU_ASSERT_FALSE(xid_parse(&xid, &gtrid, &branch));
    }
}

static void both_printed_forms_read_back(void)
{
    char buffer[320];
    struct text text;
    struct xid xid, back;
    xid_make(&xid, &sample, 12);
    text_init(&text, buffer, sizeof buffer);
    xid_print(&xid, &text);
    CU_ASSERT_STRING_EQUAL(buffer, "xa1.shop-1_x.fedcba9876543210.deadbeef.ffffffffffff/b12");
    CU_ASSERT_TRUE(xid_scan(buffer, &back) && xid_equal(&xid, &back));

    struct prng prng;
    prng_seed(&prng, 1);
    for (int round = 0; round < 500; round++) { /* anybody's bytes */
        static const int64_t formats[] = {0, 1, XID_FORMAT, 2147483647, 4294967294, -1};
        xid = (struct xid){.format = formats[prng_below(&prng, 6)]};
        xid.gtrid_len = (uint8_t)(1 + prng_below(&prng, XATOP_GTRID_MAX));
        xid.bqual_len = (uint8_t)prng_below(&prng, XATOP_BQUAL_MAX + 1);
        for (int i = 0; i < xid.gtrid_len; i++)
            xid.gtrid[i] = (uint8_t)prng_next(&prng);
        for (int i = 0; i < xid.bqual_len; i++)
            xid.bqual[i] = (uint8_t)prng_next(&prng);
        text_init(&text, buffer, sizeof buffer);
        xid_print(&xid, &text);
        CU_ASSERT_FALSE(text.truncated);
        CU_ASSERT_TRUE(xid_scan(buffer, &back) && xid_equal(&xid, &back));
    }
}

static void scanning_refuses_what_is_no_xid(void)
{
    static const char *const bad[] = {
        "",
        "X",
        "X'",
        "X''",
        "X'',X'',1",
        "X'41'",
        "X'4',X'',1",
        "X'41',X'',",
        "X'41',X'',1 ",
        "X'41',X'',x",
        "X'41';X'',1",
        "X'41',X'':1",
        "X'4g',X'',1",
        "X'41',X'",
        "X'41',X'',99999999999",
        "xa1.a.0000000000000000.00000001.000000000001/",
        "no/b1",
        "xa1.a.0000000000000000.00000001.000000000001/b17",
        "xa1.a.0000000000000000.00000001.000000000001",
    };
    struct xid out;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CU_ASSERT_FALSE(xid_scan(bad[i], &out));
    for (size_t n = XATOP_GTRID_MAX; n <= XATOP_GTRID_MAX + 1; n++) {
        char buffer[200], digits[2 * (XATOP_GTRID_MAX + 1)];
        struct text text;
        memset(digits, '4', sizeof digits);
        text_init(&text, buffer, sizeof buffer);
        text_printf(&text, "X'%.*s',X'',1", (int)(2 * n), digits);
        CU_ASSERT_EQUAL(xid_scan(buffer, &out), n == XATOP_GTRID_MAX);
    }
    CU_ASSERT_TRUE(xid_scan("x'4A4b',X'',1", &out));
    CU_ASSERT_TRUE(out.gtrid_len == 2 && out.gtrid[0] == 0x4a && out.gtrid[1] == 0x4b && out.bqual_len == 0);
}

static void verbs_have_words_and_sql(void)
{
    char buffer[400];
    struct text text;
    struct xid xid = {.format = 7, .gtrid_len = 1, .bqual_len = 1, .gtrid = {0x61}, .bqual = {0x62}};
    static const struct {
        enum verb verb;
        const char *sql;
    } rows[] = {
        {VERB_START, "XA START X'61',X'62',7"},       {VERB_END, "XA END X'61',X'62',7"},
        {VERB_PREPARE, "XA PREPARE X'61',X'62',7"},   {VERB_COMMIT, "XA COMMIT X'61',X'62',7"},
        {VERB_ROLLBACK, "XA ROLLBACK X'61',X'62',7"}, {VERB_ONE_PHASE, "XA COMMIT X'61',X'62',7 ONE PHASE"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        text_init(&text, buffer, sizeof buffer);
        verb_sql(rows[i].verb, &xid, &text);
        CU_ASSERT_STRING_EQUAL(buffer, rows[i].sql);
    }
    text_init(&text, buffer, sizeof buffer);
    verbs_print(VERB_PREPARE | VERB_START | VERB_END | VERB_WORK, &text);
    CU_ASSERT_STRING_EQUAL(buffer, "start+work+end+prepare");
    CU_ASSERT_EQUAL(verbs_last(VERB_PREPARE | VERB_START), VERB_PREPARE);
    CU_ASSERT_EQUAL((int)verbs_last(0), 0);
    CU_ASSERT_STRING_EQUAL(verb_name(VERB_ONE_PHASE), "one-phase");
    CU_ASSERT_STRING_EQUAL(verb_name(VERB_OPEN), "open");
    CU_ASSERT_EQUAL(verb_letter(VERB_ROLLBACK), 'R');
}

static void work_tables_know_their_unit(void)
{
    CU_ASSERT_STRING_EQUAL(work_table_name(WORK_PRODUCTS), "products");
    CU_ASSERT_STRING_EQUAL(work_table_column(WORK_PRODUCTS), "stock");
    CU_ASSERT_STRING_EQUAL(work_table_words(WORK_ACCOUNTS), "account");
    CU_ASSERT_TRUE(work_table_is_money(WORK_ACCOUNTS));
    CU_ASSERT_FALSE(work_table_is_money(WORK_PRODUCTS));
    CU_ASSERT_FALSE(work_table_is_money(WORK_ORDERS));
    CU_ASSERT_STRING_EQUAL(refusal_word(REFUSAL_SHORT), "short");
    CU_ASSERT_STRING_EQUAL(refusal_sentence(REFUSAL_SHORT), "is too small");
}

/* Written out here again, not taken from the list: the list itself is what is tested. */
static void foreign_xids_are_named_by_their_maker(void)
{
    static const struct {
        int64_t format;
        const char *gtrid, *maker;
    } rows[] = {
        {9752, "192.168.1.5:8091:2612", "Seata"},
        {9751, "192.168.1.5:8091:2612", NULL},
        {0x42746e78, "x", "Bitronix"},
        {1279875137, "x", "LIXA"},
        {131071, "x", NULL},
        {131072, "x", "Narayana"},
        {131077, "x", "Narayana"},
        {131081, "x", "Narayana"},
        {131082, "x", NULL},
        {1096044365, "10.0.6.112.tm174583066495800535", "Atomikos"},
        {1, "MySQLXid\1\1\1\1", "MySQL server"},
        {1, "MySQLXi", NULL},
        {1, "WSREPXid", "Galera"},
        {1, "Dble_Server.1.7.db1", "dble"},
        {1, "anything", NULL},
        {XID_FORMAT, "xa1.not-quite-ours", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct xid xid = {.format = rows[i].format, .gtrid_len = (uint8_t)strlen(rows[i].gtrid)};
        memcpy(xid.gtrid, rows[i].gtrid, xid.gtrid_len);
        const char *maker = xid_maker(&xid);
        if (rows[i].maker) {
            CU_ASSERT_PTR_NOT_NULL_FATAL(maker);
            CU_ASSERT_STRING_EQUAL(maker, rows[i].maker);
        } else {
            CU_ASSERT_PTR_NULL(maker);
        }
    }
    struct gtrid gtrid = {.coordinator = "other", .log_id = 1};
    struct xid xid;
    xid_make(&xid, &gtrid, 2);
    CU_ASSERT_STRING_EQUAL(xid_maker(&xid), "xatop");
}

int main(void)
{
    static const struct test_case cases[] = {
        {"gtrid has one spelling", gtrid_has_one_spelling},
        {"the longest gtrid fits", the_longest_gtrid_fits},
        {"coordinator ids are plain words", coordinator_ids_are_plain_words},
        {"an xid tells whose it is", an_xid_tells_whose_it_is},
        {"only our bquals parse", only_our_bquals_parse},
        {"both printed forms read back", both_printed_forms_read_back},
        {"scanning refuses what is no xid", scanning_refuses_what_is_no_xid},
        {"foreign xids are named by their maker", foreign_xids_are_named_by_their_maker},
        {"verbs have words and sql", verbs_have_words_and_sql},
        {"work tables know their unit", work_tables_know_their_unit},
        {NULL, NULL},
    };
    return test_main("xa", cases);
}
