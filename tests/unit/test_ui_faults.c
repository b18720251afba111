#include "config.h"

#include <locale.h>
#include <string.h>

#include "cunit_main.h"
#include "ui_rig.h"

/* The console's part in faults and recovery: the palette, the banner, nodes and links by keys, branches in doubt, forcing one by hand. */

static void keys(const char *list, const int *codes)
{
    for (; *list; list++)
        ui_key(&ui, *list == '*' ? *codes++ : *list, ui.now_us);
}

static void nodes_are_frozen_and_cut_and_made_good(void)
{
    fresh();
    press("Z");
    CU_ASSERT_TRUE(shows("Freeze alpha"));
    press("n");
    CU_ASSERT_EQUAL(wishes, 0);
    press("Zy");
    CU_ASSERT_EQUAL(wished, WISH_STOP_NODE);
    press("Cy");
    CU_ASSERT_EQUAL(wished, WISH_CUT);
    node_is(1, NODE_FROZEN);
    snap();
    press("Z"); /* to thaw destroys nothing: not asked */
    CU_ASSERT_EQUAL(wished, WISH_GO_ON);
    CU_ASSERT_EQUAL(ui.overlay, OVERLAY_NONE);
    node_is(1, NODE_CUT);
    snap();
    press("C");
    CU_ASSERT_EQUAL(wished, WISH_HEAL);
    CU_ASSERT_EQUAL(wish_number, 0);
    CU_ASSERT_TRUE(shows("healing the link of alpha"));
}

static void the_palette_picks_a_fault(void)
{
    static const int right_down[] = {UI_KEY_RIGHT, UI_KEY_END, UI_KEY_RIGHT, UI_KEY_RIGHT, UI_KEY_DOWN};
    fresh();
    press("f");
    CU_ASSERT_TRUE(shows("Arm a fault"));
    CU_ASSERT_TRUE(shows("the coordinator ends at once"));
    press("j");                                     /* drop */
    CU_ASSERT_TRUE(shows("fault drop@start.sent")); /* begin is no message: the next point that fits */
    keys("*****", right_down);
    press("\r");
    CU_ASSERT_EQUAL(wished, WISH_ARM);
    CU_ASSERT_STRING_EQUAL(wish_words, "drop@rollback.reply#2");
    CU_ASSERT_EQUAL(ui.overlay, OVERLAY_NONE);
    press("f"); /* what was picked is still there */
    CU_ASSERT_TRUE(shows("fault drop@rollback.reply#2"));
    press("j\t\t"); /* delay, and on to the node */
    CU_ASSERT_TRUE(shows("fault delay=100@rollback.reply#2"));
    press("jj\t\tj\r");
    CU_ASSERT_STRING_EQUAL(wish_words, "delay=200@rollback.reply:beta#2");
    press("q"); /* closed already: this leaves */
    CU_ASSERT_TRUE(ui.quit);
}

static void a_fault_that_strikes_names_its_node(void)
{
    fresh();
    press("1j"); /* beta is selected */
    press("fjjjj");
    CU_ASSERT_TRUE(shows("fault kill@begin:beta"));
    press("\t\tkkkk"); /* nobody in particular is no choice there */
    CU_ASSERT_FALSE(shows("fault kill@begin "));
    CU_ASSERT_TRUE(shows("fault kill@begin:"));
    ui_key(&ui, UI_KEY_ESCAPE, ui.now_us);
    CU_ASSERT_EQUAL(ui.overlay, OVERLAY_NONE);
    CU_ASSERT_EQUAL(wishes, 0);
}

static void a_fault_is_typed(void)
{
    fresh();
    press("f:\r"); /* nothing was typed: nothing is armed, and nothing disarmed */
    CU_ASSERT_EQUAL(wishes, 0);
    press("kill@commit.sent:q#2");
    ui_key(&ui, UI_KEY_BACKSPACE, ui.now_us);
    press("3");
    CU_ASSERT_TRUE(shows("fault kill@commit.sent:q#3"));
    press("\r");
    CU_ASSERT_STRING_EQUAL(wish_words, "kill@commit.sent:q#3");
    press("f:abc");
    ui_key(&ui, 'U' & 31, ui.now_us);
    ui_key(&ui, UI_KEY_BACKSPACE, ui.now_us); /* nothing is left to be deleted: back to the menu */
    CU_ASSERT_FALSE(ui.palette.typing);
    press("e");
    for (int i = 0; i < 300; i++)
        ui_key(&ui, i % 2 ? 0x738b : 0x1f600, ui.now_us); /* more than fits, and wide */
    CU_ASSERT_TRUE(strlen(ui.palette.typed) < sizeof ui.palette.typed);
    screen();
    for (int i = 0; i < 300; i++)
        ui_key(&ui, UI_KEY_BACKSPACE, ui.now_us);
    CU_ASSERT_FALSE(ui.palette.typing);
    wishes = 0;
    press("F");
    CU_ASSERT_EQUAL(wishes, 1);
    CU_ASSERT_EQUAL(wished, WISH_ARM);
    CU_ASSERT_STRING_EQUAL(wish_words, "");
    ui_paste(&ui, ui.now_us);
    CU_ASSERT_EQUAL(wishes, 1);
}

static void what_is_armed_is_a_banner(void)
{
    fresh();
    CU_ASSERT_FALSE(shows("ARMED"));
    arm("drop@commit.sent:beta");
    snap();
    CU_ASSERT_TRUE(shows("! FAULT ARMED: drop@commit.sent:beta"));
    CU_ASSERT_TRUE(shows("ARM 1"));
    CU_ASSERT_EQUAL(canvas_at(&canvas, 20, 1)->style, STYLE_HEADER_ALERT);
    for (int i = 0; i < 12; i++)
        arm("delay=200@prepare.sent:a-name-of-31-bytes-of-length-ok\x1b[2J");
    snap();
    CU_ASSERT_TRUE(shows("F disarms all"));
    CU_ASSERT_TRUE(shows("+1"));
    struct trace_event e = event(TRACE_FAULT, 1);
    text_copy(e.detail, sizeof e.detail, "drop@commit.sent:beta");
    apply(&e);
    snap();
    press("f");
    CU_ASSERT_TRUE(shows("fired"));
    press("fF");
    CU_ASSERT_EQUAL(wished, WISH_ARM);
    arm("");
    snap();
    CU_ASSERT_FALSE(shows("ARMED"));
}

static void answers_are_shown_to_their_end(void)
{
    fresh();
    answered = "fault 'kill': node beta is not a server that xatop started: only those are ever struck; "
               "name another with :NODE";
    snap();
    CU_ASSERT_TRUE(shows("fault 'kill': node beta"));
    CU_ASSERT_TRUE(shows("with :NODE"));
    ui_key(&ui, ' ', ui.now_us); /* also while the view stands still */
    answered = "a second answer";
    snap();
    CU_ASSERT_TRUE(shows("a second answer"));
}

/* Both nodes are up; a branch of every verdict. */
static void doubts(void)
{
    fresh();
    node_is(1, NODE_UP);
    node_is(2, NODE_UP);
    sweep(3, 0, 10000);
    verdict(4, 1, VERDICT_LEAVE, RULE_SEEN_ONCE, "xa1.lab.4/b1");
    verdict(5, 1, VERDICT_COMMIT, RULE_COMMIT_RECORD, "xa1.lab.5/b1");
    verdict(6, 2, VERDICT_AMBIGUOUS, RULE_SIBLING_COMMITTED, "xa1.lab.6/b2");
    verdict(0, 2, VERDICT_FOREIGN, RULE_NOT_OUR_FORM, "X'\x1b[2J',X'',9752");
    snap();
    press("5");
}

static void doubts_are_listed_the_worst_first(void)
{
    doubts();
    CU_ASSERT_TRUE(shows("#6/2")); /* at 80x24 too, with those of others */
    const char *text = screen();
    const char *ambiguous = strstr(text, "AMBIGUOUS"), *commit = strstr(text, "COMMIT "),
               *leave = strstr(text, "LEAVE"), *foreign = strstr(text, "FOREIGN");
    CU_ASSERT_TRUE_FATAL(ambiguous && commit && leave && foreign);
    CU_ASSERT_TRUE(ambiguous < commit && commit < leave && leave < foreign);
    CU_ASSERT_TRUE(shows("9999 more foreign ones"));
    CU_ASSERT_TRUE(shows("3 open"));
    CU_ASSERT_FALSE(shows("\x1b"));
    begin(9, 2, "20.00 from 1003 to 1004");
    struct trace_event e = event(TRACE_STATE, 9);
    e.to = TXN_COMMITTING;
    apply(&e);
    e = event(TRACE_BRANCH, 9);
    e.branch = e.node = 2;
    e.to = BRANCH_BACKOFF;
    e.n[0] = 2500;
    e.n[1] = 3;
    apply(&e);
    e.branch = e.node = 1;
    e.to = BRANCH_COMMITTED;
    apply(&e);
    snap();
    CU_ASSERT_TRUE(shows("#9/2"));
    CU_ASSERT_FALSE(shows("#9/1")); /* that one has been told */
    CU_ASSERT_TRUE(shows("try 4 in 2."));
    e = event(TRACE_BRANCH, 5);
    e.branch = e.node = 1;
    e.to = BRANCH_COMMITTED;
    apply(&e);
    snap();
    CU_ASSERT_TRUE(shows("finished since it was seen"));
    sweep(1, 2, 0);
    snap();
    CU_ASSERT_TRUE(shows("beta up: not read"));
}

static void a_doubt_is_recovered_when_the_answer_is_yes(void)
{
    doubts();
    ui_key(&ui, UI_KEY_DOWN, ui.now_us);
    press("\r");
    CU_ASSERT_TRUE(shows("xa1.lab.5/b1"));
    CU_ASSERT_TRUE(shows("durable COMMIT record"));
    CU_ASSERT_TRUE(shows("COMMIT record at lsn 42; committed on beta"));
    verdict(7, 1, VERDICT_AMBIGUOUS, RULE_OTHER_NODE, "xa1.lab.7/b1"); /* another one comes before it */
    snap();
    CU_ASSERT_TRUE(shows("xa1.lab.5/b1"));
    CU_ASSERT_TRUE(shows("asking the node"));
    answered = "1: connection 88 (app) for 12 s: UPDATE account";
    answered_xid = "xa1.lab.6/b2"; /* about another one, asked before */
    snap();
    CU_ASSERT_FALSE(shows("connection 88"));
    press("n\r");
    answered = "1: connection 88 (app) for 12 s: UPDATE account";
    answered_xid = "xa1.lab.5/b1";
    snap();
    answered_xid = "";
    CU_ASSERT_TRUE(shows("connection 88"));
    press("n");
    CU_ASSERT_EQUAL(wishes, 0);
    press("\ry");
    CU_ASSERT_EQUAL(wished, WISH_RECOVER);
    CU_ASSERT_EQUAL(wishes, 1);
    ui_key(&ui, UI_KEY_END, ui.now_us);
    press("\r");
    CU_ASSERT_TRUE(shows("somebody else's"));
    press("yf");
    CU_ASSERT_EQUAL(wishes, 1);
    press("q");
    doubts();
    ports.read_only = true;
    ui_key(&ui, UI_KEY_DOWN, ui.now_us);
    press("\ry\rf");
    CU_ASSERT_EQUAL(wishes, 0);
    CU_ASSERT_EQUAL(ui.overlay, OVERLAY_NONE);
}

static void a_branch_is_forced_with_a_reason_and_its_name(void)
{
    doubts();
    press("\rf");
    CU_ASSERT_TRUE(shows("by hand"));
    ui_key(&ui, UI_KEY_BACKTAB, ui.now_us); /* to the last field: nothing else is filled in */
    press("\r");
    CU_ASSERT_TRUE(shows("say whether to commit"));
    ui_key(&ui, UI_KEY_DOWN, ui.now_us);
    press("r\r\r");
    CU_ASSERT_TRUE(shows("say why"));
    ui_key(&ui, UI_KEY_UP, ui.now_us);
    press("disk of 王 lost, q f y");
    press("\r");
    press("xa2.\r");
    CU_ASSERT_TRUE(shows("are others"));
    CU_ASSERT_EQUAL(wishes, 0);
    ui_key(&ui, UI_KEY_BACKSPACE, ui.now_us);
    ui_key(&ui, UI_KEY_BACKSPACE, ui.now_us);
    press("1.");
    ui_paste(&ui, ui.now_us);
    CU_ASSERT_EQUAL(wishes, 0);
    press("\r");
    CU_ASSERT_EQUAL(wished, WISH_FORCE);
    CU_ASSERT_EQUAL(wish_number, 0);
    CU_ASSERT_STRING_EQUAL(wish_xid, "xa1.lab.6/b2");
    CU_ASSERT_EQUAL(ui.overlay, OVERLAY_NONE);
    wishes = 0;
    ui_key(&ui, UI_KEY_DOWN, ui.now_us); /* what the log decided COMMIT */
    press("\rfrwhy\rxa1.");
    ui_key(&ui, UI_KEY_UP, ui.now_us);
    press("not\r\r");
    CU_ASSERT_TRUE(shows("AGAINST THE VERDICT"));
    CU_ASSERT_EQUAL(wishes, 0);
    press("\r");
    CU_ASSERT_EQUAL(wished, WISH_FORCE);
    CU_ASSERT_EQUAL(wish_number, CONSOLE_FORCE_AGAINST);
    wishes = 0;
    press("\rfc");
    ui_key(&ui, UI_KEY_ESCAPE, ui.now_us);
    CU_ASSERT_EQUAL(ui.overlay, OVERLAY_NONE);
    CU_ASSERT_EQUAL(wishes, 0);
}

static void doubts_on_the_screen_do_not_grow_old(void)
{
    fresh();
    screen();
    snap();
    CU_ASSERT_EQUAL(looks, 0); /* nobody sees it */
    press("5");
    screen();
    snap();
    CU_ASSERT_EQUAL(looks, 1);
    snap();
    CU_ASSERT_EQUAL(looks, 1);
    ui_refresh(&ui, ui.now_us + 7000000, 1767265381000);
    CU_ASSERT_EQUAL(looks, 2);
    sweep(3, 0, 0); /* somebody has just looked */
    ui_refresh(&ui, (int64_t)(1000 + model.events) * 10000 + 1000000, 1767265381000);
    CU_ASSERT_EQUAL(looks, 2);
    press(" ");
    screen();
    ui_refresh(&ui, ui.now_us + 70000000, 1767265381000);
    CU_ASSERT_EQUAL(looks, 2);
    CU_ASSERT_EQUAL(wishes, 0);
}

int main(void)
{
    static const struct test_case cases[] = {
        {"nodes are frozen and cut, and made good", nodes_are_frozen_and_cut_and_made_good},
        {"the palette picks a fault", the_palette_picks_a_fault},
        {"a fault that strikes names its node", a_fault_that_strikes_names_its_node},
        {"a fault is typed", a_fault_is_typed},
        {"what is armed is a banner", what_is_armed_is_a_banner},
        {"answers are shown to their end", answers_are_shown_to_their_end},
        {"doubts are listed, the worst first", doubts_are_listed_the_worst_first},
        {"a doubt is recovered when the answer is yes", a_doubt_is_recovered_when_the_answer_is_yes},
        {"a branch is forced with a reason and its name", a_branch_is_forced_with_a_reason_and_its_name},
        {"doubts on the screen do not grow old", doubts_on_the_screen_do_not_grow_old},
        {NULL, NULL},
    };
    if (!setlocale(LC_ALL, "C.UTF-8"))
        return 99;
    return test_main("ui of faults", cases);
}
