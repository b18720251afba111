#include "config.h"

#include "xatop/dlog.h"

/* CRC32C: Castagnoli, Braeuer, Herrmann, IEEE Trans. Communications 41(6), 1993; reflected polynomial, as in
 * RFC 3720. */
#define POLYNOMIAL UINT32_C(0x82f63b78)

#define BIT(c) ((c)&1 ? POLYNOMIAL ^ (c) >> 1 : (c) >> 1)
#define BITS2(c) BIT(BIT(c))
#define BITS4(c) BITS2(BITS2(c))
#define NIBBLE(i) BITS4(UINT32_C(i))

/* By half bytes: 16 entries the compiler computes, no start-up code, no table to mistype; records are short.
 */
static const uint32_t table[16] = {
    NIBBLE(0), NIBBLE(1), NIBBLE(2),  NIBBLE(3),  NIBBLE(4),  NIBBLE(5),  NIBBLE(6),  NIBBLE(7),
    NIBBLE(8), NIBBLE(9), NIBBLE(10), NIBBLE(11), NIBBLE(12), NIBBLE(13), NIBBLE(14), NIBBLE(15),
};

uint32_t crc32c(const void *bytes, size_t n)
{
    const uint8_t *p = bytes;
    uint32_t crc = ~UINT32_C(0);
    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        crc = table[crc & 15] ^ crc >> 4;
        crc = table[crc & 15] ^ crc >> 4;
    }
    return ~crc;
}
