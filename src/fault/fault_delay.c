#include "config.h"

#include "xatop/fault.h"

#include "xatop/i18n.h"

extern const struct fault_kind fault_kind_delay;
const struct fault_kind fault_kind_delay = {
    .name = "delay",
    .help = N_("it is held for MS milliseconds"),
    .act = FAULT_DELAY,
    .takes_ms = true,
    .at_decide = true,
    .at_message = true,
    .at_step = false,
};
