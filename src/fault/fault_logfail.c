#include "config.h"

#include "xatop/fault.h"

#include "xatop/i18n.h"

extern const struct fault_kind fault_kind_logfail;
const struct fault_kind fault_kind_logfail = {
    .name = "logfail",
    .help = N_("the write (decide.append) or fdatasync (decide.durable) of the decision fails"),
    .act = FAULT_LOGFAIL,
    .takes_ms = false,
    .at_decide = true,
    .at_message = false,
    .at_step = false,
};
