/* First member of everything that comes back to the engine through its one outbox, so that it can tell what came. */
#ifndef XATOP_COMPLETION_H
#define XATOP_COMPLETION_H

enum completion_kind { COMPLETION_MESSAGE, COMPLETION_CONTROL, COMPLETION_LOG, COMPLETION_COMMAND };

struct completion {
    enum completion_kind kind;
};

#endif
