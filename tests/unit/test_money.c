#include "config.h"

#include "cunit_main.h"
#include "xatop/money.h"
#include "xatop/prng.h"

static void reads_decimal_amounts(void)
{
    static const struct {
        const char *in;
        int64_t minor;
    } rows[] = {{"0", 0},         {"500", 50000},  {"500.5", 50050},
                {"0.01", 1},      {"007.10", 710}, {"10000000000000", MONEY_MAX},
                {"500.00", 50000}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t minor = -1;
        CU_ASSERT_TRUE(money_parse(rows[i].in, &minor));
        CU_ASSERT_EQUAL(minor, rows[i].minor);
    }
}

static void refuses_everything_else(void)
{
    static const char *const bad[] = {"",
                                      "-1",
                                      "+1",
                                      "1e99",
                                      ".5",
                                      "5.",
                                      "1.005",
                                      "1..2",
                                      "1.2.3",
                                      " 1",
                                      "1 ",
                                      "1,00",
                                      "0x10",
                                      "nan",
                                      "inf",
                                      "1; DROP TABLE accounts",
                                      "10000000000000.01",
                                      "99999999999999999999999999",
                                      "9223372036854775807"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int64_t minor = 77;
        CU_ASSERT_FALSE(money_parse(bad[i], &minor));
        CU_ASSERT_EQUAL(minor, 77);
    }
}

static void prints_what_it_reads(void)
{
    char out[24];
    CU_ASSERT_STRING_EQUAL(money_format(50000, out, sizeof out), "500.00");
    CU_ASSERT_STRING_EQUAL(money_format(-5, out, sizeof out), "-0.05");
    CU_ASSERT_STRING_EQUAL(money_format(0, out, sizeof out), "0.00");
    CU_ASSERT_STRING_EQUAL(money_format(INT64_MIN, out, sizeof out), "-92233720368547758.08");
    struct prng prng;
    prng_seed(&prng, 3);
    for (int i = 0; i < 1000; i++) {
        int64_t minor = (int64_t)prng_below(&prng, MONEY_MAX + 1), back;
        CU_ASSERT_TRUE(money_parse(money_format(minor, out, sizeof out), &back));
        CU_ASSERT_EQUAL(back, minor);
    }
}

int main(void)
{
    static const struct test_case cases[] = {
        {"reads decimal amounts", reads_decimal_amounts},
        {"refuses everything else", refuses_everything_else},
        {"prints what it reads", prints_what_it_reads},
        {NULL, NULL},
    };
    return test_main("money", cases);
}
