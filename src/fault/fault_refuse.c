#include "config.h"

#include "xatop/fault.h"

#include "xatop/i18n.h"

extern const struct fault_kind fault_kind_refuse;
const struct fault_kind fault_kind_refuse = {
    .name = "refuse",
    .help = N_("the node answers with an error made up here (at prepare: votes no)"),
    .act = FAULT_REFUSE,
    .takes_ms = false,
    .at_decide = false,
    .at_message = true,
    .at_step = false,
};
