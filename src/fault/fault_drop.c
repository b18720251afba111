#include "config.h"

#include "xatop/fault.h"

#include "xatop/i18n.h"

extern const struct fault_kind fault_kind_drop;
const struct fault_kind fault_kind_drop = {
    .name = "drop",
    .help = N_(".sent: the message never leaves; .reply: the answer is lost after the server acted; the "
               "session is cut"),
    .act = FAULT_DROP,
    .takes_ms = false,
    .at_decide = false,
    .at_message = true,
    .at_step = false,
};
