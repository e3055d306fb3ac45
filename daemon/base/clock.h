/* base/clock.h - wall clock for what people see, monotonic for durations.
 *
 * The wall clock can be turned by hand in tests: TOUCHLINE_CLOCK names a file that holds an offset
 * in ms, read again once a second.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

int64_t clock_wall_ms(void);
int64_t clock_mono_ms(void); /* CLOCK_BOOTTIME */
int64_t clock_mono_us(void);

#endif
