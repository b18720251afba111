/* Time. Deadlines use the monotonic clock only; wall time is for display. */
#ifndef XATOP_CLOCK_H
#define XATOP_CLOCK_H

#include <stdint.h>

int64_t clock_mono_us(void);
int64_t clock_mono_ms(void);
int64_t clock_wall_ms(void);

#endif
