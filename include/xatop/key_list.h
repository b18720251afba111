/* Every key of the console: dispatch, footer, the ? overlay, the manual page and completion are made of this list.
 * code, key, as shown, word of the footer, effect (LOOK, ACT, DESTROY: asks first), help.
 * Never ^Z ^S ^Q ^C ^A ^B: they belong to the terminal, the shell, screen and tmux. Keys of panes: pane_list.h. */
#ifndef XATOP_KEY_LIST_H
#define XATOP_KEY_LIST_H

#define XATOP_KEY_LIST(X)                                                                                   \
    X(TRANSFER, 't', "t", "transfer", ACT, "fire one bank transfer with random parameters")                 \
    X(ORDER, 'o', "o", "order", ACT, "fire one order with random parameters")                               \
    X(TRANSFERS, 'T', "T", "stream", ACT, "a stream of transfers; again: 4, 16, 64 in flight")              \
    X(ORDERS, 'O', "O", "orders", ACT, "a stream of orders; again: 4, 16, 64 in flight")                    \
    X(STOP, '0', "0", "stop", ACT, "stop the streams")                                                      \
    X(FAULT, 'f', "f", "fault", ACT, "arm a fault: kind, point, node from a menu, or typed")                \
    X(DISARM, 'F', "F", "disarm", ACT, "disarm every fault")                                                \
    X(KILL, 'K', "K", "kill", DESTROY, "kill the selected node (SIGKILL)")                                  \
    X(RESTART, 'R', "R", "restart", DESTROY, "restart the selected node, or bring it back")                 \
    X(STOP_NODE, 'Z', "Z", "freeze node", DESTROY, "freeze the selected node (SIGSTOP), or thaw it")        \
    X(CUT, 'C', "C", "cut link", DESTROY, "cut the link of the selected node, or heal it")                  \
    X(RECOVER, 'r', "r", "recover", ACT, "one recovery pass over every node, with verdicts")                \
    X(NEXT_PANE, '\t', "Tab", "pane", LOOK, "next pane; Shift-Tab: the one before; 1-5: that one")          \
    X(PREVIOUS_PANE, UI_KEY_BACKTAB, "", "", LOOK, "")                                                      \
    X(UP, UI_KEY_UP, "Up k", "", LOOK, "select or scroll up; also PgUp, Home")                              \
    X(DOWN, UI_KEY_DOWN, "Down j", "", LOOK, "select or scroll down; also PgDn, End")                       \
    X(PAGE_UP, UI_KEY_PAGE_UP, "", "", LOOK, "")                                                            \
    X(PAGE_DOWN, UI_KEY_PAGE_DOWN, "", "", LOOK, "")                                                        \
    X(FIRST, UI_KEY_HOME, "", "", LOOK, "")                                                                 \
    X(LAST, UI_KEY_END, "", "", LOOK, "")                                                                   \
    X(OPEN, '\r', "Enter", "open", LOOK, "open the selected transaction's trace, or branch in doubt")        \
    X(LIVE, 'L', "L", "live", LOOK, "follow the newest transaction again")                                  \
    X(ZOOM, 'z', "z", "zoom", LOOK, "the pane in focus fills the screen, and back")                         \
    X(FREEZE, ' ', "Space", "freeze", LOOK, "freeze the view, never the work; again: go on")                \
    X(FASTER, '+', "+", "", LOOK, "refresh more often")                                                     \
    X(SLOWER, '-', "-", "", LOOK, "refresh less often")                                                     \
    X(GLYPHS, 'g', "g", "", LOOK, "lines and bars in UTF-8 or in ASCII")                                    \
    X(REPAINT, 0x0c, "^L", "", LOOK, "paint the whole screen anew")                                         \
    X(HELP, '?', "?", "help", LOOK, "this page; also F1")                                                   \
    X(BACK, UI_KEY_ESCAPE, "Esc", "", LOOK, "close what is open; also Backspace")                           \
    X(QUIT, 'q', "q", "quit", LOOK, "leave, saying what is unfinished; also F10")

/* key, the key of the list that it stands for */
#define XATOP_KEY_ALIAS_LIST(X)                                                                             \
    X('k', UI_KEY_UP)                                                                                       \
    X('j', UI_KEY_DOWN)                                                                                     \
    X('\n', '\r')                                                                                           \
    X(UI_KEY_BACKSPACE, UI_KEY_ESCAPE)                                                                      \
    X(UI_KEY_F1, '?')                                                                                       \
    X(UI_KEY_F10, 'q')

#endif
