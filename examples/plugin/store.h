/* What a plugin gives the program: a struct by the name of "store". */
#ifndef STORE_H
#define STORE_H

#include <stdbool.h>
#include <stddef.h>

struct store {
    /* Brings the tables to what this plugin needs. False, and why. */
    bool (*prepare)(const char *database, char *why, size_t size);
};

#endif
