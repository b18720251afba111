#include "config.h"

#include "console_app.h"

#include "links.h"
#include "strike.h"
#include "xatop/fault.h"

/* The fault language as data for the console's palette: it knows neither gate nor kinds. */

enum { KINDS_MAX = 16 };

void console_fault_table(const struct app *app, struct console_faults *out)
{
    static struct console_fault_point points[POINTS];
    static struct console_fault_kind kinds[KINDS_MAX];
    *out = (struct console_faults){.kinds = kinds, .points = points};
    for (int point = POINT_NONE + 1; point < POINTS; point++)
        points[out->point_count++] = (struct console_fault_point){
            .name = point_name((enum point)point), .per_node = point_per_node((enum point)point)};
    for (const struct fault_kind *const *kind = fault_kinds(); *kind && out->kind_count < KINDS_MAX; kind++) {
        struct console_fault_kind *row = &kinds[out->kind_count++];
        *row = (struct console_fault_kind){.name = (*kind)->name,
                                           .help = (*kind)->help,
                                           .takes_ms = (*kind)->takes_ms,
                                           .strikes = fault_act_harms((*kind)->act),
                                           .nodes = UINT16_MAX};
        if ((*kind)->needs == FAULT_NEEDS_PROCESS)
            row->nodes = strikes_processes(app);
        else if ((*kind)->needs == FAULT_NEEDS_LINK)
            row->nodes = links_mask(app);
        for (uint8_t i = 0; i < out->point_count; i++)
            row->points |= fault_kind_fits(*kind, (enum point)(POINT_NONE + 1 + i)) ? UINT32_C(1) << i : 0;
    }
}
