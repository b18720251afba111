#include "config.h"

#include <locale.h>
#include <string.h>

#include "cunit_main.h"
#include "ui_rig.h"
#include "xatop/verb.h"

/* The console without a terminal: what each key does, and that no size and no content can break a screen. */

static void no_two_keys_clash(void)
{
    size_t count, panes;
    const struct key_row *rows = key_rows(&count);
    const struct pane_row *pane = pane_rows(&panes);
    CU_ASSERT_EQUAL(count, KEY_CODES);
    CU_ASSERT_EQUAL(panes, PANES);
    static const int forbidden[] = {'Z' & 31, 'S' & 31, 'Q' & 31, 'C' & 31, 'A' & 31, 'B' & 31};
    static const int aliases[] = {
#define X(alias, meant) alias,
        XATOP_KEY_ALIAS_LIST(X)
#undef X
    };
    for (size_t i = 0; i < count; i++) {
        for (size_t j = i + 1; j < count; j++)
            CU_ASSERT_NOT_EQUAL(rows[i].key, rows[j].key);
        for (size_t j = 0; j < panes; j++)
            CU_ASSERT_NOT_EQUAL(rows[i].key, pane[j].key);
        for (size_t j = 0; j < sizeof aliases / sizeof aliases[0]; j++)
            CU_ASSERT_NOT_EQUAL(rows[i].key, aliases[j]);
        for (size_t j = 0; j < sizeof forbidden / sizeof forbidden[0]; j++)
            CU_ASSERT_NOT_EQUAL(rows[i].key, forbidden[j]);
        CU_ASSERT_TRUE(!rows[i].shown[0] == !rows[i].help[0]);
    }
}

static void acting_keys_wish(void)
{
    static const struct {
        char key;
        enum console_wish wish;
        int number;
    } rows[] = {{'t', WISH_TRANSFER, 1},
                {'o', WISH_ORDER, 1},
                {'T', WISH_TRANSFERS, 1},
                {'O', WISH_ORDERS, 1},
                {'0', WISH_ORDERS, 0}};
    fresh();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ui_key(&ui, rows[i].key, ui.now_us);
        CU_ASSERT_EQUAL(wished, rows[i].wish);
        CU_ASSERT_EQUAL(wish_number, rows[i].number);
    }
    static const int steps[] = {4, 16, 64, 64};
    unsigned now = 1;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        status.transfers = (uint16_t)now;
        status.generation++;
        snap();
        press("T");
        CU_ASSERT_EQUAL(wish_number, steps[i]);
        now = (unsigned)steps[i];
    }
    press("0");
    CU_ASSERT_EQUAL(wish_number, 0);
    press("TTT"); /* faster than any snapshot comes */
    CU_ASSERT_EQUAL(wish_number, 16);
    press("r");
    CU_ASSERT_TRUE(shows("another one is running"));
}

static void destroying_keys_ask(void)
{
    fresh();
    press("1");
    ui_key(&ui, UI_KEY_DOWN, ui.now_us);
    press("K");
    CU_ASSERT_EQUAL(wishes, 0);
    CU_ASSERT_TRUE(shows("Kill beta"));
    press("t"); /* anything but yes is no, and is nothing else either */
    CU_ASSERT_EQUAL(wishes, 0);
    CU_ASSERT_EQUAL(ui.overlay, OVERLAY_NONE);
    press("Ky");
    CU_ASSERT_EQUAL(wished, WISH_KILL);
    CU_ASSERT_EQUAL(wish_number, 1);
    press("RY");
    CU_ASSERT_EQUAL(wished, WISH_RESTART);
    fresh_with(0);
    press("K");
    CU_ASSERT_EQUAL(ui.overlay, OVERLAY_NONE);
}

static void read_only_only_looks(void)
{
    fresh();
    ports.read_only = true;
    size_t count;
    const struct key_row *rows = key_rows(&count);
    for (size_t i = 0; i < count; i++) {
        if (rows[i].effect == EFFECT_LOOK)
            continue;
        ui_key(&ui, rows[i].key, ui.now_us);
        ui_key(&ui, 'y', ui.now_us);
    }
    CU_ASSERT_EQUAL(wishes, 0);
    CU_ASSERT_TRUE(shows("READ-ONLY"));
}

static void leaving_tells_what_is_unfinished(void)
{
    fresh();
    press("q");
    CU_ASSERT_TRUE(ui.quit);
    fresh();
    unfinished_count = 1;
    press("q");
    CU_ASSERT_FALSE(ui.quit);
    CU_ASSERT_TRUE(shows("transaction 7"));
    press("n");
    CU_ASSERT_FALSE(ui.quit);
    ui_key(&ui, UI_KEY_F10, ui.now_us);
    press("y");
    CU_ASSERT_TRUE(ui.quit);
    fresh();
    status.orders = 4;
    status.generation++;
    snap();
    press("q");
    CU_ASSERT_FALSE(ui.quit);
    CU_ASSERT_TRUE(shows("streams are running"));
}

static void the_view_freezes_never_the_work(void)
{
    fresh();
    begin(1, 2, "first");
    snap();
    press(" ");
    begin(2, 2, "second");
    begin(3, 2, "third");
    snap();
    CU_ASSERT_TRUE(shows("FROZEN +2"));
    CU_ASSERT_FALSE(shows("second"));
    press("t");
    CU_ASSERT_EQUAL(wishes, 1);
    press(" ");
    snap();
    CU_ASSERT_TRUE(shows("third"));
    CU_ASSERT_FALSE(shows("FROZEN"));
}

static void the_trace_follows_or_stays(void)
{
    fresh();
    begin(1, 2, "first");
    message(1, 1, VERB_PREPARE, REPLY_OK);
    begin(2, 2, "second");
    snap();
    CU_ASSERT_EQUAL(ui.kept_txn.txn, 2);
    CU_ASSERT_EQUAL(ui.focus, PANE_TXNS);
    ui_key(&ui, UI_KEY_DOWN, ui.now_us);
    press("\r");
    CU_ASSERT_EQUAL(ui.focus, PANE_TRACE);
    begin(3, 2, "third");
    snap();
    CU_ASSERT_EQUAL(ui.kept_txn.txn, 1);
    CU_ASSERT_TRUE(shows("YES"));
    commits(1);
    for (uint64_t txn = 4; txn < 400; txn++) { /* it leaves the model, not the screen */
        begin(txn, 2, "more");
        commits(txn);
    }
    snap();
    CU_ASSERT_EQUAL(ui.kept_txn.txn, 1);
    CU_ASSERT_TRUE(shows("YES"));
    press("L");
    snap();
    CU_ASSERT_EQUAL(ui.kept_txn.txn, 399);
}

static void a_node_keeps_its_side(void)
{
    fresh();
    begin(1, 2, "the second node is asked first");
    for (int8_t node = 2; node >= 1; node--) {
        struct trace_event e = event(TRACE_SEND, 1);
        e.branch = (int8_t)(3 - node);
        e.node = node;
        e.verbs = VERB_START;
        apply(&e);
    }
    snap();
    const char *alpha = strstr(screen(), "alpha ."), *beta = strstr(shown, "beta .");
    CU_ASSERT_TRUE(alpha && beta && alpha < beta);
}

/* Statement by statement, one branch ahead of the other all the time: at 80x24 it still fits, first line to last. */
static void branches_apart_still_fit(void)
{
    static const unsigned verbs[] = {VERB_START, VERB_WORK, VERB_END, VERB_PREPARE};
    fresh();
    begin(1, 2, "apart");
    for (int i = 0; i < 4; i++)
        for (int8_t branch = 1; branch <= 2; branch++)
            message(1, branch, verbs[i], REPLY_OK);
    struct trace_event e = event(TRACE_LOG_DURABLE, 1);
    text_copy(e.detail, sizeof e.detail, "commit");
    e.start_us = e.mono_us - 100;
    e.end_us = e.mono_us;
    apply(&e);
    message(1, 1, VERB_COMMIT, REPLY_OK);
    message(1, 2, VERB_COMMIT, REPLY_OK);
    commits(1);
    snap();
    CU_ASSERT_TRUE(shows(" start "));
    CU_ASSERT_TRUE(shows(" end "));
    CU_ASSERT_TRUE(shows("the caller is told"));
    CU_ASSERT_FALSE(shows("^"));
    canvas_resize(&canvas, 120,
                  60); /* with room enough nothing is folded: each message has its own line, out and back */
    unsigned out = 0;
    for (const char *p = screen(); (p = strstr(p, " work ")) != NULL; p++)
        out++;
    CU_ASSERT_EQUAL(out, 2);
}

static void under_a_stream_a_trace_stays_readable(void)
{
    fresh();
    status.transfers = 4;
    begin(1, 2, "first");
    snap();
    begin(2, 2, "second");
    snap();
    CU_ASSERT_EQUAL(ui.kept_txn.txn, 1);
    for (int i = 0; i < 250; i++) {
        struct trace_event e = event(TRACE_NOTICE, 0);
        apply(&e);
    }
    snap();
    CU_ASSERT_EQUAL(ui.kept_txn.txn, 2);
}

static void panes_and_scrolling(void)
{
    fresh();
    for (uint64_t txn = 1; txn <= 30; txn++)
        begin(txn, 2, "x");
    snap();
    static const enum pane order[] = {PANE_NODES, PANE_THROUGHPUT, PANE_TRACE, PANE_TXNS};
    press("5"); /* the last one: round again */
    for (int i = 0; i < 4; i++) {
        press("\t");
        CU_ASSERT_EQUAL(ui.focus, order[i]);
    }
    ui_key(&ui, UI_KEY_BACKTAB, ui.now_us);
    CU_ASSERT_EQUAL(ui.focus, PANE_TRACE);
    press("4");
    ui_key(&ui, UI_KEY_END, ui.now_us);
    CU_ASSERT_EQUAL(ui.selected_txn, 1);
    screen();
    CU_ASSERT_TRUE(canvas.cursor_y > 16); /* the hidden cursor is on the selected row */
    ui_key(&ui, UI_KEY_PAGE_UP, ui.now_us);
    CU_ASSERT_EQUAL(ui.selected_txn, 11);
    ui_key(&ui, UI_KEY_HOME, ui.now_us);
    CU_ASSERT_EQUAL(ui.selected_txn, 0);
    press("zj");
    CU_ASSERT_TRUE(ui.zoom);
    CU_ASSERT_FALSE(shows("1 Nodes"));
    ui_key(&ui, UI_KEY_BACKSPACE, ui.now_us);
    CU_ASSERT_FALSE(ui.zoom);
    int64_t before = ui.refresh_ms;
    press("+");
    CU_ASSERT_TRUE(ui.refresh_ms < before);
    press("------------");
    CU_ASSERT_EQUAL(ui.refresh_ms, 10000);
    press("g");
    CU_ASSERT_PTR_NULL(strstr(screen(), "─"));
    ui_key(&ui, 0x0c, ui.now_us);
    CU_ASSERT_TRUE(ui.repaint);
}

static void a_node_of_every_state_is_told_apart_without_colour(void)
{
    static const enum node_state states[] = {NODE_UNKNOWN, NODE_UP,   NODE_SLOW,
                                             NODE_FROZEN,  NODE_DOWN, NODE_CUT};
    static const char *const words[] = {"?", "up", "SLOW", "FROZEN", "DOWN", "CUT"};
    fresh();
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        struct trace_event e = event(TRACE_NODE, 0);
        e.node = 1;
        e.result = (int16_t)states[i];
        apply(&e);
        snap();
        CU_ASSERT_TRUE(shows(words[i]));
    }
}

/* Sixteen nodes, a transaction over all of them, every kind of row, words that try to escape. */
static void fill(void)
{
    fresh_with(XATOP_NODES_MAX);
    begin(1, 16, "\x1b[2J\xe2\x80\xae evil \xff 王芳王芳王芳王芳王芳王芳王芳王芳王芳王芳");
    for (unsigned verb = VERB_OPEN; verb <= VERB_ONE_PHASE; verb <<= 1)
        for (int8_t branch = 1; branch <= 16; branch++)
            message(1, branch, verb, (enum reply)(branch % 9));
    for (int kind = 0; kind < TRACE_KINDS; kind++) {
        struct trace_event e = event((enum trace_kind)kind, 2);
        e.branch = e.node = 2;
        e.to = e.result = 1;
        e.n[0] = INT64_MAX;
        e.n[1] = 2;
        e.start_us = e.mono_us - 5;
        e.end_us = e.mono_us;
        text_copy(e.detail, sizeof e.detail, kind % 2 ? "commit" : "a\x1b]0;x\x07\n王芳");
        apply(&e);
    }
    node_is(1, NODE_UP);
    sweep(3, 2, 10000);
    for (int i = 0; i < 40; i++)
        verdict((uint64_t)i % 3, 1 + (int8_t)(i % 16), (enum verdict)(i % 5), (enum recovery_rule)(i % 11),
                i % 2 ? "xa1.\x1b[2J\xe2\x80\xae 王芳王芳王芳王芳王芳王芳王芳王芳王芳王芳王芳"
                      : "X'00',X'',1");
    arm("delay=200@prepare.sent:\x1b]0;x\x07王芳");
    arm("drop@begin");
    snap();
}

static void a_stream_shows_one_with_a_vote_long_enough_to_be_read(void)
{
    fresh();
    status.transfers = 4;
    begin(1, 2, "1.00 from 1001 to 1002");
    begin(2, 1, "2.00 from 1001 to 1003");
    snap();
    CU_ASSERT_TRUE(shows("3 Trace #1 "));
    begin(3, 2, "3.00 from 1004 to 1005");
    snap();
    CU_ASSERT_TRUE(shows("3 Trace #1 "));
    for (uint64_t txn = 4; txn < 4 + 2 * MODEL_TXNS; txn++) { /* it leaves the list, not the screen */
        begin(txn, 1, "4.00 from 1001 to 1003");
        commits(txn);
        if (txn == 20)
            snap();
    }
    CU_ASSERT_TRUE(shows("3 Trace #1 "));
    begin(1000, 2, "5.00 from 1004 to 1005");
    begin(1001, 1, "6.00 from 1001 to 1003");
    snap();
    CU_ASSERT_TRUE(shows("3 Trace #1000 "));
    for (uint64_t txn = 2000; txn < 2100; txn++) { /* it waits for a node that is away, the others need not */
        begin(txn, 1, "4.00 from 1001 to 1003");
        commits(txn);
    }
    snap();
    CU_ASSERT_TRUE(shows("3 Trace #1000 "));
    status.transfers = 0;
    begin(3000, 1, "7.00 from 1001 to 1003");
    snap();
    CU_ASSERT_TRUE(shows("3 Trace #3000 "));
}

static void an_old_audit_says_its_age(void)
{
    fresh();
    struct trace_event e = event(TRACE_AUDIT, 0);
    e.result = 1;
    apply(&e);
    snap();
    CU_ASSERT_TRUE(shows("money OK  "));
    status.generation++;
    ui_refresh(&ui, e.mono_us + 47000000, 1767265381000);
    CU_ASSERT_TRUE(shows("money OK 40s  "));
}

static void every_size_and_overlay_holds(void)
{
    static const char *const states[] = {"",  "?", "1K", "1zq", "2z", "3z",  "4z",
                                         "3", "5", "5z", "f",   "f:", "5\r", "5\rf"};
    fill();
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        ui.overlay = OVERLAY_NONE;
        ui.zoom = false;
        unfinished_count = 1;
        press(states[i]);
        for (int w = 1; w < 140; w += w < 30 ? 1 : 7)
            for (int h = 1; h < 50; h += h < 20 ? 1 : 5) {
                ui.ascii = (w + h) % 2;
                CU_ASSERT_TRUE_FATAL(canvas_resize(&canvas, w, h));
                const char *text = screen();
                CU_ASSERT_TRUE_FATAL(strchr(text, '\x1b') == NULL && strchr(text, '\x07') == NULL);
                CU_ASSERT_TRUE(strlen(text) > (size_t)h); /* something is there */
                CU_ASSERT_TRUE(canvas.cursor_x < w && canvas.cursor_y < h);
            }
    }
}

static void questions_are_readable_when_narrow(void)
{
    fresh();
    press("1K");
    canvas_resize(&canvas, 24, 5);
    CU_ASSERT_TRUE(shows("(y/N)"));
    canvas_resize(&canvas, 8, 2);
    CU_ASSERT_TRUE(shows("(y/N)"));
}

int main(void)
{
    static const struct test_case cases[] = {
        {"no two keys clash", no_two_keys_clash},
        {"acting keys wish", acting_keys_wish},
        {"destroying keys ask", destroying_keys_ask},
        {"read-only only looks", read_only_only_looks},
        {"leaving tells what is unfinished", leaving_tells_what_is_unfinished},
        {"the view freezes, never the work", the_view_freezes_never_the_work},
        {"the trace follows or stays", the_trace_follows_or_stays},
        {"a node keeps its side", a_node_keeps_its_side},
        {"branches apart still fit", branches_apart_still_fit},
        {"under a stream a trace stays readable", under_a_stream_a_trace_stays_readable},
        {"panes and scrolling", panes_and_scrolling},
        {"a node of every state is told apart without colour",
         a_node_of_every_state_is_told_apart_without_colour},
        {"a stream shows one with a vote long enough to be read",
         a_stream_shows_one_with_a_vote_long_enough_to_be_read},
        {"an old audit says its age", an_old_audit_says_its_age},
        {"every size and overlay holds", every_size_and_overlay_holds},
        {"questions are readable when narrow", questions_are_readable_when_narrow},
        {NULL, NULL},
    };
    if (!setlocale(LC_ALL, "C.UTF-8"))
        return 99;
    return test_main("ui", cases);
}
