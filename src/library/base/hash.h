/* FNV-1a, 64 bits (draft-eastlake-fnv): the same number in every release and on every machine. Good
 * for keys and for noticing that a text has changed by accident; no protection against an attack.
 */
#ifndef INLAY_HASH_H
#define INLAY_HASH_H

#include <stdint.h>

#define INLAY_HASH_EMPTY UINT64_C(14695981039346656037)

/* The hash of a text that is one byte longer. */
static inline uint64_t inlay_hash_add(uint64_t hash, char byte)
{
    return (hash ^ (unsigned char)byte) * UINT64_C(1099511628211);
}

#endif
