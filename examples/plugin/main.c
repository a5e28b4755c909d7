/* A program that finds its storage in a plugin, and knows nothing of inlay. */
#include "store.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    char why[4096] = "";
    void *plugin = argc == 2 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
    const struct store *store = plugin != NULL ? dlsym(plugin, "store") : NULL;

    if (store == NULL) {
        fprintf(stderr, "usage: notes PLUGIN: %s\n", argc == 2 ? dlerror() : "none was given");
        return 2;
    }
    bool prepared = store->prepare(getenv("DATABASE_URL"), why, sizeof why);
    fputs(prepared ? "the store is ready\n" : why, prepared ? stdout : stderr);
    dlclose(plugin);
    return prepared ? 0 : 1;
}
