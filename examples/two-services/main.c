/* Both services are this program with another set of migrations. */
#include <inlay-cli.h>

extern const struct inlay_set service_migrations;

int main(int argc, char **argv)
{
    return inlay_main(argc, argv, &service_migrations);
}
